/** The last transfers of a controller while somebody looks at them: which of them are to be seen, and what is said of each. */
import type { ConfiguredDevice } from "../../worker/protocol.ts";
import { describe } from "../trace/decode/describe.ts";
import type { Description, Transfer } from "../trace/decode/description.ts";
import { PAYLOAD_MAX, TransferLog } from "../trace/decode/transfer-log.ts";
import type { TraceListeners } from "../trace/trace.ts";

/** What is watched of a controller. */
export interface Watched {
  readonly ports: readonly WatchedPort[];
  trace(listeners: TraceListeners): () => void;
}

export interface WatchedPort {
  readonly path: string;
  readonly plugged: { readonly product: string } | undefined;
  readonly ports: readonly WatchedPort[];
  configured(): Promise<readonly ConfiguredDevice[]>;
}

/** Not more often than this is anything drawn… */
const DRAW_MS = 100;
const DRAW_MS_MAX = 1000;
/** …and where drawing takes long, less often: the guest runs on the same thread, and drawing gets one part in so many of it. */
const SHARE = 20;

export class TransferWatch {
  readonly #draw: () => unknown;
  #log = new TransferLog();
  #controller: Watched | undefined;
  #stop: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pauseMs = DRAW_MS;
  #said = new WeakMap<Transfer, Description>();
  /** A port's path; empty: all of them. */
  port = "";
  /** What the sentence has in it, in small letters; empty: all of them. */
  #text = "";

  /** `draw` is called some time after there is something new; it resolves when that is drawn. */
  constructor(draw: () => unknown) {
    this.#draw = draw;
  }

  /** It listens; else what is there stays as it is. */
  get running(): boolean {
    return this.#stop !== undefined;
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text.trim().toLowerCase();
  }

  /** How many there were, and how many of them are kept. */
  get counts(): { readonly heard: number; readonly kept: number } {
    return { heard: this.#log.last, kept: this.#log.last - this.#log.first + 1 };
  }

  /** Listens to this controller from now on. Of another one than before nothing is kept. */
  start(controller: Watched): void {
    this.stop();
    if (controller !== this.#controller) this.#log = new TransferLog();
    this.#controller = controller;
    const log = this.#log;
    const urbs: TraceListeners["urbs"] = (trace) => {
      log.hear(trace);
      this.#timer ??= setTimeout(this.#drawNow, this.#pauseMs);
    };
    this.#stop = controller.trace({ urbs, payload: PAYLOAD_MAX });
    for (const { path, configured } of devicesOf(controller.ports)) {
      // A device that leaves meanwhile is known by what it says when it comes again.
      configured().then(
        (devices) => {
          for (const device of devices) log.learn(path, device);
        },
        () => undefined,
      );
    }
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#log.stop();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  clear(): void {
    this.#log.clear();
  }

  at(number: number): Transfer | undefined {
    return this.#log.at(number);
  }

  /** The numbers of those that are to be seen, oldest first. */
  get rows(): readonly number[] {
    const { first, last } = this.#log;
    const rows: number[] = [];
    for (let number = first; number <= last; number++) if (this.#isSeen(number)) rows.push(number);
    return rows;
  }

  describe(transfer: Transfer): Description {
    // More packets may come.
    if (transfer.packets > 1) return describe(transfer);
    let said = this.#said.get(transfer);
    if (!said) {
      said = describe(transfer);
      this.#said.set(transfer, said);
    }
    return said;
  }

  /** Ports with a device, and what it is. */
  get places(): readonly { readonly path: string; readonly name: string }[] {
    return devicesOf(this.#controller?.ports ?? []).map(({ name, path }) => ({ path, name }));
  }

  #isSeen(number: number): boolean {
    if (this.port === "" && this.#text === "") return true;
    const transfer = this.#log.at(number);
    if (!transfer || (this.port !== "" && transfer.port !== this.port)) return false;
    return this.#text === "" || this.describe(transfer).text.toLowerCase().includes(this.#text);
  }

  #drawNow = async (): Promise<void> => {
    const began = performance.now();
    await this.#draw();
    this.#pauseMs = Math.max(DRAW_MS, Math.min(DRAW_MS_MAX, SHARE * (performance.now() - began)));
    this.#timer = undefined;
  };
}

interface DeviceThere {
  readonly path: string;
  readonly name: string;
  configured(): Promise<readonly ConfiguredDevice[]>;
}

function devicesOf(ports: readonly WatchedPort[]): DeviceThere[] {
  return ports.flatMap((port) => {
    if (!port.plugged) return [];
    const { path, plugged } = port;
    return [{ path, name: plugged.product, configured: () => port.configured() }, ...devicesOf(port.ports)];
  });
}
