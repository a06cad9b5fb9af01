/** Drives the device from the guest's side of a link, with the URBs that a controller would submit; a worker has it. */
import { Core, compileCore, createMemory } from "../../../asm/core.ts";
import { OPERATION_TRANSFER, STATUS_OK, TYPE_BULK, TYPE_CONTROL } from "../../../asm/layout.ts";
import { sourceOf } from "../../device-source.ts";
import { Link, type Urb, type UrbOwner } from "../../link.ts";
import { type RunningBackend, startInWorker } from "../../start-backend.ts";
import { Flow } from "./flow.ts";
import { NoStreamError, type Pipes } from "./pipes.ts";

const LINK = 1;
const PORT = 1;

// bmRequestType | bRequest << 8 (USB 2.0 §9.4)
const SET_CONFIGURATION = 0x0900;
const SET_INTERFACE = 0x0b01;

export class RingDriver {
  readonly #device: USBDevice;
  readonly #pipes: Pipes;
  readonly #backend: RunningBackend;
  readonly #link: Link;
  /** Which plug of the port is there now. */
  #plug = 0;

  private constructor(device: USBDevice, pipes: Pipes, backend: RunningBackend, link: Link) {
    this.#device = device;
    this.#pipes = pipes;
    this.#backend = backend;
    this.#link = link;
  }

  /** With a backend of its own, unless it is given one. */
  static async start(device: USBDevice, pipes: Pipes, given?: RunningBackend): Promise<RingDriver> {
    const module = await compileCore();
    const link = new Link(await Core.instantiate(module, createMemory()), 1);
    const backend = given ?? (await startInWorker());
    const driver = new RingDriver(device, pipes, backend, link);
    link.connect({
      portEvent(_, plug) {
        driver.#plug = plug;
      },
      settled: () => link.flush(),
      violated(reason) {
        throw new Error(`violation ${reason}`);
      },
    });
    await backend.control.connect(LINK, link.core.memory, 1, module);
    const { pump } = backend;
    if (pump) link.runInside(() => pump(LINK));
    void link.run();
    return driver;
  }

  async stop(): Promise<void> {
    await this.#backend.stop();
    this.#link.close();
  }

  async open(): Promise<void> {
    const { configuration, interfaceNumber, alternate } = this.#pipes;
    await this.#backend.control.plug(LINK, PORT, await sourceOf(this.#device));
    this.#link.poll();
    await this.#control(SET_CONFIGURATION, configuration, 0);
    if (alternate !== 0) await this.#control(SET_INTERFACE, alternate, interfaceNumber);
  }

  close(): Promise<void> {
    return this.#backend.control.unplug(LINK, PORT);
  }

  in(length: number, depth: number): Promise<number> {
    return this.#stream(0x80 | this.#pipes.in, length, depth);
  }

  out(length: number, depth: number): Promise<number> {
    return this.#stream(this.#pipes.out ?? 0, length, depth);
  }

  /** Has `depth` URBs under way, whose bytes go to the guest's memory or come from there. */
  #stream(endpoint: number, length: number, depth: number): Promise<number> {
    const { core } = this.#link;
    const memory = new Uint8Array(length);
    const isIn = (endpoint & 0x80) !== 0;
    return new Promise((resolve, reject) => {
      const flow = new Flow(depth, (rate) =>
        rate === undefined ? reject(new NoStreamError(this.#device, "sends nothing")) : resolve(rate),
      );
      const submit = (urb: Urb) => {
        if (!isIn) core.write(urb.slot, 0, memory);
        this.#link.submit(urb, owner);
      };
      const owner: UrbOwner = {
        urbCompleted: (urb) => {
          if (isIn) core.read(urb.slot, 0, urb.actual === length ? memory : memory.subarray(0, urb.actual));
          if (urb.status !== STATUS_OK) reject(failed(urb));
          else if (flow.moved(urb.actual)) return submit(urb);
          this.#link.release(urb);
        },
      };
      for (let each = 0; each < depth; each++) submit(this.#urb(endpoint, TYPE_BULK, length));
      this.#link.flush();
    });
  }

  /** A standard request without data. */
  #control(request: number, wValue: number, wIndex: number): Promise<void> {
    const urb = this.#urb(0, TYPE_CONTROL, 0);
    this.#link.core.exports.setup(urb.slot, request | (wValue << 16), wIndex);
    return new Promise((resolve, reject) => {
      this.#link.submit(urb, {
        urbCompleted: () => {
          if (urb.status === STATUS_OK) resolve();
          else reject(failed(urb));
          this.#link.release(urb);
        },
      });
      this.#link.flush();
    });
  }

  #urb(endpoint: number, type: number, length: number): Urb {
    const urb = this.#link.reserve(length);
    if (!urb) throw new Error("No URB is free.");
    const { exports } = this.#link.core;
    exports.address(urb.slot, PORT, this.#plug, endpoint);
    exports.describe(urb.slot, OPERATION_TRANSFER, type, 0);
    return urb;
  }
}

function failed({ status }: Urb): Error {
  return new Error(`A transfer to the device has failed, with status ${status}.`);
}
