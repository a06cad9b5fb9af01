/**
 * A hotplug rule as a line of text, in the form of 2009: `DEVICE:GUEST:CONTROLLER:PORT`. It is read from the right, so DEVICE
 * may have colons in it.
 *
 *   1d50:6018:1:0:3            every such device goes to guest 1, its first controller, port 3
 *   1d50:6018/7BB180B4:1:0:4   but the one with this serial number to port 4
 *   1-2.3:windows:0:3.2        what is plugged there in the computer: to the guest `windows`, port 2 of the hub in port 3
 *
 * In front of a `#` or a space that begins DEVICE there is a backslash, and in front of every backslash; `\n` and `\r` are
 * line ends.
 */
import { formatPlace, parsePlace } from "../place.ts";
import { normalName } from "./device-name.ts";

export interface Rule {
  /** As device-name.ts has it. */
  readonly device: string;
  /** `guest:controller:port`. */
  readonly place: string;
}

/** What is no rule. `sentences` has one for each mistake. */
export class RuleError extends Error {
  override readonly name = "RuleError";
  readonly sentences: readonly string[];

  constructor(sentences: readonly string[]) {
    super(sentences.join("\n"));
    this.sentences = sentences;
  }
}

const LINE = /^(.+):([^:]*):([^:]*):([^:]*)$/s;
const SHOWN_MAX = 80;

/** A rule in its one spelling. Throws a RuleError. */
export function makeRule(device: string, place: string): Rule {
  if (device === "") throw new RuleError(["A rule needs a device, such as 1d50:6018, 1d50:6018/SERIAL or a name."]);
  const [guest = "", controller = "", port, ...more] = place.split(":");
  if (port === undefined || more.length > 0) {
    throw new RuleError([`${shown(place)} is no place: write GUEST:CONTROLLER:PORT, such as 1:0:3.`]);
  }
  const wrong = wrongPart(guest, controller, port);
  if (wrong) throw new RuleError([`${shown(place)} is no place: ${wrong.sentence}`]);
  return ruleOf(device, place);
}

/** Reads a line that is a rule. Throws a RuleError. */
export function parseRule(line: string): Rule {
  const plain = line.trim().replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
  const [, device, guest = "", controller = "", port = ""] = LINE.exec(plain) ?? [];
  if (device === undefined) {
    throw new RuleError([`${shown(line)} is no rule: write DEVICE:GUEST:CONTROLLER:PORT, such as 1d50:6018:1:0:3.`]);
  }
  const wrong = wrongPart(guest, controller, port);
  if (wrong) throw new RuleError([`${shown(line)} is no rule: ${wrong.sentence}`]);
  return ruleOf(device, `${guest}:${controller}:${port}`);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r" };

/** A line that parseRule() reads as the same rule. */
export function formatRule({ device, place }: Rule): string {
  return `${device}:${place}`
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replace(/^[#\s]/, "\\$&");
}

function ruleOf(device: string, text: string): Rule {
  const { guest, controller, path } = parsePlace(text) ?? { guest: "", controller: 0, path: "" };
  const number = /^\d+$/.test(guest) ? String(Number(guest)) : guest;
  return { device: normalName(device), place: formatPlace({ guest: number, controller, path }) };
}

export type RulePart = "device" | "guest" | "controller" | "port";

/** The first part that is wrong, and what is expected instead. */
export function wrongPart(
  guest: string,
  controller: string,
  port: string,
): { readonly part: RulePart; readonly sentence: string } | undefined {
  const wrong = (part: RulePart, sentence: string) => ({ part, sentence });
  if (guest === "" || guest.includes(":") || /^0+$/.test(guest))
    return wrong("guest", "GUEST is a number from 1, or the guest's name.");
  if (!/^\d+$/.test(controller)) return wrong("controller", "CONTROLLER is a number and counts from 0.");
  if (!parsePlace(`${guest}:${controller}:1`)) return wrong("controller", "CONTROLLER is a number up to 999.");
  if (!parsePlace(`1:0:${port}`))
    return wrong("port", "PORT is a number from 1 to 99, or 3.2 for port 2 of the hub in port 3.");
  return undefined;
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return `"${line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}…` : line}"`;
}
