/** What a person has in hand: keyboard, mouse, tablet, gamepad. */
import { GamepadFeed } from "../sources/gamepad.ts";
import { KeyboardFeed } from "../sources/keyboard.ts";
import { MouseFeed } from "../sources/mouse.ts";
import { TabletFeed } from "../sources/tablet.ts";
import type { Card } from "./card.ts";

type Input = Pick<Card, "glyph" | "name" | "detail" | "open"> & {
  readonly id: "keyboard" | "mouse" | "tablet" | "gamepad";
};

function inputCard(input: Input): Card {
  const { id, name } = input;
  return { ...input, group: "input", short: name, single: false, ids: { name }, names: [id] };
}

export const INPUT: readonly Card[] = [
  inputCard({
    id: "keyboard",
    glyph: "keyboard",
    name: "Keyboard",
    detail: "types into the guest's screen",
    open: () => new KeyboardFeed(),
  }),
  inputCard({
    id: "mouse",
    glyph: "mouse",
    name: "Mouse",
    detail: "yours, while the guest has it; Escape gives it back",
    open: () => new MouseFeed(),
  }),
  inputCard({
    id: "tablet",
    glyph: "tablet",
    name: "Tablet",
    detail: "your pointer, where it is over the guest's screen",
    open: () => new TabletFeed(),
  }),
  inputCard({
    id: "gamepad",
    glyph: "gamepad",
    name: "Gamepad",
    detail: "one of this computer's",
    open: () => new GamepadFeed(),
  }),
];
