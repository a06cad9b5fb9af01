/** A page with two guests and one backend, for a test to play on: `window.guests`. */
import wasm from "v86/build/v86.wasm?url";
import { Guest } from "../../../dist/app/guest/default-guest.js";
import { fetchFiles } from "../../../dist/app/guest/guest-files.js";
import { idbStateStore } from "../../../dist/app/guest/idb-state-store.js";
import { createUsbHost, type UsbController } from "../../../dist/app/index.js";

export interface PageGuest {
  readonly guest: Guest;
  readonly controller: UsbController;
  run(command: string): Promise<string>;
  until(command: string): Promise<string>;
}

async function start() {
  const host = await createUsbHost();
  const boot = async (): Promise<PageGuest> => {
    let controller: UsbController | undefined;
    const guest = await Guest.start({
      files: fetchFiles(new URL("/guest/", document.baseURI)),
      wasm,
      states: idbStateStore(),
      stateKey: ["two guests"],
      async machineReady(emulator) {
        controller = await host.attach(emulator);
        return undefined;
      },
    });
    await guest.saved;
    if (!controller) throw new Error("The guest came without its USB controller.");
    const exec = async (command: string) => {
      const { status, output } = await guest.exec(command, { timeout: 60_000 });
      return { status, text: new TextDecoder().decode(output) };
    };
    return {
      guest,
      controller,
      async run(command) {
        const { status, text } = await exec(command);
        if (status !== 0) throw new Error(`"${command}" ended with ${status}: ${text}`);
        return text;
      },
      async until(command) {
        for (;;) {
          const { status, text } = await exec(command);
          if (status === 0) return text;
          await exec("usleep 50000");
        }
      },
    };
  };
  // The second goes on from the state that the first has left.
  return { host, first: await boot(), second: await boot() };
}

declare global {
  interface Window {
    guests: ReturnType<typeof start>;
  }
}

window.guests = start();
