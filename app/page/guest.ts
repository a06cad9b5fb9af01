/** The default guest, as the page runs it: with a hub, a screen, and its ready state kept in the browser. */
import type { V86 } from "v86";
import wasmUrl from "v86/build/v86.wasm?url";
import { Guest } from "../guest/default-guest.ts";
import { fetchFiles } from "../guest/guest-files.ts";
import { idbStates } from "../guest/idb-states.ts";
import { readyStates } from "../guest/kept-states.ts";
import type { UsbController, UsbHost } from "../index.ts";

export interface StartProgress {
  /** What is being done, in a few words. */
  readonly stage: string;
  /** 0 to 1. */
  readonly fraction: number;
}

export interface GuestHooks {
  readonly ports: number;
  /** Where v86 draws the guest's screen. */
  readonly screen: HTMLElement;
  onProgress(progress: StartProgress): void;
  /** Bytes from the guest's console. */
  onConsole(bytes: Uint8Array): void;
}

export interface PageGuest {
  readonly controller: UsbController;
  /** It went on from a saved state instead of booting. */
  readonly resumed: boolean;
  /** Types into the guest's console. */
  type(text: string): void;
  /** Tells the guest how large its console is. */
  resize(columns: number, rows: number): void;
  stop(): Promise<void>;
}

const SCREEN_SHELL = "{ while :; do ENV=/etc/profile setsid -c sh -i; sleep 1; done; } </dev/tty1 >/dev/tty1 2>&1 &";

/** Resolves when a shell waits at the console. */
export async function startGuest(host: UsbHost, hooks: GuestHooks): Promise<PageGuest> {
  let controller: UsbController | undefined;
  const guest = await Guest.start({
    files: fetchFiles(new URL("guest/", document.baseURI)),
    wasm: wasmUrl,
    states: readyStates(idbStates()),
    stateKey: ["xhci", hooks.ports, __PVUSB_BUILD__],
    // The page's keys and mouse are not the guest's: they come by USB.
    v86: { screen: { container: hooks.screen }, disable_keyboard: true, disable_mouse: true },
    async machineReady(emulator: V86) {
      const attached = await host.attach(emulator, { ports: hooks.ports });
      controller = attached;
      return () => attached.close();
    },
    onConsole: (bytes) => hooks.onConsole(bytes),
    onProgress: ({ stage, fraction }) => hooks.onProgress({ stage: inWords(stage, fraction), fraction }),
  });
  if (!controller) throw new Error("The guest came without its USB controller.");
  // Nobody listens to the screen's keyboard otherwise: the default guest's own shell is at the serial console.
  guest.exec(SCREEN_SHELL).catch(() => undefined);
  // A guest that goes on says nothing by itself: an empty line makes the shell show its prompt.
  if (guest.resumed) guest.write("\n");
  return {
    controller,
    resumed: guest.resumed,
    type: (text) => guest.write(text),
    resize: (columns, rows) => {
      guest.exec(`stty -F /dev/ttyS0 cols ${columns} rows ${rows}`).catch(() => undefined);
    },
    stop: () => guest.stop(),
  };
}

/** The next start boots from the beginning. */
export function forgetSavedState(): Promise<void> {
  return idbStates().clear("ready");
}

function inWords(stage: "loading" | "restoring" | "booting" | "ready", fraction: number): string {
  switch (stage) {
    case "loading":
      return "Loading Linux";
    case "restoring":
      return "Going on from the saved state";
    case "booting":
      if (fraction < 0.7) return "The kernel starts";
      return fraction < 0.85 ? "Linux loads its drivers" : "Linux looks for devices";
    case "ready":
      return "Ready";
  }
}
