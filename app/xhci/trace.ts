/** What a trace tells of an xHC's registers and TRBs. Allocates. */
import { now } from "../trace/clock.ts";
import type { TraceListeners } from "../trace/trace.ts";
import { doorbellFields, registerFields } from "./register-fields.ts";
import type { RegisterFile } from "./register-file.ts";
import { DOORBELLS, ERDP, ERDP_EHB, MAX_SLOTS, USBSTS } from "./registers.ts";
import type { Tap } from "./tap.ts";
import { trbFields, trbName } from "./trb-fields.ts";

export function traceTap(listeners: TraceListeners, file: RegisterFile): Tap {
  const { registers, trbs, moments } = listeners;
  return {
    register:
      (registers || moments) &&
      ((access, offset, width, value) => {
        if (moments) tellMoment(moments, access === "write", offset, value);
        if (!registers) return;
        const { name, fields } = nameOf(file, offset, value);
        registers({ time: now(), access, name, offset, width, value, fields });
      }),
    trb:
      trbs &&
      ((source, trb) => {
        trbs({
          time: now(),
          ring: source.ring,
          slot: source.slotId,
          endpoint: source.endpointId,
          address: trb.address,
          dwords: [trb.parameter, trb.parameterHigh, trb.status, trb.control],
          name: trbName(trb),
          fields: trbFields(trb),
        });
      }),
  };
}

function tellMoment(
  moments: NonNullable<TraceListeners["moments"]>,
  isWrite: boolean,
  offset: number,
  value: number,
): void {
  if (isWrite && offset > DOORBELLS) moments("doorbell");
  else if (!isWrite && offset === USBSTS) moments("handler");
  else if (isWrite && offset === ERDP && value & ERDP_EHB) moments("done");
}

function nameOf(file: RegisterFile, offset: number, value: number): { name: string; fields: string } {
  const doorbell = (offset - DOORBELLS) >> 2;
  if (doorbell >= 0 && doorbell <= MAX_SLOTS) {
    return { name: `DOORBELL${doorbell}`, fields: offset & 3 ? "" : doorbellFields(doorbell, value) };
  }
  const name = file.name(offset);
  // Of a part of a register, the bits are moved to where they are in the whole.
  return { name: name ?? "reserved", fields: name ? registerFields(name, value << ((offset & 3) * 8)) : "" };
}
