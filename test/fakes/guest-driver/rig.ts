/**
 * A controller between a driver and a scripted device, all on one thread. In "thread" placement the device's side runs
 * inside the doorbell; in "deferred" placement it runs only when `settle` lets time pass.
 */

import { Link } from "../../../app/link.ts";
import { XhciController } from "../../../app/xhci/xhci.ts";
import { Core, compileCore, createMemory } from "../../../asm/core.ts";
import { BackSide } from "./back-side.ts";
import { XhciDriver } from "./driver.ts";
import { FakePciSlot } from "./pci-slot.ts";
import { Ram } from "./ram.ts";

export type Placement = "thread" | "deferred";

export interface RigOptions {
  readonly placement?: Placement;
  readonly sockets?: number;
  readonly ramSize?: number;
}

export interface Rig {
  readonly controller: XhciController;
  readonly link: Link;
  readonly ram: Ram;
  readonly slot: FakePciSlot;
  readonly back: BackSide;
  readonly driver: XhciDriver;
  /** Lets time pass until nothing moves any more. */
  settle(): void;
}

const MIB = 1 << 20;
const SETTLE_ROUNDS = 10_000;

/** Compiles the core once; each rig is a fresh link in the same memory. */
export async function rigFactory(): Promise<(options?: RigOptions) => Rig> {
  const module = await compileCore();
  const memory = createMemory();
  const front = await Core.instantiate(module, memory);
  const backCore = await Core.instantiate(module, memory);
  let generation = 0;
  return ({ placement = "thread", sockets = 4, ramSize = 16 * MIB } = {}) => {
    const controller = new XhciController({ ports: sockets });
    const link = new Link(front, ++generation);
    const back = new BackSide(backCore, generation);
    const slot = new FakePciSlot(new Ram(ramSize));
    if (placement === "thread") link.runInside(() => back.link.pump());
    controller.start(slot, link);
    const settle = () => {
      for (let round = 0; round < SETTLE_ROUNDS; round++) {
        const before = progress(link, back);
        back.link.pump();
        link.poll();
        if (progress(link, back) === before) return;
      }
      throw new Error("The link never settles.");
    };
    const driver = new XhciDriver(controller.pci.bar, slot, settle);
    return { controller, link, ram: slot.memory, slot, back, driver, settle };
  };
}

/** Changes whenever something went over the link. */
function progress(link: Link, back: BackSide): string {
  return `${link.core.exports.frontArm()} ${back.link.owned} ${link.inFlight} ${link.core.exports.freeSlots()}`;
}
