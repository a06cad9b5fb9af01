/** A program of the page at a cable: frames go and come in messages, a burst each. `app/cable-end.ts` is the other end. */
import type { CableMessage } from "../../protocol.ts";
import type { Cable, Station } from "./cable.ts";

/** Frames on their way to a program that has not taken them; the newest is dropped when there are so many. */
const FRAMES_MAX = 256;

export class ProgramStation implements Station {
  readonly #cable: Cable;
  readonly #port: MessagePort;
  #burst: Uint8Array<ArrayBuffer>[] = [];
  /** Frames in the burst and on their way. */
  #away = 0;

  /** Joins the cable, until the program leaves. */
  constructor(cable: Cable, port: MessagePort) {
    this.#cable = cable;
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<CableMessage>) => this.#hear(data);
    (port as { unref?(): void }).unref?.(); // no reason for Node to go on
    cable.join(this);
  }

  receive(frame: Uint8Array): void {
    if (this.#away === FRAMES_MAX) return;
    this.#away++;
    this.#burst.push(frame.slice());
  }

  flush(): void {
    if (this.#burst.length === 0) return;
    const burst = this.#burst;
    this.#burst = [];
    this.#post(burst);
  }

  linkChanged(): void {}

  #hear(message: CableMessage): void {
    if (message === "leave") {
      this.#cable.leave(this);
      this.#port.close();
    } else if (typeof message === "number") {
      this.#away -= message;
    } else {
      for (const frame of message) this.#cable.send(this, frame);
      this.#cable.flush(this);
      this.#port.postMessage(message.length);
    }
  }

  #post(burst: readonly Uint8Array<ArrayBuffer>[]): void {
    this.#port.postMessage(
      burst,
      burst.map(({ buffer }) => buffer),
    );
  }
}
