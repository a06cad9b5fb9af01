/** A guest with flash drives, which reads as many of them at once as it is told. */
import { Guest } from "../../guest/default-guest.ts";
import type { UsbHost } from "../../host.ts";
import type { UrbTrace } from "../../trace/urb-trace.ts";
import type { UsbController } from "../../usb-controller.ts";
import type { BenchPlace } from "../section.ts";

const MIB = 1 << 20;
/** Of each drive: as much as is read of all drives together. */
export const TOTAL: number = 64 * MIB;
const BLOCK = 64 << 10;

const DRIVES = "cd /sys/block; for d in sd*; do grep -qi 'flash drive' $d/device/model && echo $d; done; true";

export class Reader {
  readonly #guest: Guest;
  readonly #controller: UsbController;
  #drives: readonly string[] = [];

  private constructor(guest: Guest, controller: UsbController) {
    this.#guest = guest;
    this.#controller = controller;
  }

  static async start(host: UsbHost, place: BenchPlace): Promise<Reader> {
    let controller: UsbController | undefined;
    const guest = await Guest.start({
      ...place.guest,
      machineReady: async (emulator) => {
        controller = await host.attach(emulator);
        return undefined;
      },
    });
    return new Reader(guest, controller as UsbController);
  }

  async plug(host: UsbHost, count: number): Promise<void> {
    await this.#guest.interpreted(async () => {
      for (let port = 1; port <= count; port++) {
        await this.#controller.port(port).plug(host.device("flash-drive", { image: { size: TOTAL } }));
      }
      for (let tries = 0; tries < 200 && this.#drives.length < count; tries++) {
        const { output } = await this.#guest.exec(`usleep 50000; ${DRIVES}`, { timeout: 60_000 });
        this.#drives = new TextDecoder().decode(output).split("\n").filter(Boolean);
      }
    });
    if (this.#drives.length < count) throw new Error(`The guest has found ${this.#drives.length} drives of ${count}.`);
  }

  /** Reads `bytes` of the first `count` drives, divided among them. */
  async read(count: number, bytes: number): Promise<void> {
    const blocks = bytes / BLOCK / count;
    const dd = (drive: string) => `dd if=/dev/${drive} of=/dev/null bs=${BLOCK} count=${blocks} iflag=direct`;
    const all = this.#drives.slice(0, count).map((drive) => `${dd(drive)} 2>/dev/null &`);
    const { status } = await this.#guest.exec(`${all.join(" ")} wait`, { timeout: 120_000 });
    if (status !== 0) throw new Error("A guest could not read its drives.");
  }

  /** Tells of every transfer, until the function that it answers is called. */
  listen(urbs: (urb: UrbTrace) => void): () => void {
    return this.#controller.trace({ urbs, payload: 0 });
  }

  stop(): Promise<void> {
    return this.#guest.stop();
  }
}
