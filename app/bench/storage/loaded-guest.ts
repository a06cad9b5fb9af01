/** A guest whose disks hold the same bytes: v86's IDE disk, and USB drives on the guest's thread and in the worker. */
import { instructionsRun } from "../../guest/v86-internals.ts";
import { createUsbHost, type UsbHost } from "../../host.ts";
import type { UsbController } from "../../usb-controller.ts";
import { BenchGuest } from "../bench-guest.ts";
import type { BenchPlace } from "../section.ts";
import { type DiskLoad, diskProgram } from "./disk-program.ts";

export const IMAGE_SIZE = 64 << 20;

export type Placement = "thread" | "worker";
export const USB_DISKS = ["bulk-only, thread", "UAS, thread", "bulk-only, worker", "UAS, worker"] as const;
export type UsbDisk = (typeof USB_DISKS)[number];
export type Disk = "IDE" | UsbDisk;
export const DISKS: readonly Disk[] = ["IDE", ...USB_DISKS];

export type Load = Omit<DiskLoad, "device" | "span">;

/** What a load took. */
export interface Taken {
  readonly milliseconds: number;
  /** Of the guest's processor, whatever it ran. */
  readonly instructions: number;
  /** Of the guest's USB controllers. */
  readonly interrupts: number;
}

export class LoadedGuest {
  readonly #guest: BenchGuest;
  readonly controllers: Readonly<Record<Placement, UsbController>>;
  readonly #hosts: readonly UsbHost[];
  readonly #devices = new Map<Disk, string>();
  readonly #programs = new Map<string, string>();

  private constructor(guest: BenchGuest, controllers: LoadedGuest["controllers"], hosts: readonly UsbHost[]) {
    this.#guest = guest;
    this.controllers = controllers;
    this.#hosts = hosts;
  }

  static async start(place: BenchPlace): Promise<LoadedGuest> {
    const image = new Uint8Array(IMAGE_SIZE).map((_, index) => Math.imul(index, 2654435761) >>> 24);
    const hosts = {
      thread: await createUsbHost({ placement: "thread" }),
      worker: await createUsbHost({ placement: "worker" }),
    };
    const all = [hosts.thread, hosts.worker];
    const guest = await BenchGuest.start(place, all, { hda: { buffer: image.slice().buffer } });
    const [thread, worker] = guest.controllers as [UsbController, UsbController];
    const started = new LoadedGuest(guest, { thread, worker }, all);
    try {
      await started.#find("IDE", "v86");
      for (const placement of ["thread", "worker"] as const) {
        const host = hosts[placement];
        const controller = started.controllers[placement];
        await controller.port(1).plug(host.device("flash-drive", { image: { bytes: image } }));
        await started.#find(`bulk-only, ${placement}`, "flash drive");
        await controller.port(2).plug(host.device("uas-drive", { image: { bytes: image } }));
        await started.#find(`UAS, ${placement}`, "uas drive");
      }
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const host of this.#hosts) await host.close();
    await this.#guest.stop();
  }

  async take(disk: Disk, load: Load): Promise<Taken> {
    const program = await this.#program({ ...load, device: this.#devices.get(disk) ?? "", span: IMAGE_SIZE });
    if (!load.direct) await this.#guest.run("echo 3 >/proc/sys/vm/drop_caches");
    const before = await this.#interrupts();
    const { emulator } = this.#guest.guest;
    let began = 0;
    let ended = 0;
    let instructions = 0;
    await this.#guest.run(program, (words) => {
      // The guest has just written them, by port I/O, and stands meanwhile.
      if (words.includes("begin")) {
        began = performance.now();
        instructions = instructionsRun(emulator);
      }
      if (words.includes("end")) {
        ended = performance.now();
        instructions = (instructionsRun(emulator) - instructions) >>> 0;
      }
    });
    return { milliseconds: ended - began, instructions, interrupts: (await this.#interrupts()) - before };
  }

  /** With another task of the guest that never sleeps. */
  async whileBusy<T>(work: () => Promise<T>): Promise<T> {
    await this.#guest.run("(while :; do :; done) >/dev/null 2>&1 & echo $! >/tmp/busy");
    try {
      return await work();
    } finally {
      await this.#guest.run("kill $(cat /tmp/busy)");
    }
  }

  /** Puts the load's program into the guest, once. */
  async #program(load: DiskLoad): Promise<string> {
    const key = JSON.stringify(load);
    const known = this.#programs.get(key);
    if (known) return known;
    const path = `/tmp/load${this.#programs.size}`;
    const bytes = btoa(String.fromCharCode(...diskProgram(load)));
    await this.#guest.run(`echo ${bytes} | base64 -d >${path} && chmod +x ${path}`);
    this.#programs.set(key, path);
    return path;
  }

  async #interrupts(): Promise<number> {
    const lines = (await this.#guest.run("cat /proc/interrupts")).split("\n").filter((line) => line.includes("xhci"));
    return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[1]), 0);
  }

  /** The block device whose model holds `words`, and which is no other disk's. */
  async #find(disk: Disk, words: string): Promise<void> {
    const models =
      "cd /sys/block; for d in sd*; do test -e $d/device/model && echo $d $(cat $d/device/model); done; true";
    const known = [...this.#devices.values()];
    const deviceIn = (listed: string) =>
      listed
        .split("\n")
        .filter((line) => line.toLowerCase().includes(words))
        .map((line) => `/dev/${line.split(" ")[0]}`)
        .find((device) => !known.includes(device));
    this.#devices.set(disk, await this.#guest.until(models, deviceIn, `The guest has no disk "${words}".`));
  }
}
