/**
 * A gamepad of the computer as one of the guest (Gamepad API): the first that no other feed has. Browsers show none before one of
 * its buttons was pressed, so it may come, go and come again while the device is plugged.
 */
import type { DeviceInput } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction, FeedPlace } from "./feed.ts";
import { tell } from "./tell.ts";

type State = Extract<DeviceInput, { type: "gamepad" }>;

const AXIS_MAX = 0x7fff;
const BUTTONS_MAX = 16;
const REST: State = { type: "gamepad", buttons: 0, hat: 0, axes: [0, 0, 0, 0, 0, 0] };

/**
 * Buttons of the standard mapping, to the numbers by which Linux and Windows know them: south, east, north and west, the
 * shoulders, the triggers, select, start, the centre, the sticks. The four in between are the hat.
 */
const STANDARD_BUTTONS: readonly (readonly [index: number, button: number])[] = [
  ...([
    [0, 0],
    [1, 1],
    [2, 4],
    [3, 3],
    [4, 6],
    [5, 7],
    [6, 8],
    [7, 9],
  ] as const),
  ...([
    [8, 10],
    [9, 11],
    [10, 13],
    [11, 14],
    [16, 12],
  ] as const),
];
const [UP, DOWN, LEFT, RIGHT] = [12, 13, 14, 15] as const;
const [LEFT_TRIGGER, RIGHT_TRIGGER] = [6, 7] as const;
/** By down - up and right - left, each from -1. */
const HATS: readonly (readonly number[])[] = [
  [8, 1, 2],
  [7, 0, 3],
  [6, 5, 4],
];

/** Indexes of gamepads that are in use. */
const used = new Set<number>();

export class GamepadFeed implements Feed {
  readonly source = { kind: "gamepad" } as const;
  readonly actions: readonly FeedAction[] = [];
  readonly view: HTMLElement;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  #port: UsbPort | undefined;
  #index: number | undefined;
  #frame: number | undefined;
  #told = JSON.stringify(REST);
  #busy = false;

  /** Throws, with a sentence, in a browser without gamepads. */
  constructor() {
    if (!navigator.getGamepads) {
      throw new Error("This browser gives pages no gamepads here. Use a current Chrome, Edge, Firefox or Safari.");
    }
    this.view = document.createElement("span");
    this.#say();
  }

  plugged(port: UsbPort, _: FeedPlace): void {
    this.#port = port;
    // What the device in the port knows of before is not sure.
    this.#told = "";
    this.#frame ??= requestAnimationFrame(this.#look);
    document.addEventListener("visibilitychange", this.#hidden);
  }

  /** Frames no longer come. */
  close(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    document.removeEventListener("visibilitychange", this.#hidden);
    this.#use(undefined);
    this.#port = undefined;
  }

  #look = (): void => {
    this.#frame = requestAnimationFrame(this.#look);
    const pads = navigator.getGamepads();
    const isThere = (index: number) => pads[index]?.connected === true;
    if (this.#index !== undefined && !isThere(this.#index)) this.#use(undefined);
    if (this.#index === undefined) this.#use(pads.findIndex((pad, index) => pad?.connected && !used.has(index)));
    const pad = this.#index === undefined ? undefined : pads[this.#index];
    void this.#tell(pad ? stateOf(pad) : REST);
  };

  /** A tab that nobody sees has no frames, and what was held would be held for ever. */
  #hidden = (): void => {
    if (document.hidden) void this.#tell(REST);
  };

  async #tell(state: State): Promise<void> {
    const told = JSON.stringify(state);
    if (told === this.#told || this.#busy) return;
    this.#told = told;
    this.#busy = true;
    await tell(this.#port, state);
    this.#busy = false;
  }

  #use(index: number | undefined): void {
    const next = index === -1 ? undefined : index;
    if (next === this.#index) return;
    if (this.#index !== undefined) used.delete(this.#index);
    if (next !== undefined) used.add(next);
    this.#index = next;
    this.#say();
  }

  #say(): void {
    const pad = this.#index === undefined ? undefined : navigator.getGamepads()[this.#index];
    this.view.textContent = pad ? pad.id : "Press a button of your gamepad: browsers show it only then.";
    this.onChange?.();
  }
}

export function stateOf({ mapping, buttons, axes }: Pick<Gamepad, "mapping" | "buttons" | "axes">): State {
  const isDown = (index: number): boolean => buttons[index]?.pressed === true;
  const stick = (index: number): number => Math.round(Math.max(-1, Math.min(1, axes[index] ?? 0)) * AXIS_MAX);
  if (mapping !== "standard") {
    const plain = Array.from({ length: Math.min(BUTTONS_MAX, buttons.length) }, (_, index) => [index, index] as const);
    return { type: "gamepad", buttons: bits(plain, isDown), hat: 0, axes: [0, 1, 2, 3, 4, 5].map(stick) };
  }
  const trigger = (index: number): number =>
    Math.round(Math.max(0, Math.min(1, buttons[index]?.value ?? 0)) * AXIS_MAX);
  const down = Number(isDown(DOWN)) - Number(isDown(UP));
  const right = Number(isDown(RIGHT)) - Number(isDown(LEFT));
  return {
    type: "gamepad",
    buttons: bits(STANDARD_BUTTONS, isDown),
    hat: HATS[down + 1]?.[right + 1] ?? 0,
    axes: [...[0, 1, 2, 3].map(stick), trigger(LEFT_TRIGGER), trigger(RIGHT_TRIGGER)],
  };
}

function bits(map: readonly (readonly [number, number])[], isDown: (index: number) => boolean): number {
  return map.reduce((all, [index, button]) => all | (isDown(index) ? 1 << button : 0), 0);
}
