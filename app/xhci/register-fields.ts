/** What a register's value says, for traces: the names of registers.ts are the specification's, so they are its table. */
import * as REGISTERS from "./registers.ts";
import { CONFIG_MAX_SLOTS_EN, PORTSC_PLS, PORTSC_PLS_SHIFT, PORTSC_SPEED, PORTSC_SPEED_SHIFT } from "./registers.ts";

/** Names of single bits by register, lowest first: of `USBCMD_RS` the register is USBCMD and the bit RS. */
const BITS = new Map<string, readonly (readonly [name: string, mask: number])[]>();
/** Port link states by number (xHCI 1.2 table 5-27). */
const LINK_STATES = new Map<number, string>();

for (const [key, value] of Object.entries(REGISTERS)) {
  const [, register = "", name = ""] = /^([A-Z]+)_([A-Z0-9]+)$/.exec(key) ?? [];
  if (/^PLS_/.test(key)) LINK_STATES.set(value, key.slice("PLS_".length));
  else if (register in REGISTERS && isSingleBit(value)) {
    BITS.set(register, [...(BITS.get(register) ?? []), [name, value] as const]);
  }
}

function isSingleBit(value: number): boolean {
  const bits = value >>> 0;
  return bits !== 0 && (bits & (bits - 1)) === 0;
}

/** `name` is a register's, as in the register table; a port's ends in the port's number. */
export function registerFields(name: string, value: number): string {
  const register = name.replace(/\d+$/, "");
  const fields = (BITS.get(register) ?? []).flatMap(([bit, mask]) => (value & mask ? [bit] : []));
  if (register === "PORTSC") {
    const state = (value & PORTSC_PLS) >>> PORTSC_PLS_SHIFT;
    fields.push(`PLS=${LINK_STATES.get(state) ?? state}`, `SPEED=${(value & PORTSC_SPEED) >>> PORTSC_SPEED_SHIFT}`);
  }
  if (register === "CONFIG") fields.push(`MAX_SLOTS_EN=${value & CONFIG_MAX_SLOTS_EN}`);
  return fields.join(" ");
}

/** What is written to a doorbell (xHCI 1.2 §5.6): the target, and a stream or a task. */
export function doorbellFields(slotId: number, value: number): string {
  const target = value & 0xff;
  const stream = value >>> 16;
  if (slotId === 0) return target === 0 ? "command ring" : `target ${target}`;
  return `endpoint ${target}${stream ? ` stream ${stream}` : ""}`;
}
