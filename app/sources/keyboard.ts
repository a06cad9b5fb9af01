/**
 * The person's keyboard as a keyboard of the guest. From "Type here" on the keys are the guest's, until Escape is pressed twice,
 * or the person goes elsewhere with mouse or focus. On a screen that fills the display, keys of the system are the guest's, too.
 */
import type { DeviceOutput, KeyboardLights } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction, FeedPlace } from "./feed.ts";
import { followOutput } from "./follow-output.ts";
import { tell } from "./tell.ts";

/** Two Escapes within this time give the keyboard back to the page. */
const LEAVE_MS = 500;

const LIGHTS: readonly (readonly [keyof KeyboardLights, string])[] = [
  ["numLock", "Num Lock"],
  ["capsLock", "Caps Lock"],
  ["scrollLock", "Scroll Lock"],
  ["compose", "Compose"],
  ["kana", "Kana"],
];

/** Keyboard Lock (WICG): Chromium has it, and it works while the page fills the display. */
interface KeyboardLock {
  lock(): Promise<void>;
  unlock(): void;
}

export class KeyboardFeed implements Feed {
  readonly source = { kind: "keyboard" } as const;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  #port: UsbPort | undefined;
  #place: FeedPlace | undefined;
  #endOutput: (() => void) | undefined;
  #lights: HTMLElement | undefined;
  readonly #down = new Set<string>();
  #lastEscape = -LEAVE_MS;
  /** While the keys are the guest's: gives them back, and what had the focus then. */
  #typing: { readonly end: AbortController; readonly origin: Element | undefined } | undefined;

  get actions(): readonly FeedAction[] {
    const isTyping = this.#typing !== undefined;
    const type = {
      id: "type",
      label: isTyping ? "Esc twice ends" : "Type here",
      title: isTyping
        ? "What you type goes to the guest. Press Escape twice to leave."
        : "Send what you type to the guest.",
      pressed: isTyping,
      run: () => (this.#typing ? this.leaving() : this.#start()),
    };
    const full = {
      id: "full-screen",
      label: "Full screen",
      title: "Type on the guest's screen alone, with the keys of your system. Hold Escape to leave.",
      run: () => this.#fill(),
    };
    return this.#place?.screen?.requestFullscreen ? [type, full] : [type];
  }

  get view(): HTMLElement | undefined {
    return this.#lights;
  }

  plugged(port: UsbPort, place: FeedPlace): void {
    this.#port = port;
    this.leaving();
    this.#place = place;
    this.#endOutput?.();
    this.#endOutput = followOutput(port, (output) => this.#show(output));
    this.onChange?.();
  }

  /** The keys are the page's again. */
  leaving(): void {
    if (!this.#typing) return;
    this.#typing.end.abort();
    this.#typing = undefined;
    this.#down.clear();
    this.#lastEscape = -LEAVE_MS;
    keyboardLock()?.unlock();
    void tell(this.#port, { type: "release-keys" });
    this.#place?.say?.("Your keys go to the page again.");
    this.onChange?.();
  }

  close(): void {
    this.leaving();
    this.#endOutput?.();
    this.#port = undefined;
  }

  #start(): void {
    if (this.#typing) return;
    const end = new AbortController();
    this.#typing = { end, origin: focused() };
    const listening = { capture: true, signal: end.signal };
    addEventListener("keydown", this.#keyDown, listening);
    addEventListener("keyup", this.#keyUp, listening);
    addEventListener("blur", (event) => event.target === window && this.leaving(), listening);
    addEventListener("pointerdown", this.#elsewhere, listening);
    addEventListener("focusin", this.#elsewhere, listening);
    document.addEventListener("fullscreenchange", () => (this.#isFull ? lock() : this.leaving()), listening);
    if (this.#isFull) lock();
    this.#place?.show?.();
    this.#place?.say?.("Your keys go to the guest now. Press Escape twice to leave.");
    this.onChange?.();
  }

  async #fill(): Promise<void> {
    const screen = this.#place?.screen;
    this.#place?.show?.();
    try {
      await screen?.requestFullscreen();
    } catch (cause) {
      throw new Error("The browser does not let this page fill the display. Use “Type here” instead.", { cause });
    }
    this.#start();
  }

  get #isFull(): boolean {
    return this.#place?.screen?.matches(":fullscreen") ?? false;
  }

  #keyDown = (event: KeyboardEvent): void => {
    mine(event);
    if (event.repeat || event.isComposing) return;
    if (event.code === "Escape" && event.timeStamp - this.#lastEscape < LEAVE_MS) {
      this.leaving();
      return;
    }
    this.#lastEscape = event.code === "Escape" ? event.timeStamp : -LEAVE_MS;
    this.#down.add(event.code);
    void tell(this.#port, { type: "key", code: event.code, pressed: true });
  };

  #keyUp = (event: KeyboardEvent): void => {
    mine(event);
    // The Enter that pressed the button comes up here, too.
    if (this.#down.delete(event.code)) void tell(this.#port, { type: "key", code: event.code, pressed: false });
  };

  /** Mouse or focus is neither at the button nor at the guest's screen any more. */
  #elsewhere = (event: Event): void => {
    const path = event.composedPath();
    const screen = this.#place?.screen;
    const around = screen?.parentElement ?? undefined;
    if ([this.#typing?.origin, screen, around].some((place) => place && path.includes(place))) return;
    this.leaving();
  };

  #show(output: DeviceOutput): void {
    if (output.type !== "lights") return;
    const names = LIGHTS.filter(([light]) => output[light] === true).map(([, name]) => name);
    if (names.length > 0) {
      this.#lights ??= document.createElement("span");
      this.#lights.textContent = `Lit: ${names.join(", ")}`;
    } else {
      this.#lights = undefined;
    }
    this.onChange?.();
  }
}

/** Neither the page nor an emulator's own keyboard gets it. */
function mine(event: Event): void {
  event.preventDefault();
  event.stopImmediatePropagation();
}

function focused(): Element | undefined {
  let element = document.activeElement ?? undefined;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element === document.body ? undefined : element;
}

/** All keys, those of the system and Escape among them. */
function lock(): void {
  void keyboardLock()
    ?.lock()
    .catch(() => undefined);
}

function keyboardLock(): KeyboardLock | undefined {
  return (navigator as Navigator & { readonly keyboard?: KeyboardLock }).keyboard;
}
