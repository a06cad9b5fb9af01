/** A stock guest that a section measures in, with a controller of each of its hosts. */
import { Guest, type GuestOptions } from "../guest/default-guest.ts";
import type { UsbHost } from "../host.ts";
import type { UsbController } from "../usb-controller.ts";
import type { BenchPlace } from "./section.ts";

const PATIENCE_MS = 120_000;
/** Looks at the guest, 50 ms apart and more, before what is looked for will not come. */
const LOOKS = 200;

export class BenchGuest {
  readonly guest: Guest;
  readonly controllers: readonly UsbController[];

  private constructor(guest: Guest, controllers: readonly UsbController[]) {
    this.guest = guest;
    this.controllers = controllers;
  }

  static async start(place: BenchPlace, hosts: readonly UsbHost[], v86: GuestOptions["v86"] = {}): Promise<BenchGuest> {
    const controllers: UsbController[] = [];
    const guest = await Guest.start({
      ...place.guest,
      v86,
      machineReady: async (emulator) => {
        for (const host of hosts) controllers.push(await host.attach(emulator));
        return undefined;
      },
    });
    return new BenchGuest(guest, controllers);
  }

  stop(): Promise<void> {
    return this.guest.stop();
  }

  /** Answers what a command says, and tells `heard` meanwhile. Rejects when it fails. */
  async run(command: string, heard?: (words: string) => void): Promise<string> {
    const { status, output } = await this.guest.exec(command, {
      timeout: PATIENCE_MS,
      ...(heard && { onOutput: (bytes: Uint8Array) => heard(new TextDecoder().decode(bytes)) }),
    });
    const words = new TextDecoder().decode(output);
    if (status !== 0) throw new Error(`The guest's "${command.slice(0, 80)}" ended with ${status}: ${words}`);
    return words;
  }

  /** Answers what `look` finds in what a command says, as soon as it finds something. Rejects when that never comes. */
  async until<T>(command: string, look: (words: string) => T | undefined, missing: string): Promise<T> {
    for (let looks = 0; looks < LOOKS; looks++) {
      const found = look(await this.run(command));
      if (found !== undefined) return found;
      await this.run("usleep 50000");
    }
    throw new Error(missing);
  }
}
