import { expect, test } from "vitest";
import { stateOf } from "../../../app/sources/gamepad.ts";

/** A gamepad with these buttons down; [index, value] for a trigger. */
function pad(down: readonly (number | readonly [number, number])[], axes: number[] = [], mapping = "standard") {
  const buttons = Array.from({ length: 17 }, () => ({ pressed: false, touched: false, value: 0 }));
  for (const each of down) {
    const [index, value] = typeof each === "number" ? [each, 1] : each;
    buttons[index] = { pressed: value > 0.5, touched: true, value };
  }
  return { mapping: mapping as GamepadMappingType, buttons, axes };
}

test("buttons of the standard mapping have the numbers that Linux knows them by", () => {
  // BTN_SOUTH is button 0 there, and so on (linux/input-event-codes.h, less 0x130).
  const numbers = { south: 0, east: 1, west: 4, north: 3, tl: 6, tr: 7, tl2: 8, tr2: 9, select: 10, start: 11 };
  for (const [index, number] of Object.values(numbers).entries())
    expect(stateOf(pad([index])).buttons).toBe(1 << number);
  expect([10, 11, 16].map((index) => stateOf(pad([index])).buttons)).toEqual([1 << 13, 1 << 14, 1 << 12]);
});

test("the four buttons of the cross are a hat", () => {
  const [up, down, left, right] = [12, 13, 14, 15] as const;
  const hat = (...buttons: number[]) => stateOf(pad(buttons)).hat;
  expect([hat(up), hat(up, right), hat(right), hat(right, down)]).toEqual([1, 2, 3, 4]);
  expect([hat(down), hat(down, left), hat(left), hat(left, up)]).toEqual([5, 6, 7, 8]);
  expect([hat(), hat(up, down), hat(left, right)]).toEqual([0, 0, 0]);
});

test("sticks and triggers go as far as they do", () => {
  expect(
    stateOf(
      pad(
        [
          [6, 0.5],
          [7, 1],
        ],
        [1, -1, 0.5, -2],
      ),
    ).axes,
  ).toEqual([32767, -32767, 16384, -32767, 16384, 32767]);
  expect(stateOf(pad([])).axes).toEqual([0, 0, 0, 0, 0, 0]);
});

test("of another gamepad buttons and axes are as they come", () => {
  expect(stateOf(pad([0, 15, 16], [0, 1, 0, 0, 0, -1, 1], ""))).toEqual({
    type: "gamepad",
    buttons: 0x8001,
    hat: 0,
    axes: [0, 32767, 0, 0, 0, -32767],
  });
});
