/** A guest, as the page runs it: with a hub, a screen, and the default guest's ready state kept in the browser. */
import type { V86 } from "v86";
import wasmUrl from "v86/build/v86.wasm?url";
import { Guest, type GuestProgress } from "../guest/default-guest.ts";
import { fetchFiles } from "../guest/guest-files.ts";
import { idbStates } from "../guest/idb-states.ts";
import { readyStates } from "../guest/kept-states.ts";
import type { MachineConfig } from "../guest/machine-config.ts";
import type { V86Disk } from "../guest/v86-disk.ts";
import { inBytes } from "../hub/rate.ts";
import type { UsbController, UsbHost } from "../index.ts";

export interface StartProgress {
  /** What is being done, in a few words. */
  readonly stage: string;
  /** 0 to 1. */
  readonly fraction: number;
}

export interface GuestHooks {
  readonly machine: MachineConfig;
  /** Goes on from it instead of booting. */
  readonly state?: Uint8Array<ArrayBuffer> | undefined;
  /** Where v86 draws the guest's screen. */
  readonly screen: HTMLElement;
  onProgress(progress: StartProgress): void;
  /** Bytes from the guest's console. */
  onConsole(bytes: Uint8Array): void;
  /**
   * The controller is there and the machine does not run yet. Not for
   * the default guest, whose ready state is one without devices, and not where a state has its own.
   */
  beforeItRuns(controller: UsbController): Promise<void>;
  /** A sentence: the file in a drive cannot be read any more. */
  onDiskError(message: string): void;
}

export interface PageGuest {
  readonly controller: UsbController;
  /** It went on from a saved state instead of booting. */
  readonly resumed: boolean;
  /** The machine's own hard disk. */
  readonly disk: V86Disk | undefined;
  /** Types into the guest's console. */
  type(text: string): void;
  /** Tells the guest how large its console is. */
  resize(columns: number, rows: number): void;
  /** Whether the page's keys go to the machine's own keyboard. */
  takeKeys(taken: boolean): void;
  saveState(): Promise<Uint8Array<ArrayBuffer>>;
  stop(): Promise<void>;
}

const SCREEN_SHELL = "{ while :; do ENV=/etc/profile setsid -c sh -i; sleep 1; done; } </dev/tty1 >/dev/tty1 2>&1 &";

/** Resolves when a shell waits at the console. */
export async function startGuest(host: UsbHost, hooks: GuestHooks): Promise<PageGuest> {
  const { machine, state } = hooks;
  const isLinux = machine.boots.from === "linux";
  let controller: UsbController | undefined;
  const guest = await Guest.start({
    machine,
    ...(state && { state }),
    files: fetchFiles(new URL("guest/", document.baseURI)),
    wasm: wasmUrl,
    states: readyStates(idbStates()),
    stateKey: [machine.controller, machine.ports, __PVUSB_BUILD__],
    // The page's keys and mouse come to the default guest by USB. Of a person's own not all have a driver for that.
    v86: { screen: { container: hooks.screen }, disable_keyboard: isLinux, disable_mouse: true },
    async machineReady(emulator: V86) {
      if (!isLinux) emulator.keyboard_set_enabled(false);
      const attached = await host.attach(emulator, { ports: machine.ports });
      controller = attached;
      if (!isLinux && !state && machine.boots.from !== "state") await hooks.beforeItRuns(attached);
      return () => attached.close();
    },
    onConsole: (bytes) => hooks.onConsole(bytes),
    onProgress: (progress) => {
      hooks.onProgress({ stage: inWords(progress, machine.name), fraction: progress.fraction });
    },
    onDiskError: (message) => hooks.onDiskError(message),
  });
  if (!controller) throw new Error("The guest came without its USB controller.");
  // Nobody listens to the screen's keyboard otherwise: the default guest's own shell is at the serial console. A kept state
  // has the shell already.
  if (guest.hasAgent && !state) guest.exec(SCREEN_SHELL).catch(() => undefined);
  // A guest that goes on says nothing by itself: an empty line makes the shell show its prompt.
  if (guest.resumed && guest.hasAgent) guest.write("\n");
  return {
    controller,
    resumed: guest.resumed,
    disk: guest.disk,
    type: (text) => guest.write(text),
    resize: (columns, rows) => {
      if (guest.hasAgent) guest.exec(`stty -F /dev/ttyS0 cols ${columns} rows ${rows}`).catch(() => undefined);
    },
    takeKeys: (taken) => {
      if (!isLinux) guest.emulator.keyboard_set_enabled(taken);
    },
    saveState: () => guest.saveState(),
    stop: () => guest.stop(),
  };
}

/** The next start boots from the beginning. */
export function forgetSavedState(): Promise<void> {
  return idbStates().clear("ready");
}

function inWords({ stage, fraction, bytes }: GuestProgress, name: string): string {
  switch (stage) {
    case "loading":
      return bytes ? `Loading ${name}: ${inBytes(bytes.loaded)} of ${inBytes(bytes.total)}` : `Loading ${name}`;
    case "restoring":
      return "Going on from the saved state";
    case "booting":
      if (fraction < 0.7) return "The kernel starts";
      return fraction < 0.85 ? "Linux loads its drivers" : "Linux looks for devices";
    case "ready":
      return "Ready";
  }
}
