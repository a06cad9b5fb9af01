/** One guest of the page: its state, its console and screen, its hub. */
import type { Desk } from "../hub/desk.ts";
import type { Hub } from "../hub/hub.ts";
import { startFailed } from "../hub/words.ts";
import type { PageGuest, StartProgress } from "./guest.ts";

/** Ports of a guest's hub. */
const PORTS = 8;

export type GuestState =
  | { readonly is: "off" }
  | ({ readonly is: "starting"; readonly since: number } & StartProgress)
  | { readonly is: "running"; readonly seconds: number; readonly resumed: boolean }
  | { readonly is: "failed" };

export class Machine {
  /** Counts from 1 over all machines that the page ever had. */
  readonly id: number;
  readonly name: string;
  readonly hub: Hub;
  readonly #desk: Desk;
  #guest: PageGuest | undefined;
  #state: GuestState = { is: "off" };
  #size: [columns: number, rows: number] | undefined;
  /** Where the guest's console goes. */
  onConsole: ((bytes: Uint8Array) => void) | undefined;

  constructor(desk: Desk, id: number, name: string) {
    this.#desk = desk;
    this.id = id;
    this.name = name;
    this.hub = desk.addHub(name, PORTS);
  }

  get state(): GuestState {
    return this.#state;
  }

  /** Where v86 draws the guest's screen. */
  set screen(screen: HTMLElement) {
    this.hub.screen = screen;
  }

  async start(): Promise<void> {
    if (this.#state.is === "starting") return;
    await this.stop();
    const since = performance.now();
    // A start that failed may still have files on their way.
    let over = false;
    const progress = (step: StartProgress) => {
      if (!over) this.#become({ is: "starting", since, ...step });
    };
    progress({ stage: "Starting", fraction: 0 });
    try {
      const host = await this.#desk.host();
      const { startGuest } = await import("./guest.ts");
      if (!this.hub.screen) throw new Error("The page has no place for the guest's screen.");
      const guest = await startGuest(host, {
        ports: PORTS,
        screen: this.hub.screen,
        onProgress: progress,
        onConsole: (bytes) => this.onConsole?.(bytes),
      });
      over = true;
      this.#guest = guest;
      if (this.#size) guest.resize(...this.#size);
      const seconds = (performance.now() - since) / 1000;
      this.#become({ is: "running", seconds, resumed: guest.resumed });
      this.#desk.announce(`${this.name} is ready after ${seconds.toFixed(0)} seconds.`);
      // Not before: what is plugged while the guest boots would be in its saved state.
      await this.hub.connect(guest.controller);
    } catch (error) {
      over = true;
      await this.stop();
      this.#become({ is: "failed" });
      this.#desk.complain(startFailed(error));
    }
  }

  /** Stops the guest; its hub is without power then. */
  async stop(): Promise<void> {
    const guest = this.#guest;
    this.#guest = undefined;
    this.#become({ is: "off" });
    await this.hub.disconnect();
    await guest?.stop();
  }

  /** Stops the guest for good. */
  async close(): Promise<void> {
    await this.stop();
    await this.#desk.removeHub(this.hub);
  }

  type(text: string): void {
    this.#guest?.type(text);
  }

  /** The size of the console, in characters. */
  resize(columns: number, rows: number): void {
    this.#size = [columns, rows];
    this.#guest?.resize(columns, rows);
  }

  #become(state: GuestState): void {
    this.#state = state;
    this.#desk.changed();
  }
}
