/**
 * Web Serial's port, as strict as Chromium's (Serial API, WICG): what is refused in which state, what close() drops, which errors
 * a stream outlives. The test is the system and what is connected to it.
 */
import type { WebSerial, WebSerialOptions, WebSerialPort } from "../../app/sources/web-serial.ts";

type Signals = Parameters<WebSerialPort["setSignals"]>[0];

export class FakeSerialPort extends EventTarget implements WebSerialPort {
  /** What was done, in order: "open 9600 8none1 none", "dtr+ rts-", bytes in hexadecimal, "close". */
  readonly log: string[] = [];
  lines = { dataCarrierDetect: false, clearToSend: false, ringIndicator: false, dataSetReady: false };
  /** Rates that the system refuses. */
  readonly refused = new Set<number>();
  /** While true, the system takes no bytes. */
  #held: Promise<void> | undefined;
  #letGo: () => void = () => undefined;
  #options: WebSerialOptions | undefined;
  #readable: ReadableStream<Uint8Array> | null = null;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | null = null;
  /** What has come and does not fit into the stream. */
  #system: Uint8Array[] = [];
  #fatal = false;

  get options(): WebSerialOptions | undefined {
    return this.#options;
  }

  get readable(): ReadableStream<Uint8Array> | null {
    if (!this.#options || this.#fatal) return null;
    this.#readable ??= new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          this.#fill();
        },
        pull: () => this.#fill(),
        cancel: () => {
          this.#readable = null;
          this.#system = []; // "discard the contents of all receive buffers"
        },
      },
      { highWaterMark: this.#options.bufferSize, size: ({ length }) => length },
    );
    return this.#readable;
  }

  get writable(): WritableStream<Uint8Array> | null {
    if (!this.#options || this.#fatal) return null;
    this.#writable ??= new WritableStream<Uint8Array>({
      write: async (chunk, controller) => {
        const aborted = new Promise((_, reject) => controller.signal.addEventListener("abort", reject));
        await Promise.race([this.#held, aborted]);
        this.log.push(Buffer.from(chunk).toString("hex"));
      },
      close: () => {
        this.#writable = null;
      },
      abort: () => {
        this.#writable = null;
      },
    });
    return this.#writable;
  }

  async open(options: WebSerialOptions): Promise<void> {
    if (this.#options) throw new DOMException("The port is already open.", "InvalidStateError");
    const { baudRate, dataBits, stopBits, parity, bufferSize, flowControl } = options;
    const possible =
      baudRate > 0 &&
      [7, 8].includes(dataBits) &&
      [1, 2].includes(stopBits) &&
      ["none", "even", "odd"].includes(parity) &&
      bufferSize > 0 &&
      ["none", "hardware"].includes(flowControl);
    if (!possible) throw new TypeError("Requested options are not valid.");
    await Promise.resolve();
    if (this.#fatal || this.refused.has(baudRate)) {
      throw new DOMException("Failed to open serial port.", "NetworkError");
    }
    this.#options = options;
    this.log.push(`open ${baudRate} ${dataBits}${parity}${stopBits} ${flowControl}`);
  }

  async close(): Promise<void> {
    if (!this.#options) throw new DOMException("The port is already closed.", "InvalidStateError");
    if (this.#readable?.locked) throw new TypeError("Cannot cancel a locked stream");
    if (this.#writable?.locked) throw new TypeError("Cannot abort a locked stream");
    await this.#readable?.cancel();
    await this.#writable?.abort();
    this.#readable = null;
    this.#writable = null;
    this.#options = undefined;
    this.#system = [];
    this.log.push("close");
  }

  async setSignals(signals: Signals): Promise<void> {
    this.#mustBeOpen();
    const words = Object.entries({
      dtr: signals.dataTerminalReady,
      rts: signals.requestToSend,
      break: signals.break,
    }).filter(([, on]) => on !== undefined);
    if (words.length === 0) throw new TypeError("Signals dictionary must contain at least one member.");
    this.log.push(words.map(([name, on]) => `${name}${on ? "+" : "-"}`).join(" "));
  }

  async getSignals(): Promise<FakeSerialPort["lines"]> {
    this.#mustBeOpen();
    return { ...this.lines };
  }

  /** Bytes come over the line. */
  receive(bytes: Uint8Array): void {
    if (!this.#options) return;
    this.#system.push(bytes);
    this.#fill();
  }

  /** Bytes that no program has read. */
  get unread(): number {
    return this.#system.reduce((sum, { length }) => sum + length, 0);
  }

  /** A break, or an error that the port outlives. What was in the stream is lost. */
  fail(name: "BreakError" | "FramingError" | "ParityError" | "BufferOverrunError"): void {
    const controller = this.#controller;
    this.#readable = null;
    controller?.error(new DOMException(name, name));
  }

  pullOut(): void {
    this.#fatal = true;
    this.#controller?.error(new DOMException("The device has been lost.", "NetworkError"));
    this.dispatchEvent(new Event("disconnect"));
  }

  /** The system takes no more bytes, until the answered function is called. */
  hold(): () => void {
    this.#held = new Promise((resolve) => {
      this.#letGo = resolve;
    });
    return () => {
      this.#held = undefined;
      this.#letGo();
    };
  }

  #fill(): void {
    while (this.#readable && this.#system.length > 0 && (this.#controller?.desiredSize ?? 0) > 0) {
      const chunk = this.#system.shift();
      if (chunk) this.#controller?.enqueue(chunk);
    }
  }

  #mustBeOpen(): void {
    if (!this.#options) throw new DOMException("The port is not open.", "InvalidStateError");
  }
}

export function fakeSerial(port: FakeSerialPort | DOMException): WebSerial {
  return {
    requestPort: async () => {
      if (port instanceof DOMException) throw port;
      return port;
    },
  };
}
