/** A machine without a processor: tests drive its functions. */
import type { Machine, PciFunction } from "../../../app/guest/machine.ts";
import { XhciDriver } from "./driver.ts";
import { FakePciSlot } from "./pci-slot.ts";
import { Ram } from "./ram.ts";

export class BareMachine implements Machine {
  readonly #slots: [PciFunction, FakePciSlot][] = [];

  attach(fn: PciFunction): FakePciSlot {
    const slot = new FakePciSlot(new Ram(1 << 20));
    this.#slots.push([fn, slot]);
    return slot;
  }

  /** Of its first controller, which it starts. */
  drive(): XhciDriver {
    const [fn, slot] = this.#slots[0] as [PciFunction, FakePciSlot];
    const driver = new XhciDriver(fn.bar, slot, () => fn.poll?.());
    driver.start();
    return driver;
  }
}
