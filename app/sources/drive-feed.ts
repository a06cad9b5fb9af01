/** A flash drive while it is plugged in: what guests write to it is seen, and can be saved. */
import type { UsbPort } from "../usb-port.ts";
import type { Drive } from "./drive.ts";
import type { Feed, FeedAction, FeedPlace } from "./feed.ts";
import { StateLine } from "./state-line.ts";

export class DriveFeed implements Feed {
  readonly #drive: Drive;
  readonly #line = new StateLine();
  /** What becomes of the drive when it is unplugged. */
  readonly #unplugged: () => void;
  onEnd: ((reason: string) => void) | undefined;
  /** The drive's owner hears of its changes. */
  onChange: (() => void) | undefined;

  constructor(drive: Drive, unplugged: () => void = () => undefined) {
    this.#drive = drive;
    this.#unplugged = unplugged;
  }

  get source(): Drive["source"] {
    return this.#drive.source;
  }

  get actions(): readonly FeedAction[] {
    return this.#drive.actions;
  }

  get view(): HTMLElement | undefined {
    return this.#line.show(this.#drive.words);
  }

  plugged(port: UsbPort, place: FeedPlace): void {
    this.#drive.plugged(port, (text) => place.say?.(text));
  }

  leaving(): Promise<void> {
    return this.#drive.leaving();
  }

  close(): void {
    this.#drive.unplugged();
    this.#unplugged();
  }
}
