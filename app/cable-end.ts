/**
 * A program's end of a cable. Frames travel by messages, a burst in each and each frame copied once: for a network of v86 or a
 * program's own, not for what two adapters say to each other, which never leaves the backend.
 */
import type { CableMessage } from "../worker/protocol.ts";

/** Frames on their way that the backend has not taken; the newest is dropped when there are so many. */
const FRAMES_MAX = 256;

export class CableEnd {
  /** Called for each frame that another station sends: from the destination's address to the end of the data. */
  onFrame: ((frame: Uint8Array) => void) | undefined;
  /** The cable. */
  readonly name: string;
  readonly #left: (end: CableEnd) => void;
  #port: MessagePort | undefined;
  #burst: Uint8Array<ArrayBuffer>[] = [];
  /** Frames in the burst and on their way. */
  #away = 0;
  #closed = false;

  /** Use UsbHost.cable(). */
  constructor(name: string, left: (end: CableEnd) => void) {
    this.name = name;
    this.#left = left;
  }

  /** From now on a backend has the other end of this port. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    this.#away = this.#burst.length;
    port.onmessage = ({ data }: MessageEvent<CableMessage>) => this.#hear(data);
    (port as { unref?(): void }).unref?.(); // no reason for Node to go on
  }

  /**
   * Sends a frame to all others at the cable, with what else is sent in this turn. False when it is dropped, as Ethernet may:
   * the backend is behind by many frames, or the end is closed.
   */
  send(frame: Uint8Array): boolean {
    if (this.#closed || this.#away === FRAMES_MAX) return false;
    this.#away++;
    if (this.#burst.length === 0) queueMicrotask(() => this.#flush());
    this.#burst.push(new Uint8Array(frame));
    return true;
  }

  /** Leaves the cable. */
  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#port?.postMessage("leave" satisfies CableMessage);
    this.#port?.close();
    this.#left(this);
  }

  #flush(): void {
    if (this.#closed || this.#burst.length === 0) return;
    const burst = this.#burst;
    this.#burst = [];
    this.#port?.postMessage(
      burst satisfies CableMessage,
      burst.map(({ buffer }) => buffer),
    );
  }

  #hear(message: CableMessage): void {
    if (this.#closed || message === "leave") return;
    if (typeof message === "number") {
      this.#away -= message;
      return;
    }
    this.#port?.postMessage(message.length satisfies CableMessage);
    for (const frame of message) this.onFrame?.(frame);
  }
}
