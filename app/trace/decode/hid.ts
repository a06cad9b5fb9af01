/** HID class requests, and the reports of a boot keyboard and a boot mouse (HID 1.11 §7.2, appendix B). */
import { bits, count, hexBytes, i8, u8 } from "./bytes.ts";
import { type Description, field, named, type Role, type Setup, say, type Transfer } from "./description.ts";

const GET_REPORT = 0x01;
const GET_IDLE = 0x02;
const GET_PROTOCOL = 0x03;
const SET_REPORT = 0x09;
const SET_IDLE = 0x0a;
const SET_PROTOCOL = 0x0b;

const REPORT_TYPES: Readonly<Record<number, string>> = { 1: "Input", 2: "Output", 3: "Feature" };
const SUBCLASS_BOOT = 1;
const PROTOCOL_KEYBOARD = 1;
const PROTOCOL_MOUSE = 2;
const KEYBOARD_REPORT = 8;
const MOUSE_REPORT = 3;

const LEDS = ["Num Lock", "Caps Lock", "Scroll Lock", "Compose", "Kana"];
const MODIFIERS = ["Ctrl", "Shift", "Alt", "Meta", "right Ctrl", "right Shift", "right Alt", "right Meta"];
const BUTTONS = ["left", "right", "middle"];

/** Of the keyboard page (HID Usage Tables 1.12 §10), consecutive usages from 0x04 on, as on a US keyboard. */
const KEYS: readonly string[] = [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890",
  ...["Enter", "Escape", "Backspace", "Tab", "Space"],
  ...["-", "=", "[", "]", "\\", "#", ";", "'", "`", ",", ".", "/", "Caps Lock"],
  ...Array.from({ length: 12 }, (_, index) => `F${index + 1}`),
  ...["Print Screen", "Scroll Lock", "Pause", "Insert", "Home", "Page Up", "Delete", "End", "Page Down"],
  ...["Right", "Left", "Down", "Up", "Num Lock"],
];
const FIRST_KEY = 0x04;
const ROLL_OVER = 0x01;

export function describeHidRequest(setup: Setup, { data, role }: Transfer): Description {
  const { request, value } = setup;
  const report = `${named(REPORT_TYPES, value >>> 8, "type")}${value & 0xff ? ` ${value & 0xff}` : ""}`;
  switch (request) {
    case GET_REPORT:
      return say(`GET_REPORT ${report} → ${count(data.length, "byte")}: ${hexBytes(data)}`);
    case SET_REPORT: {
      const isLeds = isBoot(role, PROTOCOL_KEYBOARD) && value >>> 8 === 2 && data.length === 1;
      const words = isLeds ? `LEDs ${bits(u8(data, 0), LEDS).join(", ") || "off"}` : hexBytes(data);
      return say(`SET_REPORT ${report}: ${words}`);
    }
    case GET_IDLE:
      return say(`GET_IDLE → ${idle(u8(data, 0))}`);
    case SET_IDLE:
      return say(`SET_IDLE ${idle(value >>> 8)}`);
    case GET_PROTOCOL:
      return say(`GET_PROTOCOL → ${u8(data, 0) === 0 ? "boot" : "report"}`);
    case SET_PROTOCOL:
      return say(`SET_PROTOCOL ${value === 0 ? "boot" : "report"}`);
    default:
      return say(`HID request 0x${request.toString(16)}: ${hexBytes(data)}`);
  }
}

/** In units of 4 ms (HID 1.11 §7.2.4). */
function idle(rate: number): string {
  return rate === 0 ? "only on change" : `every ${rate * 4} ms`;
}

export function describeReport({ data, role }: Transfer): Description {
  if (isBoot(role, PROTOCOL_KEYBOARD) && data.length === KEYBOARD_REPORT) return keys(data);
  if (isBoot(role, PROTOCOL_MOUSE) && data.length >= MOUSE_REPORT) {
    const buttons = bits(u8(data, 0), BUTTONS, 8);
    const wheel = data.length > 3 && i8(data, 3) !== 0 ? `, wheel ${i8(data, 3)}` : "";
    return say(
      `mouse: ${buttons.join(", ") || "no button"}, moved ${i8(data, 1)}, ${i8(data, 2)}${wheel}`,
      field("buttons", buttons.join(", ") || "none"),
      field("X, Y", `${i8(data, 1)}, ${i8(data, 2)}`),
    );
  }
  return say(`report, ${count(data.length, "byte")}: ${hexBytes(data)}`);
}

/** HID 1.11 appendix B.1: modifiers, a reserved byte, six keys. */
function keys(data: Uint8Array): Description {
  const modifiers = bits(u8(data, 0), MODIFIERS);
  const pressed = [...data.subarray(2)].filter((usage) => usage !== 0).map(keyName);
  const words = [...modifiers, ...pressed].join(" + ");
  return say(
    `keyboard: ${words || "no key"}`,
    field("modifiers", modifiers.join(", ") || "none"),
    field("keys", pressed.join(", ") || "none"),
  );
}

function keyName(usage: number): string {
  if (usage === ROLL_OVER) return "too many keys";
  return KEYS[usage - FIRST_KEY] ?? `key 0x${usage.toString(16).padStart(2, "0")}`;
}

function isBoot(role: Role | undefined, protocol: number): boolean {
  return role?.subclass === SUBCLASS_BOOT && role.protocol === protocol;
}
