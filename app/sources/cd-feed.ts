/** A CD drive while it is plugged in: discs are put in and taken out, by a person and by the guest. */
import type { DeviceSource, DriveOutput } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import { canPickFiles, type DiskFile, pickFiles } from "./disk-file.ts";
import type { Feed, FeedAction, FeedPlace } from "./feed.ts";
import { followOutput } from "./follow-output.ts";
import { isAbort } from "./refused.ts";
import { StateLine } from "./state-line.ts";

export class CdFeed implements Feed {
  readonly #serial: string;
  readonly #line = new StateLine();
  #disc: DiskFile | undefined;
  #port: UsbPort | undefined;
  #unfollow: (() => void) | undefined;
  #state: DriveOutput | undefined;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;

  constructor(serial: string, disc?: DiskFile) {
    this.#serial = serial;
    this.#disc = disc;
  }

  /** With the disc of now. */
  get source(): DeviceSource {
    const disc = this.#disc;
    return { kind: "cdrom", serial: this.#serial, ...(disc && { image: { blob: disc.blob } }) };
  }

  get view(): HTMLElement | undefined {
    const name = this.#disc?.name;
    if (!name) return this.#line.show("there is no disc in it");
    return this.#line.show(this.#state?.loaded === false ? `the tray is open, with ${name} on it` : `${name} is in it`);
  }

  get actions(): readonly FeedAction[] {
    const actions: FeedAction[] = [];
    const disc = this.#disc;
    if (disc && this.#state?.loaded === false) {
      actions.push({
        id: "insert",
        label: "Close the tray",
        title: `Puts ${disc.name} in again`,
        run: () => this.insert(disc),
      });
    } else if (disc && this.#state) {
      const { locked } = this.#state;
      actions.push({
        id: "eject",
        label: locked ? "Eject all the same" : "Eject",
        title: locked ? "The guest uses the disc: unmount it there first" : `Takes ${disc.name} out`,
        run: () => this.#port?.input({ type: "eject", force: locked }),
      });
    }
    actions.push({
      id: "change",
      label: disc ? "Change the disc…" : "Insert a disc…",
      title: "Puts a file in as a disc, such as an ISO image",
      run: () => this.#change(),
    });
    return actions;
  }

  plugged(port: UsbPort, place: FeedPlace): void {
    this.#unfollow?.();
    this.#port = port;
    this.#unfollow = followOutput(port, (output) => {
      if (output.type !== "drive") return;
      if (this.#state?.loaded && !output.loaded) place.say?.("The tray of the CD drive is open.");
      this.#state = output;
      this.onChange?.();
    });
  }

  close(): void {
    this.#unfollow?.();
    this.#port = undefined;
  }

  /** Puts a disc in, instead of the one that is there. Rejects with a sentence. */
  async insert(disc: DiskFile): Promise<void> {
    await this.#port?.input({ type: "insert", image: { blob: disc.blob } });
    this.#disc = disc;
    this.onChange?.();
  }

  async #change(): Promise<void> {
    const disc = canPickFiles() ? await picked() : await chosen();
    if (disc) await this.insert(disc);
  }
}

/** Undefined when the picker is closed without a choice. */
async function picked(): Promise<DiskFile | undefined> {
  try {
    return (await pickFiles(false))[0];
  } catch (error) {
    if (isAbort(error)) return undefined;
    throw error;
  }
}

/** By a file input, where the browser has no picker. */
function chosen(): Promise<DiskFile | undefined> {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    input.type = "file";
    input.addEventListener("cancel", () => resolve(undefined));
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      resolve(file && { name: file.name, blob: file });
    });
    input.click();
  });
}
