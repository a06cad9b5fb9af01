/** A direct-access SCSI device, whose one medium is always there: it can be ejected and loaded again (SBC-3). */
import { SECTOR_SIZE } from "./image.ts";
import type { Medium } from "./medium.ts";
import { BlockCommand } from "./scsi-block.ts";
import { SENSE_NO_MEDIUM } from "./scsi-command.ts";
import type { UnitIdentity } from "./scsi-data.ts";
import { type ModePages, putPage } from "./scsi-mode.ts";
import { ScsiUnit } from "./scsi-unit.ts";

/** Mode pages (SBC-3 §6.5, SPC-4 §7.5). */
const MODE_PAGE_CACHING = 0x08;
const MODE_PAGE_INFORMATIONAL_EXCEPTIONS = 0x1c;

export class ScsiDisk extends ScsiUnit {
  readonly noMedium = SENSE_NO_MEDIUM;
  readonly modePages: ModePages;

  constructor(medium: Medium, identity: UnitIdentity, tell: () => void = () => undefined) {
    super(identity, SECTOR_SIZE, tell);
    this.load(medium);
    const { cached, readOnly } = medium.image;
    this.modePages = {
      codes: [MODE_PAGE_CACHING, MODE_PAGE_INFORMATIONAL_EXCEPTIONS],
      parameter: readOnly ? 0x80 : 0, // WP (SBC-3 §6.5.1)
      put(into, at, page, changeable) {
        if (page === MODE_PAGE_INFORMATIONAL_EXCEPTIONS) return putPage(into, at, page, 10); // none are reported
        if (page !== MODE_PAGE_CACHING) return at;
        const end = putPage(into, at, page, 18);
        if (cached && !changeable) into[at + 2] = 0x04; // WCE (SBC-3 §6.5.5)
        return end;
      },
    };
  }

  createCommand(): BlockCommand {
    return new BlockCommand(this);
  }
}
