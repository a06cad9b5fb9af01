/**
 * A flash drive as a person has it: plugged or in the drawer, with what guests have written to it, until it is taken off the list.
 * What is written is in the backend, under the drive's own name; here is only what a person sees of it.
 */

import type { DeviceOutput, DeviceSource, DriveOutput, ImageSource } from "../../worker/protocol.ts";
import type { DriveImage } from "../drive-image.ts";
import type { UsbHost } from "../host.ts";
import type { UsbPort } from "../usb-port.ts";
import { type Progress, saveCopy, saveInto } from "./disk-file.ts";
import type { FeedAction } from "./feed.ts";
import { followOutput } from "./follow-output.ts";
import { isAbort } from "./refused.ts";

export interface DriveOptions {
  readonly name: string;
  readonly image: ImageSource;
  readonly serial: string;
  /** Its image may go back into this file. */
  readonly handle?: FileSystemFileHandle | undefined;
  /** What is written lasts by itself: nothing needs to be kept. */
  readonly lasts?: boolean;
}

export class Drive {
  readonly name: string;
  readonly source: DeviceSource;
  readonly #host: () => UsbHost | undefined;
  readonly #handle: FileSystemFileHandle | undefined;
  /** Under which the backend keeps it; none if it lasts by itself. */
  readonly #keep: string | undefined;
  #port: UsbPort | undefined;
  #unfollow: (() => void) | undefined;
  #state: DriveOutput | undefined;
  /** Percent of it that is saved, while it is. */
  #saving: number | undefined;
  /** As a file, which may be the one that it was made of. */
  #wasSaved: boolean;
  /** Called when what a person sees of it is another than before. */
  onChange: (() => void) | undefined;

  /** `host` has the drive, as soon as there is a host. */
  constructor({ name, image, serial, handle, lasts = false }: DriveOptions, host: () => UsbHost | undefined) {
    this.name = name;
    this.#host = host;
    this.#handle = handle;
    this.#wasSaved = handle !== undefined;
    this.#keep = lasts ? undefined : crypto.randomUUID();
    this.source = { kind: "flash-drive", image, serial, ...(this.#keep && { keep: this.#keep }) };
  }

  /** Guests have written to it what is nowhere else. */
  get changed(): boolean {
    return this.#state?.changed === true;
  }

  get isPlugged(): boolean {
    return this.#port?.plugged !== undefined;
  }

  /** A sentence about how it is, if there is anything to say. */
  get words(): string {
    if (this.#saving !== undefined) return `being saved: ${this.#saving} %`;
    if (this.isPlugged && this.#state?.loaded === false) return "the guest has ejected it: it can be pulled out";
    if (!this.changed) return "";
    return this.#wasSaved ? "changed since it was saved" : "written to, and not saved yet";
  }

  /** What can be done with it now: nothing, with one that is not plugged in and has nothing to save. */
  get actions(): readonly FeedAction[] {
    if (this.#saving !== undefined || !(this.isPlugged || this.changed)) return [];
    const hint = this.isPlugged
      ? " What the guest has not written to it yet is not in it: unmount it there first."
      : "";
    const fileName = `${this.name.replace(/\.img$/i, "")}.img`;
    const copy: FeedAction = {
      id: "save-copy",
      label: "Save a copy…",
      title: `Saves the whole drive as a file.${hint}`,
      run: () => this.#save((progress) => saveCopy(fileName, this.#open, progress, this.#handle)),
    };
    const handle = this.#handle;
    if (!handle || !this.changed) return [copy];
    const back: FeedAction = {
      id: "save",
      label: `Save to ${handle.name}`,
      title: `Writes the drive back into the file that it was made of.${hint}`,
      run: () => this.#save((progress) => saveInto(handle, this.#open, progress)),
    };
    return [back, copy];
  }

  /** `say` says a sentence to the person. */
  plugged(port: UsbPort, say: (text: string) => void): void {
    this.unplugged();
    this.#port = port;
    this.#unfollow = followOutput(port, (output) => {
      const wasLoaded = this.#state?.loaded === true;
      this.#take(output);
      if (wasLoaded && this.#state?.loaded === false) say(`The guest has ejected ${this.name}: it can be pulled out.`);
    });
  }

  unplugged(): void {
    this.#unfollow?.();
    this.#port = undefined;
    this.onChange?.();
  }

  /** Asks the drive how it is: it is about to be unplugged. */
  async leaving(): Promise<void> {
    this.#take(await this.#port?.output().catch(() => undefined));
  }

  #take(output: DeviceOutput | undefined): void {
    if (output?.type !== "drive") return;
    this.#state = output;
    this.onChange?.();
  }

  /** Lets go of all that was written to it. */
  async forget(): Promise<void> {
    this.#state = undefined;
    const host = this.#host();
    // Where the backend has ended, that is gone anyway.
    if (this.#keep) await host?.forgetImage(this.#keep).catch(() => undefined);
  }

  readonly #open = async (): Promise<DriveImage> => {
    if (this.#port?.plugged) return this.#port.image();
    const host = this.#host();
    if (!host || !this.#keep) throw new Error("The drive is not plugged in, so its image cannot be read.");
    return host.keptImage(this.#keep);
  };

  async #save(save: (progress: Progress) => Promise<void>): Promise<void> {
    if (this.#saving !== undefined) return;
    this.#show(0);
    try {
      await save((percent) => this.#show(percent));
      this.#wasSaved = true;
      if (!this.#port?.plugged && this.#state) this.#state = { ...this.#state, changed: false };
    } catch (error) {
      if (!isAbort(error)) throw error;
    } finally {
      this.#saving = undefined;
      this.onChange?.();
    }
  }

  #show(percent: number): void {
    if (percent === this.#saving) return;
    this.#saving = percent;
    this.onChange?.();
  }
}
