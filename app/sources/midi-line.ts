/** MIDI between a page and the guest's adapter: what every source of it has in common. */
import type { UsbPort } from "../usb-port.ts";
import { followOutput } from "./follow-output.ts";
import { MidiMessages } from "./midi-messages.ts";

/** Bytes on their way to a guest that does not take them; what is more is dropped, as MIDI has no way to hold it back. */
const BYTES_MAX = 256 << 10;

export class MidiLine {
  readonly #heard: (message: Uint8Array<ArrayBuffer>) => void;
  #messages = new MidiMessages();
  #port: UsbPort | undefined;
  #leave: (() => void) | undefined;
  #under = 0;
  #turn: Promise<void> = Promise.resolve();

  /** `heard` is called with each message of the guest. */
  constructor(heard: (message: Uint8Array<ArrayBuffer>) => void) {
    this.#heard = heard;
  }

  plugged(port: UsbPort): void {
    this.#leave?.();
    this.#port = port;
    this.#messages = new MidiMessages();
    this.#leave = followOutput(port, (output) => {
      if (output.type === "midi") this.#messages.take(output.bytes, this.#heard);
    });
  }

  /** To the guest: messages, or pieces of one. */
  play(bytes: Uint8Array): void {
    const port = this.#port;
    if (!port || this.#under + bytes.length > BYTES_MAX) return;
    this.#under += bytes.length;
    this.#turn = this.#turn
      .then(() => port.input({ type: "midi", bytes }))
      .catch(() => undefined) // unplugged meanwhile
      .then(() => {
        this.#under -= bytes.length;
      });
  }

  close(): void {
    this.#leave?.();
    this.#leave = undefined;
    this.#port = undefined;
  }
}
