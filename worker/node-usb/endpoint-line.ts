/**
 * One endpoint of a device of npm `usb`: its transfers as WebUSB has them, without a time-out.
 *
 * The package's time-out is all there is to cancel by, and it loses what a transfer has received. So an IN first asks for one
 * packet, again and again with a short time-out: of one packet nothing can be lost, and between two such calls there is room for
 * a clearHalt() or for the end. Only when a whole packet has come, the rest is asked for, with no end.
 */
import { failureOf, transferError } from "./failures.ts";
import { Line, type LineDevice } from "./line.ts";
import { PATIENCE } from "./turns.ts";

/** ms. The longest that an idle IN holds up a change of the device. */
const SLICE = 100;
/** ms: 24 days. */
const NO_END = 0x7fffffff;

export class EndpointLine {
  readonly #device: LineDevice;
  readonly #line: Line;
  readonly #number: number;
  readonly #isIn: boolean;
  readonly #packetSize: number;

  constructor(device: LineDevice, address: number, packetSize: number) {
    this.#device = device;
    this.#line = new Line(device);
    this.#number = address & 0x0f;
    this.#isIn = (address & 0x80) !== 0;
    this.#packetSize = Math.max(1, packetSize);
  }

  transferIn(length: number): Promise<USBInTransferResult> {
    return this.#line.transfer(() => this.#receive(length));
  }

  /** Takes `data` for its own. */
  transferOut(data: Uint8Array<ArrayBuffer>): Promise<USBOutTransferResult> {
    return this.#line.transfer(async () => {
      try {
        return await this.#line.call((native) => native.transferOut(this.#number, data, NO_END));
      } catch (error) {
        if (failureOf(error) === "stall") return { status: "stall", bytesWritten: 0 };
        throw error;
      }
    });
  }

  /** Waits for the call that is under way, and not for the transfers behind it. */
  async clearHalt(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLate = false;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        isLate = true;
        reject(transferError());
      }, PATIENCE);
    });
    const cleared = this.#line.call(async (native) => {
      clearTimeout(timer);
      if (!isLate) await native.clearHalt(this.#isIn ? "in" : "out", this.#number);
    });
    try {
      await Promise.race([cleared, late]);
    } catch (error) {
      throw this.#device.rejection(error);
    }
  }

  end(error: DOMException): void {
    this.#line.end(error);
  }

  async #receive(length: number): Promise<USBInTransferResult> {
    const room = Math.max(1, Math.ceil(length / this.#packetSize)) * this.#packetSize;
    let bytes = new Uint8Array(0);
    try {
      bytes = await this.#packet();
      if (bytes.length === this.#packetSize && bytes.length < room) {
        const rest = room - bytes.length;
        const result = await this.#line.call((native) => native.transferIn(this.#number, rest, NO_END));
        bytes = concatenate(bytes, bytesOf(result));
      }
    } catch (error) {
      if (failureOf(error) !== "stall") throw error;
      return { status: "stall", data: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    }
    // Whole packets are asked for, because the package would only cut off what is too much.
    const status = bytes.length > length ? "babble" : "ok";
    return { status, data: new DataView(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, length)) };
  }

  async #packet(): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const start = performance.now();
      try {
        return bytesOf(await this.#line.call((native) => native.transferIn(this.#number, this.#packetSize, SLICE)));
      } catch (error) {
        // Whatever else has cancelled it, the next one would fare no better.
        const isTimeout = failureOf(error) === "cancelled" && performance.now() - start > SLICE / 2;
        if (!isTimeout || this.#line.isOver) throw error;
      }
    }
  }
}

function bytesOf({ data }: USBInTransferResult): Uint8Array<ArrayBuffer> {
  return data ? new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength) : new Uint8Array(0);
}

function concatenate(head: Uint8Array, rest: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + rest.length);
  whole.set(head);
  whole.set(rest, head.length);
  return whole;
}
