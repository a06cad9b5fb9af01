/**
 * The person's mouse as a mouse of the guest: the browser locks the pointer to the guest's screen, and Escape releases it
 * (Pointer Lock 2.0).
 */
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction, FeedPlace } from "./feed.ts";
import { keep, Movement, notches, Steps } from "./pointing.ts";
import { nameOf } from "./refused.ts";
import { tell } from "./tell.ts";

export class MouseFeed implements Feed {
  readonly source = { kind: "mouse" } as const;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  #place: FeedPlace | undefined;
  /** Ends what is listened to while the device is in its port. */
  #watched: AbortController | undefined;
  /** While the pointer is locked: ends what is listened to. */
  #locked: AbortController | undefined;
  readonly #x = new Steps();
  readonly #y = new Steps();
  readonly #wheel = new Steps();
  readonly #pan = new Steps();
  readonly #movement = new Movement(() => {
    const moved = { x: this.#x.take(), y: this.#y.take(), wheel: this.#wheel.take(), pan: this.#pan.take() };
    return Object.values(moved).some((value) => value !== 0) ? { type: "mouse", ...moved } : undefined;
  });

  get actions(): readonly FeedAction[] {
    const isLocked = this.#locked !== undefined;
    return [
      {
        id: "lock",
        label: isLocked ? "Esc ends" : "Use mouse",
        title: isLocked
          ? "Your mouse moves the guest's pointer. Press Escape to leave."
          : "Give your mouse to the guest. A click on its screen does that, too.",
        pressed: isLocked,
        run: () => (this.#locked ? this.leaving() : this.#lock()),
      },
    ];
  }

  plugged(port: UsbPort, place: FeedPlace): void {
    this.#movement.port = port;
    this.leaving();
    this.#watched?.abort();
    this.#place = place;
    this.#watched = new AbortController();
    const { signal } = this.#watched;
    document.addEventListener("pointerlockchange", this.#lockChanged, { signal });
    place.screen?.addEventListener("pointerdown", this.#clicked, { signal });
    this.onChange?.();
  }

  leaving(): void {
    if (this.#locked) document.exitPointerLock();
    this.#release();
  }

  close(): void {
    this.leaving();
    this.#watched?.abort();
    this.#watched = undefined;
    this.#movement.port = undefined;
  }

  /** Where the pointer is kept: the screen, or without one the page. */
  get #target(): HTMLElement {
    return this.#place?.screen ?? document.documentElement;
  }

  /** A tablet that has the screen already keeps it. */
  #clicked = (event: PointerEvent): void => {
    if (this.#locked || event.defaultPrevented || event.pointerType !== "mouse") return;
    void this.#lock().catch(() => undefined);
  };

  async #lock(): Promise<void> {
    const target = this.#target;
    this.#place?.show?.();
    try {
      // As the mouse says it, without the system's acceleration: the guest has one of its own.
      await target.requestPointerLock({ unadjustedMovement: true });
    } catch (error) {
      try {
        if (nameOf(error) !== "NotSupportedError") throw error;
        await target.requestPointerLock();
      } catch (cause) {
        throw new Error("The browser keeps the mouse to itself just now. Wait a second and try again.", { cause });
      }
    }
  }

  #lockChanged = (): void => {
    const target = this.#target;
    const holder = (target.getRootNode() as Document | ShadowRoot).pointerLockElement;
    if (holder !== target) this.#release();
    else if (!this.#locked) this.#take(target);
  };

  #take(target: HTMLElement): void {
    this.#locked = new AbortController();
    const { signal } = this.#locked;
    target.addEventListener("mousemove", this.#moved, { capture: true, signal });
    target.addEventListener("mousedown", this.#pressed, { capture: true, signal });
    target.addEventListener("mouseup", this.#pressed, { capture: true, signal });
    target.addEventListener("wheel", this.#turned, { capture: true, passive: false, signal });
    target.addEventListener("contextmenu", keep, { capture: true, signal });
    this.#place?.say?.("Your mouse is the guest's now. Press Escape to leave.");
    this.onChange?.();
  }

  #release(): void {
    if (!this.#locked) return;
    this.#locked.abort();
    this.#locked = undefined;
    for (const steps of [this.#x, this.#y, this.#wheel, this.#pan]) steps.clear();
    void tell(this.#movement.port, { type: "mouse", buttons: 0 });
    this.#place?.say?.("Your mouse is the page's again.");
    this.onChange?.();
  }

  #moved = (event: MouseEvent): void => {
    keep(event);
    this.#x.add(event.movementX);
    this.#y.add(event.movementY);
    void this.#movement.moved();
  };

  /** At once, behind what has moved before it. */
  #pressed = (event: MouseEvent): void => {
    keep(event);
    void tell(this.#movement.port, { type: "mouse", x: this.#x.take(), y: this.#y.take(), buttons: event.buttons });
  };

  #turned = (event: WheelEvent): void => {
    keep(event);
    const { wheel, pan } = notches(event);
    this.#wheel.add(wheel);
    this.#pan.add(pan);
    void this.#movement.moved();
  };
}
