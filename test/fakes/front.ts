/** A front without a controller: puts URBs on a real link, and keeps what comes back. */
import { readFile } from "node:fs/promises";
import { Link, type Urb } from "../../app/link.ts";
import { Core, compileCore, createMemory } from "../../asm/core.ts";
import {
  OPERATION_ADDRESS,
  OPERATION_PORT_RESET,
  OPERATION_TRANSFER,
  TYPE_BULK,
  TYPE_CONTROL,
} from "../../asm/layout.ts";
import { Backend } from "../../worker/backend.ts";
import type { BackendControl } from "../../worker/protocol.ts";
import { nextTask } from "./usb-wire.ts";

export interface FrontEvent {
  readonly port: number;
  readonly plug: number;
  readonly speed: number;
}

export interface Answer {
  readonly status: number;
  readonly actual: number;
  /** What an IN brought. */
  readonly data: Uint8Array;
}

/** A URB on its way. */
export interface Sent {
  readonly urb: Urb;
  readonly done: Promise<Answer>;
  /** How often it was answered: 0 or 1. */
  answers: number;
}

export interface TransferOptions {
  readonly port?: number;
  /** Default: the last plug that the port was told of. */
  readonly plug?: number;
  /** The hubs on the way, 4 bits each. */
  readonly route?: number;
  readonly endpoint?: number;
  readonly type?: number;
  readonly flags?: number;
  /** bmRequestType, bRequest, wValue, wIndex; wLength is the length. */
  readonly setup?: readonly [number, number, number, number];
  readonly data?: Uint8Array;
  readonly length?: number;
}

const module = compileCore(await readFile(new URL("../../asm/build/core.wasm", import.meta.url)));

export class Front {
  readonly link: Link;
  readonly events: FrontEvent[] = [];
  /** Answers and events in the order they came, in words. */
  readonly history: string[] = [];
  violation: number | undefined;
  readonly #plugs = new Map<number, number>();

  /** Has a backend of this thread look at the ring, so that a test need not guess when it wakes up. */
  readonly #pump: () => void;

  private constructor(link: Link, pump: () => void) {
    this.link = link;
    this.#pump = pump;
    link.connect({
      portEvent: (port, plug, speed) => {
        this.events.push({ port, plug, speed });
        this.history.push(speed ? `plug ${port}` : `unplug ${port}`);
        this.#plugs.set(port, plug);
      },
      settled: () => undefined,
      violated: (reason) => {
        this.violation = reason;
      },
    });
  }

  /** Lays out a link, in memory that may be an earlier one's, and connects it to the backend as link `id`. */
  static async connect(
    backend: Pick<BackendControl, "connect">,
    id = 1,
    memory: WebAssembly.Memory = createMemory(),
  ): Promise<Front> {
    const link = new Link(await Core.instantiate(await module, memory), 1, 0xfffffff0);
    const front = new Front(link, () => backend instanceof Backend && backend.pump(id));
    await backend.connect(id, front.link.core.memory, 1, await module);
    void front.link.run();
    return front;
  }

  /** Submits a transfer and shows it to the backend at once. */
  send(options: TransferOptions): Sent {
    const { port = 1, endpoint = 0, setup, data, flags = 0 } = options;
    const type = options.type ?? (setup ? TYPE_CONTROL : TYPE_BULK);
    const length = data?.length ?? options.length ?? 0;
    const { core } = this.link;
    const urb = this.#reserve(length);
    core.exports.address(urb.slot, port, options.plug ?? this.#plugs.get(port) ?? 0, endpoint);
    core.exports.route(urb.slot, options.route ?? 0);
    core.exports.describe(urb.slot, OPERATION_TRANSFER, type, flags);
    if (setup) {
      const [bmRequestType, bRequest, wValue, wIndex] = setup;
      core.exports.setup(urb.slot, bmRequestType | (bRequest << 8) | (wValue << 16), wIndex | (length << 16));
    }
    if (data) core.write(urb.slot, 0, data);
    return this.#submit(urb, `${options.setup ? "control" : endpoint.toString(16)}`);
  }

  /** Resets a port. */
  reset(port = 1, plug = this.#plugs.get(port) ?? 0): Sent {
    const urb = this.#reserve(0);
    const { exports } = this.link.core;
    exports.address(urb.slot, port, plug, 0);
    exports.describe(urb.slot, OPERATION_PORT_RESET, TYPE_CONTROL, 0);
    return this.#submit(urb, "reset");
  }

  /** Calls the device behind a hub by a number of the test's. */
  address(route: number, plug: number, port = 1): Sent {
    const urb = this.#reserve(0);
    const { exports } = this.link.core;
    exports.address(urb.slot, port, plug, 0);
    exports.route(urb.slot, route);
    exports.describe(urb.slot, OPERATION_ADDRESS, TYPE_CONTROL, 0);
    return this.#submit(urb, "address");
  }

  cancel(sent: Sent): void {
    this.link.cancel(sent.urb);
    this.link.flush();
  }

  /** Lets everything run that can run without time passing. */
  async settle(turns = 20): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      this.#pump();
      await nextTask();
      this.link.poll();
    }
  }

  #reserve(length: number): Urb {
    const urb = this.link.reserve(length);
    if (!urb) throw new Error("The link has no URB left.");
    return urb;
  }

  #submit(urb: Urb, words: string): Sent {
    let resolve: (answer: Answer) => void = () => undefined;
    const done = new Promise<Answer>((each) => {
      resolve = each;
    });
    const sent: Sent = { urb, done, answers: 0 };
    this.link.submit(urb, {
      urbCompleted: ({ status, actual, slot }) => {
        sent.answers++;
        this.history.push(`${words} ${status}`);
        const data = new Uint8Array(actual);
        this.link.core.read(slot, 0, data);
        this.link.release(urb);
        resolve({ status, actual, data });
      },
    });
    this.link.flush();
    return sent;
  }
}
