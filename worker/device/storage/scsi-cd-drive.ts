/** A CD drive: a SCSI multi-media device with a tray, which a person fills and the guest opens too (MMC-6). */
import { Saved } from "../../../asm/saved.ts";
import type { ImageSource } from "../../protocol.ts";
import type { Medium } from "./medium.ts";
import {
  CD_BLOCK_SIZE,
  EVENT_EJECT_REQUEST,
  EVENT_MAX,
  EVENT_MEDIA_REMOVAL,
  EVENT_NEW_MEDIA,
  EVENT_NONE,
} from "./mmc-data.ts";
import {
  putBe16,
  SENSE_MEDIUM_CHANGED,
  SENSE_NO_MEDIUM_TRAY_CLOSED,
  SENSE_NO_MEDIUM_TRAY_OPEN,
  type Sense,
} from "./scsi-command.ts";
import type { UnitIdentity } from "./scsi-data.ts";
import { type ModePages, putPage } from "./scsi-mode.ts";
import { MultiMediaCommand } from "./scsi-multimedia.ts";
import { ScsiUnit } from "./scsi-unit.ts";

/** Mode pages (MMC-6 §7). */
const MODE_PAGE_ERROR_RECOVERY = 0x01;
const MODE_PAGE_CAPABILITIES = 0x2a;
/** In kB/s: 52 times as fast as sound. */
const READ_SPEED = 52 * 176;

export class ScsiCdDrive extends ScsiUnit {
  /** What the guest has not heard of yet: EVENT_…. */
  event = EVENT_NONE;
  /** Counts the discs that were put in by a person: which one this is. */
  #disc = 0;
  #isClosed = false;
  readonly #open: (image: ImageSource) => Promise<Medium>;
  readonly modePages: ModePages;

  /** `open` opens a disc that a person puts in. */
  constructor(
    identity: UnitIdentity,
    medium: Medium | undefined,
    open: (image: ImageSource) => Promise<Medium>,
    tell: () => void,
  ) {
    super(identity, CD_BLOCK_SIZE, tell);
    this.#open = open;
    this.modePages = {
      codes: [MODE_PAGE_ERROR_RECOVERY, MODE_PAGE_CAPABILITIES],
      parameter: 0,
      put: (into, at, page, changeable) => {
        if (page === MODE_PAGE_ERROR_RECOVERY) return putPage(into, at, page, 10);
        return page === MODE_PAGE_CAPABILITIES ? this.#putCapabilities(into, at, changeable) : at;
      },
    };
    if (medium) this.load(medium);
  }

  createCommand(): MultiMediaCommand {
    return new MultiMediaCommand(this);
  }

  get noMedium(): Sense {
    return this.ejected ? SENSE_NO_MEDIUM_TRAY_OPEN : SENSE_NO_MEDIUM_TRAY_CLOSED;
  }

  override setEjected(ejected: boolean): void {
    if (ejected !== this.ejected) this.event = this.#eventOf(ejected);
    super.setEjected(ejected);
  }

  override async input(message: unknown): Promise<void> {
    const { type, image, force } = (message ?? {}) as Partial<Record<string, unknown>>;
    if (type === "eject") this.#openTray(force === true);
    if (type !== "insert" || typeof image !== "object" || image === null) return;
    const medium = await this.#open(image as ImageSource);
    if (this.#isClosed) medium.close();
    else this.#insert(medium);
  }

  override close(): void {
    this.#isClosed = true;
    super.close();
  }

  /** A person puts a disc in, instead of the one that was there. */
  #insert(medium: Medium): void {
    this.medium?.close();
    this.load(medium);
    this.#disc++;
    this.event = EVENT_NEW_MEDIA;
    this.attention = SENSE_MEDIUM_CHANGED;
    this.setRemovalPrevented(false);
    this.setEjected(false);
  }

  /** A person opens the tray. A guest that keeps it closed is only asked to, unless it is done by force. */
  #openTray(force: boolean): void {
    if (this.removalPrevented && this.loaded && !force) {
      this.event = EVENT_EJECT_REQUEST;
      return;
    }
    this.setRemovalPrevented(false);
    this.setEjected(true);
  }

  override save(): unknown {
    return { ...(super.save() as object), event: this.event, disc: this.#disc };
  }

  override restore(state: unknown): string | undefined {
    const saved = new Saved(state, "the CD drive");
    const event = saved.integer("event", EVENT_MAX);
    const disc = saved.integer("disc");
    const { ejected } = this;
    const isOther = this.#hasOther(saved);
    const note = super.restore(state);
    if (!isOther) {
      this.event = event;
      this.#disc = disc;
      return note;
    }
    this.ejected = ejected;
    this.event = EVENT_NEW_MEDIA;
    this.attention = SENSE_MEDIUM_CHANGED;
    return "The disc in the CD drive is another one than when the state was saved.";
  }

  protected override restoreMedium(saved: Saved): string | undefined {
    return this.#hasOther(saved) ? undefined : super.restoreMedium(saved);
  }

  /** A drive that is made again has the disc of then; one that is still here may have got another. */
  #hasOther(saved: Saved): boolean {
    return this.#disc !== 0 && this.#disc !== saved.integer("disc");
  }

  #eventOf(ejected: boolean): number {
    if (ejected) return EVENT_MEDIA_REMOVAL;
    return this.medium ? EVENT_NEW_MEDIA : EVENT_NONE;
  }

  /** CD capabilities and mechanical status (MMC-3 §6.3.11). */
  #putCapabilities(into: Uint8Array, at: number, changeable: boolean): number {
    const end = putPage(into, at, MODE_PAGE_CAPABILITIES, 20);
    if (changeable) return end;
    into[at + 2] = 0x0b; // reads CD-R, CD-RW and DVD-ROM
    into[at + 6] = 0x29 | (this.removalPrevented ? 0x02 : 0); // a tray; Eject, Lock, Lock State
    putBe16(into, at + 8, READ_SPEED);
    putBe16(into, at + 12, 64); // KiB of buffer
    putBe16(into, at + 14, READ_SPEED);
    return end;
  }
}
