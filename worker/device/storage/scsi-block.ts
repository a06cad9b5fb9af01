/** What the commands of a direct-access SCSI device do beyond those that all units have (SBC-3 §5). */
import { ScsiCommand } from "./scsi.ts";
import * as scsi from "./scsi-command.ts";
import { be16, be32, byte } from "./scsi-command.ts";
import * as data from "./scsi-data.ts";
import type { ScsiDisk } from "./scsi-disk.ts";

export class BlockCommand extends ScsiCommand {
  readonly #disk: ScsiDisk;

  constructor(disk: ScsiDisk) {
    super(disk);
    this.#disk = disk;
  }

  protected passesAttention(): boolean {
    return false;
  }

  protected executeOther(operation: number, command: Uint8Array): boolean {
    const { blocks, blockSize, loaded } = this.#disk;
    switch (operation) {
      case scsi.READ_6:
      case scsi.READ_16:
        this.readBlocks(scsi.logicalBlock(command), scsi.blockCount(command));
        return true;
      case scsi.WRITE_6:
      case scsi.WRITE_10:
      case scsi.WRITE_12:
      case scsi.WRITE_16:
        this.writeBlocks(scsi.logicalBlock(command), scsi.blockCount(command));
        return true;
      case scsi.VERIFY_10:
      case scsi.VERIFY_12:
      case scsi.VERIFY_16: // SBC-3 §5.31: BYTCHK, which compares with data of the host, is not supported
        if (byte(command, 1) & 0x06) this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
        else this.#reaches(command);
        return true;
      case scsi.SYNCHRONIZE_CACHE_10:
      case scsi.SYNCHRONIZE_CACHE_16:
        if (this.#reaches(command)) this.flush();
        return true;
      case scsi.SERVICE_ACTION_IN_16:
        if ((byte(command, 1) & 0x1f) !== scsi.SERVICE_READ_CAPACITY_16) {
          this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
        } else if (this.hasMedium()) {
          this.respond(data.putCapacity16(this.response, blocks, blockSize), be32(command, 10));
        }
        return true;
      case scsi.READ_FORMAT_CAPACITIES:
        this.respond(data.putFormatCapacities(this.response, blocks, blockSize, loaded), be16(command, 7));
        return true;
      case scsi.PREVENT_ALLOW_MEDIUM_REMOVAL:
        if (this.hasMedium()) this.#disk.setRemovalPrevented((byte(command, 4) & 0x01) !== 0);
        return true;
      default:
        return false;
    }
  }

  #reaches(command: Uint8Array): boolean {
    return this.hasMedium() && this.inRange(scsi.logicalBlock(command), scsi.blockCount(command));
  }
}
