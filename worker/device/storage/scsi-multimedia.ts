/** What the commands of a CD drive do beyond those that all units have (MMC-6 §6). */

import * as mmc from "./mmc-data.ts";
import { CLASSES_MEDIA, LEAD_OUT } from "./mmc-data.ts";
import { ScsiCommand } from "./scsi.ts";
import type { ScsiCdDrive } from "./scsi-cd-drive.ts";
import * as scsi from "./scsi-command.ts";
import { be16, be24, be32, byte } from "./scsi-command.ts";

/** Bits of READ CD (MMC-6 §6.20.2): expected sector types, main channel selection. */
const SECTOR_ANY = 0;
const SECTOR_MODE_1 = 2;
const CHANNEL_USER_DATA = 0x10;

export class MultiMediaCommand extends ScsiCommand {
  readonly #drive: ScsiCdDrive;

  constructor(drive: ScsiCdDrive) {
    super(drive);
    this.#drive = drive;
  }

  /** MMC-6 §6.5.1, §6.6.1. */
  protected passesAttention(operation: number): boolean {
    return operation === scsi.GET_CONFIGURATION || operation === scsi.GET_EVENT_STATUS_NOTIFICATION;
  }

  protected executeOther(operation: number, command: Uint8Array): boolean {
    const { response } = this;
    const drive = this.#drive;
    const blocks = drive.loaded ? drive.blocks : 0;
    switch (operation) {
      case scsi.READ_TOC_PMA_ATIP:
        if (this.hasMedium()) this.#readToc(command);
        return true;
      case scsi.READ_CD:
        if (this.hasMedium()) this.#readCd(command);
        return true;
      case scsi.READ_DISC_INFORMATION:
        if ((byte(command, 1) & 0x07) !== 0) this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
        else if (this.hasMedium()) this.respond(mmc.putDiscInformation(response), be16(command, 7));
        return true;
      case scsi.GET_CONFIGURATION: {
        const requested = byte(command, 1) & 0x03;
        if (requested === 3) this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
        else this.respond(mmc.putConfiguration(response, blocks, requested, be16(command, 2)), be16(command, 7));
        return true;
      }
      case scsi.GET_EVENT_STATUS_NOTIFICATION:
        this.#eventStatus(command);
        return true;
      case scsi.MECHANISM_STATUS:
        this.respond(mmc.putMechanismStatus(response, drive.ejected), be16(command, 8));
        return true;
      case scsi.PREVENT_ALLOW_MEDIUM_REMOVAL:
        drive.setRemovalPrevented((byte(command, 4) & 0x01) !== 0);
        return true;
      case scsi.SYNCHRONIZE_CACHE_10: // nothing is written
      case scsi.SET_CD_SPEED: // as fast as it can, always
        return true;
      default:
        return false;
    }
  }

  /** MMC-6 §6.26. Older hosts have the format in the last byte (SFF-8020i). */
  #readToc(command: Uint8Array): void {
    const asTime = (byte(command, 1) & 0x02) !== 0;
    const firstTrack = byte(command, 6);
    const { blocks } = this.#drive;
    const allocated = be16(command, 7);
    switch (byte(command, 2) & 0x0f || byte(command, 9) >> 6) {
      case 0:
        if (firstTrack > 1 && firstTrack !== LEAD_OUT) this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
        else this.respond(mmc.putToc(this.response, blocks, asTime, firstTrack), allocated);
        break;
      case 1:
        this.respond(mmc.putSessions(this.response, asTime), allocated);
        break;
      case 2:
        this.respond(mmc.putFullToc(this.response, blocks), allocated);
        break;
      default:
        this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
    }
  }

  /** MMC-6 §6.20: user data only, for that is all that an image has. */
  #readCd(command: Uint8Array): void {
    const type = (byte(command, 1) >> 2) & 0x07;
    const channels = byte(command, 9) & 0xfe;
    if (type !== SECTOR_ANY && type !== SECTOR_MODE_1) this.fail(scsi.SENSE_ILLEGAL_MODE_FOR_TRACK);
    else if ((channels !== 0 && channels !== CHANNEL_USER_DATA) || (byte(command, 10) & 0x07) !== 0) {
      this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
    } else if (channels === 0) this.inRange(be32(command, 2), be24(command, 6));
    else this.readBlocks(be32(command, 2), be24(command, 6));
  }

  /** MMC-6 §6.6: polled only. An event is told once. */
  #eventStatus(command: Uint8Array): void {
    if ((byte(command, 1) & 0x01) === 0) {
      this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
      return;
    }
    const classes = byte(command, 4);
    const allocated = be16(command, 7);
    const { event, ejected, loaded } = this.#drive;
    if ((classes & CLASSES_MEDIA) !== 0 && allocated > 4) this.#drive.event = mmc.EVENT_NONE;
    this.respond(mmc.putMediaEvent(this.response, classes, event, ejected, loaded), allocated);
  }
}
