/** One guest of the page: its state, its console and screen, its hub. */
import { DEFAULT_MACHINE, type MachineConfig } from "../guest/machine-config.ts";
import { describeMachine, type MachineDescription } from "../guest/machine-description.ts";
import type { V86Disk } from "../guest/v86-disk.ts";
import type { Desk } from "../hub/desk.ts";
import type { Hub } from "../hub/hub.ts";
import { diskFailed, startFailed } from "../hub/words.ts";
import type { PageGuest, StartProgress } from "./guest.ts";
import type { SnapshotMachine } from "./snapshots.ts";

export type GuestState =
  | { readonly is: "off" }
  | ({ readonly is: "starting"; readonly since: number } & StartProgress)
  | { readonly is: "running"; readonly seconds: number; readonly resumed: boolean }
  | { readonly is: "failed" };

/** A whole machine as it was, and what was in its ports: the ids of cards, by paths. */
export interface KeptWhole {
  readonly state: Uint8Array<ArrayBuffer>;
  readonly plugged: Readonly<Record<string, string>>;
}

export class Machine {
  /** Counts from 1 over all machines that the page ever had. */
  readonly id: number;
  readonly hub: Hub;
  readonly #desk: Desk;
  #config: MachineConfig;
  /** Of the store of machines, if it is kept. */
  keptAs: string | undefined;
  #guest: PageGuest | undefined;
  #state: GuestState = { is: "off" };
  #size: [columns: number, rows: number] | undefined;
  /** Where the guest's console goes. */
  onConsole: ((bytes: Uint8Array) => void) | undefined;

  constructor(desk: Desk, id: number, name: string) {
    this.#desk = desk;
    this.id = id;
    this.#config = { ...DEFAULT_MACHINE, name };
    this.hub = desk.addHub(name, DEFAULT_MACHINE.ports);
  }

  get name(): string {
    return this.#config.name;
  }

  get config(): MachineConfig {
    return this.#config;
  }

  get description(): MachineDescription {
    return describeMachine(this.#config);
  }

  /** It is the page's own Linux. */
  get isLinux(): boolean {
    return this.#config.boots.from === "linux";
  }

  /** The machine's own hard disk, while it runs. */
  get disk(): V86Disk | undefined {
    return this.#guest?.disk;
  }

  /** Another machine from the next start on. */
  become(config: MachineConfig, keptAs?: string): void {
    this.#config = config;
    this.keptAs = keptAs;
    this.hub.name = config.name;
    if (!this.hub.power) this.hub.ports = config.ports;
    this.#desk.changed();
  }

  get state(): GuestState {
    return this.#state;
  }

  /** Where v86 draws the guest's screen. */
  set screen(screen: HTMLElement) {
    this.hub.screen = screen;
  }

  /** Boots, or goes on from where it was. Trouble is told to the person, not thrown. */
  async start(whole?: KeptWhole): Promise<void> {
    if (this.#state.is === "starting") return;
    await this.stop();
    const since = performance.now();
    // A start that failed may still have files on their way.
    let over = false;
    const progress = (step: StartProgress) => {
      if (!over) this.#set({ is: "starting", since, ...step });
    };
    progress({ stage: "Starting", fraction: 0 });
    try {
      const host = await this.#desk.host();
      const { startGuest } = await import("./guest.ts");
      if (!this.hub.screen) throw new Error("The page has no place for the guest's screen.");
      const guest = await startGuest(host, {
        machine: this.#config,
        state: whole?.state,
        screen: this.hub.screen,
        onProgress: progress,
        onConsole: (bytes) => this.onConsole?.(bytes),
        // A BIOS looks for what it boots at once.
        beforeItRuns: (controller) => this.hub.connect(controller),
        onDiskError: (message) => this.#desk.complain(diskFailed(this.name, message)),
      });
      over = true;
      this.#guest = guest;
      if (this.#size) guest.resize(...this.#size);
      const seconds = (performance.now() - since) / 1000;
      this.#set({ is: "running", seconds, resumed: guest.resumed });
      this.#desk.announce(`${this.name} is ready after ${seconds.toFixed(0)} seconds.`);
      // Not before: what is plugged while the guest boots would be in its saved state.
      const restored = whole?.plugged ?? (this.#config.boots.from === "state" ? {} : undefined);
      if (!this.hub.power) await this.hub.connect(guest.controller, restored);
    } catch (error) {
      over = true;
      await this.stop();
      this.#set({ is: "failed" });
      this.#desk.complain(startFailed(error, this.#config.boots.from === "linux" ? undefined : this.name));
    }
  }

  /** Stops the guest; its hub is without power then. */
  async stop(): Promise<void> {
    const guest = this.#guest;
    this.#guest = undefined;
    this.#set({ is: "off" });
    await this.hub.disconnect();
    await guest?.stop();
  }

  /** Stops the guest for good. */
  async close(): Promise<void> {
    await this.stop();
    await this.#desk.removeHub(this.hub);
  }

  /** Rejects when it does not run. */
  async whole(): Promise<KeptWhole> {
    if (!this.#guest) throw new Error("The guest does not run.");
    const { plugged } = this.hub;
    return { state: await this.#guest.saveState(), plugged };
  }

  /** For a snapshot; undefined when it does not run. */
  get snapshot(): SnapshotMachine | undefined {
    if (this.#state.is !== "running") return undefined;
    const { description: machine, hub, name } = this;
    return { name, machine, plugged: hub.plugged, saveState: async () => (await this.whole()).state };
  }

  /** Whether the page's keys go to the machine's own keyboard. */
  takeKeys(taken: boolean): void {
    this.#guest?.takeKeys(taken);
  }

  type(text: string): void {
    this.#guest?.type(text);
  }

  /** The size of the console, in characters. */
  resize(columns: number, rows: number): void {
    this.#size = [columns, rows];
    this.#guest?.resize(columns, rows);
  }

  #set(state: GuestState): void {
    this.#state = state;
    this.#desk.changed();
  }
}
