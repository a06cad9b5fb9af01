/** The guest's thread: reads from the device's thread into private memory, each way, and counts. */
import * as Comlink from "comlink";
import { Core, compileCore, createMemory, nextTask } from "../../../asm/core.ts";
import { OPERATION_TRANSFER, TYPE_BULK } from "../../../asm/layout.ts";
import { LARGEST, type Reader } from "../../../worker/bench/protocol.ts";
import { Link, type Urb, type UrbOwner } from "../../link.ts";
import { Count } from "../count.ts";
import type { DeviceThread } from "./device-thread.ts";

const COPIES_A_TASK = 16;

/** All that leads to one device's thread. Each way answers round trips a second. */
export class Crossings {
  readonly #thread: DeviceThread;
  readonly #link: Link;
  readonly #port: MessagePort;
  readonly #reader: Comlink.Remote<Reader>;
  readonly #landing = new Uint8Array(LARGEST);
  #hear: (bytes: Uint8Array) => void = () => {};

  private constructor(thread: DeviceThread, link: Link, port: MessagePort) {
    this.#thread = thread;
    this.#link = link;
    this.#port = port;
    this.#reader = Comlink.wrap<Reader>(port);
  }

  static async open(thread: DeviceThread): Promise<Crossings> {
    const module = await compileCore();
    const link = new Link(await Core.instantiate(module, createMemory()), 1);
    const { port1, port2 } = new MessageChannel();
    const crossings = new Crossings(thread, link, port1);
    await new Promise<void>((resolve) => {
      thread.listen((answer) => (answer === "started" ? resolve() : crossings.#hear(answer)));
      thread.post({ kind: "start", module, memory: link.core.memory, comlink: port2 }, [port2]);
    });
    link.connect({
      portEvent() {},
      settled: () => link.flush(),
      violated(reason) {
        throw new Error(`violation ${reason}`);
      },
    });
    void link.run();
    return crossings;
  }

  close(): void {
    this.#link.close();
    this.#port.close();
    this.#thread.terminate();
  }

  ring(length: number, depth: number): Promise<number> {
    const link = this.#link;
    return new Promise((resolve) => {
      const count = new Count();
      const target = this.#landing.subarray(0, length);
      const owner: UrbOwner = {
        urbCompleted(urb: Urb) {
          link.core.read(urb.slot, 0, target);
          if (count.more()) {
            link.submit(urb, owner);
            return;
          }
          link.release(urb);
          if (link.inFlight === 0) resolve(count.perSecond);
        },
      };
      for (let each = 0; each < depth; each++) {
        const urb = link.reserve(length);
        if (!urb) throw new Error("no URB is free");
        link.core.exports.address(urb.slot, 1, 1, 0x81);
        link.core.exports.describe(urb.slot, OPERATION_TRANSFER, TYPE_BULK, 0);
        link.submit(urb, owner);
      }
      link.flush();
    });
  }

  /** No crossing at all: what one of the ring's two copies takes, from private memory into shared or back. */
  async copy(direction: "in" | "out", length: number): Promise<number> {
    const { core } = this.#link;
    const urb = this.#link.reserve(length);
    if (!urb) throw new Error("no URB is free");
    const bytes = this.#landing.subarray(0, length);
    const count = new Count();
    do {
      for (let each = 0; each < COPIES_A_TASK; each++) {
        if (direction === "in") core.write(urb.slot, 0, bytes);
        else core.read(urb.slot, 0, bytes);
        count.more();
      }
      await nextTask();
    } while (count.goesOn);
    this.#link.release(urb);
    return count.perSecond;
  }

  message(kind: "clone" | "transfer", length: number, depth: number): Promise<number> {
    return new Promise((resolve) => {
      const count = new Count();
      let inFlight = depth;
      this.#hear = (bytes) => {
        this.#landing.set(bytes);
        if (count.more()) this.#thread.post({ kind, length });
        else if (--inFlight === 0) resolve(count.perSecond);
      };
      for (let each = 0; each < depth; each++) this.#thread.post({ kind, length });
    });
  }

  async comlink(length: number, depth: number): Promise<number> {
    const count = new Count();
    const chain = async () => {
      do this.#landing.set(await this.#reader.read(length));
      while (count.more());
    };
    await Promise.all(Array.from({ length: depth }, chain));
    return count.perSecond;
  }
}
