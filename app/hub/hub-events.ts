/** What a page hears of its <pvusb-hub>: events that bubble, told by what has changed in the hub. */
import type { PlugReport } from "../index.ts";
import type { Hub } from "./hub.ts";
import type { Said } from "./said.ts";
import type { Words } from "./words.ts";

/** Of pvusb-plug and pvusb-unplug. */
export interface PortDetail {
  /** "3", or "3.2" for port 2 of the hub in port 3. */
  readonly path: string;
  /** What the device is called. */
  readonly name: string;
}

export interface NoticeDetail {
  readonly text: string;
  /** Something did not work, and the element says what to do. */
  readonly problem: boolean;
}

export type PvusbPortEvent = CustomEvent<PortDetail>;
export type PvusbNoticeEvent = CustomEvent<NoticeDetail>;

export class HubEvents {
  readonly #element: HTMLElement;
  #plugged = new Map<string, { readonly report: PlugReport; readonly name: string }>();
  #announcement = "";
  #problems: readonly Words[] = [];

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** Tells what is another than at the last look; of what is said only if `said` is given. */
  look(hub: Hub, said: Said | undefined): void {
    const before = this.#plugged;
    this.#plugged = new Map();
    for (const { path, name } of hub.views) {
      const report = hub.controller?.find(path)?.plugged;
      const known = before.get(path);
      // While it moves away, its card has gone ahead.
      if (report) this.#plugged.set(path, known?.report === report ? known : { report, name });
    }
    for (const [path, { report, name }] of before) {
      if (this.#plugged.get(path)?.report !== report) this.#tell("pvusb-unplug", { path, name });
    }
    for (const [path, { report, name }] of this.#plugged) {
      if (before.get(path)?.report !== report) this.#tell("pvusb-plug", { path, name });
    }
    if (said) this.#listen(said);
  }

  #listen({ announcement, problems }: Said): void {
    const known = this.#problems;
    this.#problems = problems;
    for (const { title, text } of problems.filter((each) => !known.includes(each)))
      this.#tell("pvusb-notice", { text: `${title}. ${text}`, problem: true });
    if (announcement === this.#announcement) return;
    this.#announcement = announcement;
    if (announcement) this.#tell("pvusb-notice", { text: announcement, problem: false });
  }

  #tell(type: string, detail: PortDetail | NoticeDetail): void {
    this.#element.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, detail }));
  }
}
