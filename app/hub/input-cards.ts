/** What a person has in hand: keyboard, mouse, tablet, gamepad. */
import { GamepadFeed } from "../sources/gamepad.ts";
import { KeyboardFeed } from "../sources/keyboard.ts";
import { MouseFeed } from "../sources/mouse.ts";
import { TabletFeed } from "../sources/tablet.ts";
import { type Card, softwareCard } from "./card.ts";

export const INPUT: readonly Card[] = [
  softwareCard({
    id: "keyboard",
    group: "input",
    glyph: "keyboard",
    name: "Keyboard",
    detail: "types into the guest's screen",
    open: () => new KeyboardFeed(),
  }),
  softwareCard({
    id: "mouse",
    group: "input",
    glyph: "mouse",
    name: "Mouse",
    detail: "yours, while the guest has it; Escape gives it back",
    open: () => new MouseFeed(),
  }),
  softwareCard({
    id: "tablet",
    group: "input",
    glyph: "tablet",
    name: "Tablet",
    detail: "your pointer, where it is over the guest's screen",
    open: () => new TabletFeed(),
  }),
  softwareCard({
    id: "gamepad",
    group: "input",
    glyph: "gamepad",
    name: "Gamepad",
    detail: "one of this computer's",
    open: () => new GamepadFeed(),
  }),
];
