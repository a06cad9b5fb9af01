/** The pointer over the guest's screen as a tablet of the guest: where it is there, it is here. Nothing is locked. */
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction, FeedPlace } from "./feed.ts";
import { keep, Movement, notches, Steps } from "./pointing.ts";
import { tell } from "./tell.ts";

const POSITION_MAX = 0x7fff;

export class TabletFeed implements Feed {
  readonly source = { kind: "tablet" } as const;
  readonly actions: readonly FeedAction[] = [];
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  #screen: HTMLElement | undefined;
  #watched: AbortController | undefined;
  /** Where the pointer is now, if the guest was not told yet. */
  #position: { readonly x: number; readonly y: number } | undefined;
  readonly #wheel = new Steps();
  readonly #pan = new Steps();
  readonly #movement = new Movement(() => {
    const position = this.#position;
    const turned = { wheel: this.#wheel.take(), pan: this.#pan.take() };
    this.#position = undefined;
    return position || turned.wheel || turned.pan ? { type: "tablet", ...position, ...turned } : undefined;
  });

  plugged(port: UsbPort, { screen }: FeedPlace): void {
    this.close();
    this.#movement.port = port;
    this.#screen = screen;
    if (!screen) return;
    this.#watched = new AbortController();
    const { signal } = this.#watched;
    const capture = { capture: true, signal };
    screen.addEventListener("pointermove", this.#moved, capture);
    screen.addEventListener("pointerdown", this.#pressed, capture);
    screen.addEventListener("pointerup", this.#pressed, capture);
    screen.addEventListener("pointercancel", this.#cancelled, capture);
    screen.addEventListener("wheel", this.#turned, { ...capture, passive: false });
    // An emulator's own mouse would move the guest's pointer as well.
    for (const type of ["mousemove", "mousedown", "mouseup", "contextmenu"])
      screen.addEventListener(type, keep, capture);
  }

  close(): void {
    this.#watched?.abort();
    this.#watched = undefined;
    this.#movement.port = undefined;
  }

  #moved = (event: PointerEvent): void => {
    this.#position = this.#placeOf(event);
    // A further button that goes down or up is a movement to the browser (Pointer Events §4.1.1.1).
    if (event.button >= 0) this.#press(event);
    else void this.#movement.moved();
  };

  #pressed = (event: PointerEvent): void => {
    // Nobody else's: see MouseFeed.
    event.preventDefault();
    // Outside of the screen it is still this press.
    if (event.type === "pointerdown") this.#screen?.setPointerCapture(event.pointerId);
    this.#position = this.#placeOf(event);
    this.#press(event);
  };

  #cancelled = (): void => {
    void tell(this.#movement.port, { type: "tablet", buttons: 0 });
  };

  #turned = (event: WheelEvent): void => {
    keep(event);
    const { wheel, pan } = notches(event);
    this.#wheel.add(wheel);
    this.#pan.add(pan);
    void this.#movement.moved();
  };

  #press({ buttons }: PointerEvent): void {
    const position = this.#position;
    this.#position = undefined;
    void tell(this.#movement.port, { type: "tablet", ...position, buttons });
  }

  #placeOf({ clientX, clientY }: PointerEvent): { readonly x: number; readonly y: number } {
    const { left, top, width, height } = pictureOf(this.#screen).getBoundingClientRect();
    const place = (at: number, size: number) =>
      size > 0 ? Math.round(Math.max(0, Math.min(1, at / size)) * POSITION_MAX) : 0;
    return { x: place(clientX - left, width), y: place(clientY - top, height) };
  }
}

/** What the guest draws, inside of what is around it: its canvas, if that is shown. */
function pictureOf(screen: HTMLElement | undefined): Element {
  const canvas = [...(screen?.querySelectorAll("canvas") ?? [])].find((each) => each.getClientRects().length > 0);
  return canvas ?? screen ?? document.documentElement;
}
