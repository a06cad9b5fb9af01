/** A SCSI logical unit whose medium can be taken out: what its commands share. */
import { Saved } from "../../../asm/saved.ts";
import type { ImageReading } from "../../device.ts";
import type { DriveOutput } from "../../protocol.ts";
import type { Command, CommandSet } from "./command-set.ts";
import type { Medium } from "./medium.ts";
import { SENSE_MAX, SENSE_NONE, SENSE_POWER_ON, type Sense } from "./scsi-command.ts";
import type { UnitIdentity } from "./scsi-data.ts";
import type { ModePages } from "./scsi-mode.ts";

export abstract class ScsiUnit implements CommandSet {
  readonly lastUnit = 0;
  readonly identity: UnitIdentity;
  readonly blockSize: number;
  medium: Medium | undefined;
  /** What REQUEST SENSE will say. */
  sense: Sense = SENSE_NONE;
  /** The unit attention that the next command hears of (SAM-5 §5.14). */
  attention: Sense = SENSE_POWER_ON;
  /** The medium is out, but can be loaded again: a tray that is open. */
  ejected = false;
  removalPrevented = false;
  /** A person sees what becomes of the medium. */
  readonly #tell: () => void;

  constructor(identity: UnitIdentity, blockSize: number, tell: () => void) {
    this.identity = identity;
    this.blockSize = blockSize;
    this.#tell = tell;
  }

  abstract createCommand(): Command;
  abstract readonly modePages: ModePages;

  /** Of the medium that is in. */
  get blocks(): number {
    return this.medium ? Math.floor(this.medium.image.size / this.blockSize) : 0;
  }

  /** A medium is in. */
  get loaded(): boolean {
    return this.medium !== undefined && !this.ejected;
  }

  /** Why there is no medium. */
  abstract readonly noMedium: Sense;

  /** Puts a medium in. */
  load(medium: Medium): void {
    medium.onChange = this.#tell;
    this.medium = medium;
    this.ejected = false;
  }

  /** The host opens or closes the unit. */
  setEjected(ejected: boolean): void {
    this.ejected = ejected;
    this.#tell();
  }

  setRemovalPrevented(prevented: boolean): void {
    if (this.removalPrevented === prevented) return;
    this.removalPrevented = prevented;
    this.#tell();
  }

  input?(message: unknown): Promise<void>;

  openImage(): ImageReading | undefined {
    return this.medium?.open();
  }

  /** Power-on or a reset: what the guest has not read of the last command is forgotten, the medium stays in or out. */
  reset(): void {
    this.sense = SENSE_NONE;
    this.attention = SENSE_POWER_ON;
    this.setRemovalPrevented(false);
  }

  output(): DriveOutput {
    return {
      type: "drive",
      changed: this.medium?.changed === true,
      loaded: this.loaded,
      locked: this.loaded && this.removalPrevented,
    };
  }

  save(): unknown {
    const { sense, attention, ejected, removalPrevented } = this;
    return { sense, attention, ejected, removalPrevented, medium: this.medium?.save() };
  }

  restore(state: unknown): string | undefined {
    const saved = new Saved(state, "the disk");
    const sense = saved.integer("sense", SENSE_MAX);
    const attention = saved.integer("attention", SENSE_MAX);
    const ejected = saved.flag("ejected");
    const removalPrevented = saved.flag("removalPrevented");
    const note = this.restoreMedium(saved);
    Object.assign(this, { sense, attention, ejected, removalPrevented });
    this.#tell();
    return note;
  }

  protected restoreMedium(saved: Saved): string | undefined {
    return this.medium?.restore(saved.get("medium"));
  }

  close(): void {
    this.medium?.close();
  }
}
