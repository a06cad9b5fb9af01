/**
 * A serial port of the browser, open as the guest's adapter is set. Web Serial can change the settings of a closed port only, so
 * that another rate closes it and opens it again: what was written before is sent before, and what had come is kept.
 */
import type { SerialSettings, SerialState } from "../../worker/protocol.ts";
import type { WebSerialOptions, WebSerialPort } from "./web-serial.ts";

/** What the browser keeps of what comes, beside what the system does. */
const BUFFER_SIZE = 64 << 10;
/** Looks, when the port is closed, whether more of what had come is on its way here. */
const DRAIN_TURNS = 16;

export interface SerialListener {
  /** Bytes have come. Until this resolves no more are asked for, unless the port is about to be closed. */
  bytes(bytes: Uint8Array): Promise<void>;
  /** A break has come. */
  broke(): void;
  /** The port is gone, with a sentence that says why. */
  ended(reason: string): void;
}

export class SerialConnection {
  readonly #port: WebSerialPort;
  readonly #listener: SerialListener;
  #state: SerialState;
  /** What the guest wants of it, which the port may have refused. */
  #wanted: SerialSettings;
  #hardware = false;
  #open = false;
  #ended = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #reading: Promise<void> = Promise.resolve();
  /** Lets the reading go on without its listener, because the port is about to be closed. */
  #drain: (() => void) | undefined;
  #chunks = 0;

  constructor(port: WebSerialPort, state: SerialState, listener: SerialListener) {
    this.#port = port;
    this.#state = state;
    this.#wanted = state;
    this.#listener = listener;
    port.addEventListener("disconnect", this.#pulledOut);
  }

  get settings(): SerialSettings {
    return this.#state;
  }

  /** RTS and CTS hold the bytes back, which the browser does itself. */
  get hardware(): boolean {
    return this.#hardware;
  }

  /** Rejects with the browser's error. */
  async open(): Promise<void> {
    if (this.#ended) return;
    await this.#port.open(optionsOf(this.#state, this.#hardware));
    if (this.#ended) return this.#port.close();
    this.#open = true;
    this.#writer = this.#port.writable?.getWriter();
    await this.#signal(undefined);
    this.#reading = this.#read();
  }

  /** At any moment: what is under way ends, and what was not sent is dropped. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#open = false;
    this.#port.removeEventListener("disconnect", this.#pulledOut);
    await this.#writer?.abort().catch(() => undefined);
    this.#writer?.releaseLock();
    await this.#stopReading();
    await this.#port.close().catch(() => undefined); // it is closed already
  }

  /** Sends bytes; resolves when the system has them. */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || this.#ended) return;
    try {
      await this.#writer?.write(bytes);
    } catch {
      this.#end("The serial port takes no bytes any more.");
    }
  }

  /** The guest's adapter is like this now. Answers a sentence if the port cannot be so. */
  async become(state: SerialState): Promise<string | undefined> {
    const before = this.#state;
    const isAnother = !isEqual(optionsOf(this.#wanted, false), optionsOf(state, false));
    this.#wanted = state;
    this.#state = isAnother ? state : { ...state, ...settingsOf(before) };
    if (this.#ended) return undefined;
    if (isAnother) return this.#reopen(before);
    await this.#signal(before);
    return undefined;
  }

  /** With a handshake by RTS and CTS, or without. */
  async setHardware(on: boolean): Promise<string | undefined> {
    this.#hardware = on;
    return this.#ended ? undefined : this.#reopen(this.#state);
  }

  async signals(): ReturnType<WebSerialPort["getSignals"]> {
    return this.#port.getSignals();
  }

  async #reopen(before: SerialState): Promise<string | undefined> {
    const wanted = this.#state;
    try {
      await this.#shut();
      await this.open();
      return undefined;
    } catch {
      // A rate that it does not know, for example.
    }
    try {
      this.#state = { ...wanted, ...settingsOf(before) };
      await this.#shut();
      await this.open();
      return `The port does not take ${wanted.baudRate} bits a second and stays at ${before.baudRate}.`;
    } catch {
      this.#end("The serial port does not open again. Another program may have it.");
      return undefined;
    }
  }

  /** Closes the port. What was written is sent first, and what had come is handed over. */
  async #shut(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#writer?.close();
    this.#writer?.releaseLock();
    this.#drain?.();
    for (let turn = 0, chunks = -1; turn < DRAIN_TURNS && chunks !== this.#chunks; turn++) {
      chunks = this.#chunks;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await this.#stopReading();
    await this.#port.close();
  }

  async #stopReading(): Promise<void> {
    this.#drain?.();
    await this.#reader?.cancel().catch(() => undefined);
    await this.#reading;
  }

  async #read(): Promise<void> {
    for (let over = false; !over && this.#port.readable; ) {
      const reader = this.#port.readable.getReader();
      this.#reader = reader;
      try {
        over = await this.#readAll(reader);
      } catch (error) {
        if ((error as Error).name === "BreakError") this.#listener.broke();
      } finally {
        reader.releaseLock();
        this.#reader = undefined;
      }
    }
    if (this.#open) this.#end("The serial port was pulled out, or has failed.");
  }

  /** Until the port is closed; throws as the stream does. */
  async #readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<true> {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return true;
      this.#chunks++;
      const taken = this.#listener.bytes(value);
      if (!this.#open) continue;
      await Promise.race([
        taken,
        new Promise<void>((resolve) => {
          this.#drain = resolve;
        }),
      ]);
    }
  }

  /** Sets what differs from `before`, or all. A port without a line is one like any other. */
  async #signal(before: SerialState | undefined): Promise<void> {
    const { dtr, rts, break: broken } = this.#state;
    const signals = {
      ...(dtr !== before?.dtr && { dataTerminalReady: dtr }),
      ...(rts !== before?.rts && !this.#hardware && { requestToSend: rts }),
      ...(broken !== (before?.break ?? false) && { break: broken }),
    };
    if (Object.keys(signals).length > 0) await this.#port.setSignals(signals).catch(() => undefined);
  }

  readonly #pulledOut = (): void => this.#end("The serial port was pulled out.");

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.ended(reason);
  }
}

/** The nearest that Web Serial has: 1.5 stop bits are 2, and of parities there are two. */
function optionsOf({ baudRate, dataBits, parity, stopBits }: SerialSettings, hardware: boolean): WebSerialOptions {
  return {
    baudRate,
    dataBits,
    stopBits: stopBits === 1 ? 1 : 2,
    parity: parity === "even" || parity === "odd" ? parity : "none",
    bufferSize: BUFFER_SIZE,
    flowControl: hardware ? "hardware" : "none",
  };
}

function settingsOf({ baudRate, dataBits, parity, stopBits }: SerialSettings): SerialSettings {
  return { baudRate, dataBits, parity, stopBits };
}

function isEqual(a: WebSerialOptions, b: WebSerialOptions): boolean {
  return (Object.keys(a) as (keyof WebSerialOptions)[]).every((name) => a[name] === b[name]);
}
