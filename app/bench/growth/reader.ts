/** A guest with flash drives, which reads as many of them at once as it is told. */
import type { UsbHost } from "../../host.ts";
import type { UrbTrace } from "../../trace/urb-trace.ts";
import type { UsbController } from "../../usb-controller.ts";
import { BenchGuest } from "../bench-guest.ts";
import type { BenchPlace } from "../section.ts";

const MIB = 1 << 20;
/** Of each drive: as much as is read of all drives together. */
export const TOTAL: number = 64 * MIB;
const BLOCK = 64 << 10;

const DRIVES = "cd /sys/block; for d in sd*; do grep -qi 'flash drive' $d/device/model && echo $d; done; true";

export class Reader {
  readonly #guest: BenchGuest;
  readonly #controller: UsbController;
  #drives: readonly string[] = [];

  private constructor(guest: BenchGuest) {
    this.#guest = guest;
    this.#controller = guest.controllers[0] as UsbController;
  }

  static async start(host: UsbHost, place: BenchPlace): Promise<Reader> {
    return new Reader(await BenchGuest.start(place, [host]));
  }

  async plug(host: UsbHost, count: number): Promise<void> {
    await this.#guest.guest.interpreted(async () => {
      for (let port = 1; port <= count; port++) {
        await this.#controller.port(port).plug(host.device("flash-drive", { image: { size: TOTAL } }));
      }
      const drivesIn = (listed: string) => {
        const drives = listed.split("\n").filter(Boolean);
        return drives.length < count ? undefined : drives;
      };
      this.#drives = await this.#guest.until(DRIVES, drivesIn, `The guest has not found its ${count} drives.`);
    });
  }

  /** Reads `bytes` of the first `count` drives, divided among them. */
  async read(count: number, bytes: number): Promise<void> {
    const blocks = bytes / BLOCK / count;
    const dd = (drive: string) => `dd if=/dev/${drive} of=/dev/null bs=${BLOCK} count=${blocks} iflag=direct`;
    const all = this.#drives.slice(0, count).map((drive) => `${dd(drive)} 2>/dev/null &`);
    await this.#guest.run(`${all.join(" ")} wait`);
  }

  /** Tells of every transfer, until the function that it answers is called. */
  listen(urbs: (urb: UrbTrace) => void): () => void {
    return this.#controller.trace({ urbs, payload: 0 });
  }

  stop(): Promise<void> {
    return this.#guest.stop();
  }
}
