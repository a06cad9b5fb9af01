/** A machine's slot with nothing but wires: it remembers the INTx line's level and edges, and every kick. */
import type { PciSlot } from "../../../app/guest/machine.ts";
import type { Ram } from "./ram.ts";

export class FakePciSlot implements PciSlot {
  readonly memory: Ram;
  /** The level of INTx. */
  asserted = false;
  /** How often it went up. */
  edges = 0;
  kicks = 0;

  constructor(memory: Ram) {
    this.memory = memory;
  }

  setInterrupt(asserted: boolean): void {
    if (asserted && !this.asserted) this.edges++;
    this.asserted = asserted;
  }

  kick(): void {
    this.kicks++;
  }
}
