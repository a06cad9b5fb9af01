/** A booted default guest with a virtual controller, as users of the package have it: everything from dist/. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Guest, type GuestOptions } from "../../dist/app/guest/default-guest.js";
import { folderFiles, installedV86 } from "../../dist/app/guest/node-files.js";
import { folderStateStore } from "../../dist/app/guest/node-state-store.js";
import { createUsbHost, type UsbController, UsbHost, type UsbHostOptions } from "../../dist/app/index.js";

export const GUEST_FOLDER = "public/guest";

export interface Bench {
  readonly guest: Guest;
  readonly host: UsbHost;
  readonly controller: UsbController;
  /** What the guest's console said so far. */
  console(): string;
  /** Runs a shell command and answers its output; throws when its status is not 0. */
  run(command: string): Promise<string>;
  /** Runs a shell command every moment until its status is 0; throws, with the last output, when it never is. */
  until(command: string): Promise<string>;
  stop(): Promise<void>;
}

const PATIENCE_MS = 60_000;
const { PVUSB_SOAK } = process.env;

/** How often, or how much: `npm run soak` runs these files, too, and has the time for more. */
export function amount(usual: number, soak: number): number {
  return PVUSB_SOAK ? soak : usual;
}

export const STATES = "node_modules/.cache/pvusb/test-states";

/** States of other builds of the controller and the seam are of no use. */
export function buildHash(): string {
  const hash = createHash("sha256");
  for (const folder of ["dist/app/xhci", "dist/app/guest"]) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".js"))) {
      hash.update(readFileSync(join(folder, file)));
    }
  }
  return hash.digest("hex");
}

/** With a host of its own, or as one more guest of a host that is there already. */
export async function startGuest(
  usb: UsbHostOptions | UsbHost = {},
  options: Partial<GuestOptions> = {},
): Promise<Bench> {
  const host = usb instanceof UsbHost ? usb : await createUsbHost(usb);
  let controller: UsbController | undefined;
  let heard = "";
  const guest = await Guest.start({
    files: folderFiles(GUEST_FOLDER),
    wasm: installedV86().wasm,
    states: folderStateStore(STATES),
    stateKey: [buildHash()],
    onConsole: (bytes) => {
      heard += new TextDecoder("latin1").decode(bytes);
    },
    ...options,
    machineReady: async (emulator) => {
      controller = await host.attach(emulator);
      return options.machineReady?.(emulator);
    },
  });
  if (!controller) throw new Error("The machine was never ready.");
  const text = (output: Uint8Array) => new TextDecoder().decode(output);
  return {
    guest,
    host,
    controller,
    console: () => heard,
    async run(command) {
      const { status, output } = await guest.exec(command, { timeout: PATIENCE_MS });
      if (status !== 0) throw new Error(`The guest's "${command}" ended with ${status}: ${text(output)}`);
      return text(output);
    },
    async until(command) {
      const end = Date.now() + PATIENCE_MS;
      for (;;) {
        const { status, output } = await guest.exec(command, { timeout: PATIENCE_MS });
        if (status === 0) return text(output);
        if (Date.now() > end) throw new Error(`The guest's "${command}" never succeeded: ${status}, ${text(output)}`);
        await guest.exec("usleep 50000");
      }
    },
    async stop() {
      await guest.saved;
      await (host === usb ? controller?.close() : host.close());
      await guest.stop();
    },
  };
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** Bytes that no compressor or off-by-one can guess: the same for the same seed. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(length / 4);
  let state = seed;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[index] = state;
  }
  return new Uint8Array(words.buffer);
}
