/** A direct-access SCSI device over an image: what its commands share. */
import { Saved } from "../../../asm/saved.ts";
import type { CommandSet } from "./command-set.ts";
import { type Image, SECTOR_SIZE } from "./image.ts";
import { ScsiCommand } from "./scsi.ts";
import { SENSE_MAX, SENSE_NONE, SENSE_POWER_ON, type Sense } from "./scsi-command.ts";
import type { DiskIdentity } from "./scsi-data.ts";

export class ScsiDisk implements CommandSet {
  readonly lastUnit = 0;
  readonly image: Image;
  readonly identity: DiskIdentity;
  readonly blocks: number;
  /** What REQUEST SENSE will say. */
  sense: Sense = SENSE_NONE;
  /** The unit attention that the next command hears of (SAM-5 §5.14). */
  attention: Sense = SENSE_POWER_ON;
  ejected = false;
  removalPrevented = false;

  constructor(image: Image, identity: DiskIdentity) {
    this.image = image;
    this.identity = identity;
    this.blocks = Math.floor(image.size / SECTOR_SIZE);
  }

  createCommand(): ScsiCommand {
    return new ScsiCommand(this);
  }

  /** Power-on or a reset: what the guest has not read of the last command is forgotten, the medium stays in or out. */
  reset(): void {
    this.sense = SENSE_NONE;
    this.attention = SENSE_POWER_ON;
    this.removalPrevented = false;
  }

  save(): unknown {
    const { sense, attention, ejected, removalPrevented } = this;
    return { sense, attention, ejected, removalPrevented, image: this.image.save() };
  }

  restore(state: unknown): string | undefined {
    const saved = new Saved(state, "the disk");
    const sense = saved.integer("sense", SENSE_MAX);
    const attention = saved.integer("attention", SENSE_MAX);
    const ejected = saved.flag("ejected");
    const removalPrevented = saved.flag("removalPrevented");
    const note = this.image.restore(saved.get("image"));
    Object.assign(this, { sense, attention, ejected, removalPrevented });
    return note;
  }

  close(): void {
    this.image.close();
  }
}
