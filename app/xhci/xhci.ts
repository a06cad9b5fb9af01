/**
 * The virtual xHC as the others have it (xHCI 1.2): a PCI function of the guest's machine on one side, the front of a link on
 * the other.
 */
import { SOCKETS_MAX } from "../../asm/layout.ts";
import type { HostController, RootHubPort } from "../controller.ts";
import type { PciFunction, PciSlot } from "../guest/machine.ts";
import type { Link, LinkClient } from "../link.ts";
import type { TraceListeners } from "../trace/trace.ts";
import type { TracedDevice } from "../trace/urb-trace.ts";
import { Parts } from "./parts.ts";
import { BAR_SIZE } from "./registers.ts";

export interface XhciOptions {
  /** Sockets, 1 to 15: each is a USB2 port and a USB3 port. */
  readonly ports: number;
}

export class XhciController implements HostController, LinkClient {
  readonly portCount: number;
  readonly pci: PciFunction;
  onPortChange: ((port: number) => void) | undefined;
  #parts: Parts | undefined;
  #kept: ReadonlyMap<number, number> = new Map();

  constructor({ ports }: XhciOptions) {
    if (!Number.isInteger(ports) || ports < 1 || ports > SOCKETS_MAX) {
      throw new RangeError(`An xHCI controller has 1 to ${SOCKETS_MAX} ports.`);
    }
    this.portCount = ports;
    this.pci = {
      name: "xhci",
      // Red Hat's QEMU XHCI: a generic controller to every driver, with no quirks.
      vendorId: 0x1b36,
      deviceId: 0x000d,
      classCode: 0x0c0330,
      revision: 1,
      // Serial Bus Release Number 3.0, Frame Length Adjustment (xHCI 1.2 §5.2.3, §5.2.4)
      config: { 96: 0x30, 97: 0x20 },
      bar: {
        size: BAR_SIZE,
        read: (offset, width) => this.#parts?.read(offset, width) ?? 0,
        write: (offset, width, value) => this.#parts?.write(offset, width, value),
      },
      reset: () => this.#parts?.reset(),
      poll: () => this.#parts?.poll(),
      save: () => this.#parts?.save(),
      check: (state) => void this.#parts?.saved(state),
      restore: (state) => {
        this.#parts?.restore(this.#parts.saved(state), this.#kept);
        this.#kept = new Map();
      },
    };
  }

  start(slot: PciSlot, link: Link): void {
    this.#parts = new Parts(this.portCount, slot, link, (socket) => this.onPortChange?.(socket));
    link.connect(this);
  }

  port(number: number, route = 0): RootHubPort {
    if (!this.#parts) throw new Error("The controller is not attached to a machine yet.");
    return this.#parts.hub.socket(number, route);
  }

  hold(held: boolean): void {
    this.#parts?.hold(held);
  }

  keep(ports: ReadonlyMap<number, number>): void {
    this.#kept = ports;
  }

  device(linkPort: number, route: number, plug: number): TracedDevice | undefined {
    return this.#parts?.device(linkPort, route, plug);
  }

  trace(listeners: TraceListeners): () => void {
    return this.#parts?.trace(listeners) ?? (() => {});
  }

  portEvent(port: number, plug: number, speed: number): void {
    this.#parts?.hub.portEvent(port, plug, speed);
  }

  portWake(port: number, plug: number): void {
    this.#parts?.hub.portWake(port, plug);
  }

  settled(): void {
    this.#parts?.settled();
  }

  violated(): void {
    this.#parts?.hub.clear();
  }
}
