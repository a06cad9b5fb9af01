/**
 * The devices of a controller in the saved states of its machine. They are the backend's, often in another thread, and a state
 * is taken at once; so the backend is asked before, and holds still until the state is there:
 *
 *   save      hold: the backend's devices, and all that it has answered ─▶ the machine's state ─▶ resume
 *   restore   check ─▶ prepare: the backend has the devices again ─▶ the machine's state ─▶ resume
 *
 * Transfers on their way are in no state: the device has not begun them, and the controller reads them again from their rings.
 */
import { COMPANION_PORT, SOCKETS_MAX } from "../asm/layout.ts";
import { Saved, StateError } from "../asm/saved.ts";
import type { RestoredDevice, SavedDevice } from "../worker/protocol.ts";
import type { HostController } from "./controller.ts";
import type { PciFunction } from "./guest/machine.ts";
import type { Link } from "./link.ts";
import type { RunningBackend } from "./start-backend.ts";

export class SavedDevices {
  /** The controller, as its machine is to have it. */
  readonly pci: PciFunction;
  readonly #hardware: HostController;
  readonly #link: Link;
  readonly #id: number;
  readonly #control: RunningBackend["control"];
  readonly #restored: (devices: readonly RestoredDevice[]) => void;
  #devices: readonly SavedDevice[] = [];

  /** `restored` hears what came of the devices of a state. */
  constructor(
    hardware: HostController,
    link: Link,
    id: number,
    control: RunningBackend["control"],
    restored: (devices: readonly RestoredDevice[]) => void,
  ) {
    this.#hardware = hardware;
    this.#link = link;
    this.#id = id;
    this.#control = control;
    this.#restored = restored;
    const { pci } = hardware;
    this.pci = {
      ...pci,
      save: () => ({ controller: pci.save(), devices: this.#devices }),
      check: (state) => {
        const saved = new Saved(state, "the USB controller");
        pci.check(saved.get("controller"));
        saved.records("devices", SOCKETS_MAX);
      },
      restore: (state) => pci.restore(new Saved(state, "the USB controller").get("controller")),
      hold: () => this.#hold(),
      prepare: (state) => this.#prepare(new Saved(state, "the USB controller")),
      resume: () => void this.#resume(),
    };
  }

  async #hold(): Promise<void> {
    this.#link.held = true;
    this.#devices = await this.#control.save(this.#id);
    this.#link.poll();
  }

  async #prepare(state: Saved): Promise<void> {
    this.#link.held = true;
    this.#hardware.hold(true);
    const restored = await this.#control.restore(this.#id, state.list("devices"));
    this.#link.poll();
    this.#restored(restored);
    const damage = restored.find((device) => device.damage !== undefined)?.damage;
    if (damage !== undefined) throw new StateError(damage);
    const kept = new Map<number, number>();
    for (const device of state.records("devices")) {
      const port = device.integer("port");
      if (!restored.some((each) => each.port === port && each.route === 0 && each.same)) continue;
      device.integers("plugs").forEach((plug, half) => {
        kept.set(port + half * COMPANION_PORT, plug);
      });
    }
    this.#hardware.keep(kept);
  }

  async #resume(): Promise<void> {
    this.#devices = [];
    this.#hardware.hold(false);
    await this.#control.resume(this.#id).catch(() => undefined); // dead meanwhile: there is nothing to resume
    this.#link.held = false;
    this.#link.poll();
  }
}
