/** A page with guests of one backend, for a test to play on: `window.guests`, as many as the address says. */
import wasm from "v86/build/v86.wasm?url";
import { Guest } from "../../../dist/app/guest/default-guest.js";
import { fetchFiles } from "../../../dist/app/guest/guest-files.js";
import type { StateStore } from "../../../dist/app/guest/state-store.js";
import { createUsbHost, type UsbController } from "../../../dist/app/index.js";

export interface PageGuest {
  readonly guest: Guest;
  readonly controller: UsbController;
  run(command: string): Promise<string>;
  until(command: string): Promise<string>;
}

/** What the address asks for: `?guests=2&overlay=/overlay.cpio&build=…`. */
const query = new URLSearchParams(location.search);

/** The states of Node's guests, which are these. */
const states: StateStore = {
  async get(key) {
    const response = await fetch(`/states/${key}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  },
  async set(key, body) {
    await fetch(`/states/${key}`, { method: "PUT", body });
  },
  async delete(key) {
    await fetch(`/states/${key}`, { method: "DELETE" });
  },
};

async function start() {
  const overlay = query.get("overlay");
  const more = overlay ? { overlay: new Uint8Array(await (await fetch(overlay)).arrayBuffer()) } : {};
  const host = await createUsbHost();
  const boot = async (): Promise<PageGuest> => {
    let controller: UsbController | undefined;
    const guest = await Guest.start({
      files: fetchFiles(new URL("/guest/", document.baseURI)),
      wasm,
      states,
      stateKey: [query.get("build") ?? ""],
      ...more,
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
  const guests: PageGuest[] = [];
  // All but the first go on from the state that it has left.
  for (let count = Number(query.get("guests") ?? 1); count > 0; count--) guests.push(await boot());
  return { host, guests };
}

declare global {
  interface Window {
    guests: ReturnType<typeof start>;
    firstGuest(): Promise<PageGuest>;
  }
}

window.guests = start();
window.firstGuest = async () => {
  const [first] = (await window.guests).guests;
  if (!first) throw new Error("The page has no guest.");
  return first;
};
