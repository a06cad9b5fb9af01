/** A serial port of the person's computer, by Web Serial, as a CDC-ACM adapter of the guest. */
import type { DeviceOutput, SerialChange, SerialSource, SerialState } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction } from "./feed.ts";
import { followOutput } from "./follow-output.ts";
import { SerialConnection } from "./serial-connection.ts";
import { webSerial } from "./web-serial.ts";

/** Web Serial tells of no change of CTS, DSR, DCD and RI. */
const LOOK_EVERY_MS = 100;

/** As an adapter is that nobody has configured. */
const AT_FIRST: SerialState = {
  baudRate: 9600,
  dataBits: 8,
  parity: "none",
  stopBits: 1,
  handshake: "none",
  dtr: false,
  rts: false,
  break: false,
};

/** Opens the browser's chooser, so call it in the person's click. Rejects with a sentence. */
export async function openSerialPort(serial = webSerial()): Promise<SerialPortFeed> {
  if (!serial) {
    throw new Error(
      "This browser gives pages no serial ports here. Use Chrome, Edge or Opera on a computer, by https:// or localhost.",
    );
  }
  const port = await serial.requestPort().catch((cause: unknown) => {
    throw new Error(
      (cause as Error).name === "SecurityError"
        ? "The page around this one, or a policy of this computer, forbids serial ports. Open the page in a tab of its own."
        : "No serial port was chosen. Plug again, and choose one.",
      { cause },
    );
  });
  const feed = new SerialPortFeed((listener) => new SerialConnection(port, AT_FIRST, listener));
  try {
    await feed.connection.open();
  } catch (cause) {
    await feed.close();
    throw new Error(
      "The serial port does not open: another program has it, or this user may not use it (on Linux, the group dialout may).",
      { cause },
    );
  }
  return feed;
}

export class SerialPortFeed implements Feed {
  readonly source: SerialSource = { kind: "serial", chip: "cdc-acm" };
  readonly connection: SerialConnection;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  #port: UsbPort | undefined;
  #leave: (() => void) | undefined;
  #looking: ReturnType<typeof setInterval> | undefined;
  /** The lines as the guest was told of them. */
  #lines = "";
  /** What waits until there is a port. */
  #arrived: () => void = () => undefined;
  readonly #arrival = new Promise<void>((resolve) => {
    this.#arrived = resolve;
  });
  #bytes: Promise<void> = this.#arrival;
  #trouble: string | undefined;
  /** One thing at a time for the connection: the guest's and the person's. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(connect: (listener: ConstructorParameters<typeof SerialConnection>[2]) => SerialConnection) {
    this.connection = connect({
      bytes: (bytes) => this.#give(bytes),
      broke: () => {
        void this.#after(() => this.#port?.input({ type: "serial-lines", break: true }));
      },
      ended: (reason) => this.onEnd?.(reason),
    });
  }

  get actions(): readonly FeedAction[] {
    const { hardware } = this.connection;
    return [
      {
        id: "rts-cts",
        label: `RTS/CTS, ${this.#settings}`,
        title:
          `Hold bytes back by RTS and CTS, which the guest cannot ask this adapter for. ${this.#trouble ?? ""}`.trim(),
        pressed: hardware,
        run: () => this.#inTurn(() => this.connection.setHardware(!hardware)),
      },
    ];
  }

  plugged(port: UsbPort): void {
    this.#leave?.();
    this.#port = port;
    this.#lines = "";
    this.#leave = followOutput(port, (output) => this.#take(output));
    this.#arrived();
    void this.#look();
    this.#looking ??= setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  async close(): Promise<void> {
    this.#leave?.();
    clearInterval(this.#looking);
    this.#looking = undefined;
    this.#port = undefined;
    this.#arrived();
    await this.connection.close();
  }

  /** To the guest, one after another. */
  #give(bytes: Uint8Array): Promise<void> {
    return this.#after(() => this.#port?.input({ type: "serial", bytes }));
  }

  #after(work: () => Promise<void> | undefined): Promise<void> {
    this.#bytes = this.#bytes.then(work).catch(() => undefined); // unplugged meanwhile
    return this.#bytes;
  }

  async #take(output: DeviceOutput): Promise<void> {
    if (output.type !== "serial") return;
    const { bytes, changes } = output;
    let at = 0;
    for (const [index, change] of changes.entries()) {
      if (isPassing(change, changes[index + 1])) continue;
      await this.#write(bytes.subarray(at, change.at));
      at = change.at;
      await this.#inTurn(() => this.connection.become(change));
    }
    await this.#write(bytes.subarray(at));
    // An adapter that was set before anybody asked.
    if (changes.length === 0) await this.#inTurn(() => this.connection.become(output));
  }

  /** "115200 8N1" */
  get #settings(): string {
    const { baudRate, dataBits, parity, stopBits } = this.connection.settings;
    return `${baudRate} ${dataBits}${(parity[0] ?? "").toUpperCase()}${stopBits}`;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#inTurn(() => this.connection.write(bytes));
  }

  /** Does something with the connection, which may bring a sentence about what it cannot do. */
  #inTurn(work: () => Promise<unknown>): Promise<void> {
    const turn = this.#turn.then(async () => {
      const before = `${this.#settings} ${this.connection.hardware}`;
      const trouble = await work();
      if (typeof trouble === "string") this.#trouble = trouble;
      if (before !== `${this.#settings} ${this.connection.hardware}`) this.onChange?.();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #look(): Promise<void> {
    try {
      const { clearToSend, dataSetReady, ringIndicator, dataCarrierDetect } = await this.connection.signals();
      const lines = { cts: clearToSend, dsr: dataSetReady, ri: ringIndicator, dcd: dataCarrierDetect };
      if (JSON.stringify(lines) === this.#lines || !this.#port) return;
      this.#lines = JSON.stringify(lines);
      await this.#port.input({ type: "serial-lines", ...lines });
    } catch {
      // Closed for a moment, or a port without lines: those of the adapter stay as they are.
    }
  }
}

/** Settings that others follow before a byte is sent. Lines and breaks are never passed over. */
function isPassing(change: SerialChange, next: SerialChange | undefined): boolean {
  return next?.at === change.at && next.dtr === change.dtr && next.rts === change.rts && next.break === change.break;
}
