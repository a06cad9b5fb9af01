/** What a TRB says, for traces (xHCI 1.2 §6.4): its name and its fields, in the specification's words. */
import * as TRB from "./trb.ts";
import {
  TRB_CHAIN,
  TRB_CYCLE,
  TRB_EVENT_LENGTH_MASK,
  TRB_IDT,
  TRB_IOC,
  TRB_ISP,
  TRB_LENGTH_MASK,
  TRB_TOGGLE_CYCLE,
  type Trb,
} from "./trb.ts";

/** By TRB type (table 6-91). */
const NAMES: readonly (string | undefined)[] = [
  undefined,
  "Normal",
  "Setup Stage",
  "Data Stage",
  "Status Stage",
  "Isoch",
  "Link",
  "Event Data",
  "No Op",
  "Enable Slot",
  "Disable Slot",
  "Address Device",
  "Configure Endpoint",
  "Evaluate Context",
  "Reset Endpoint",
  "Stop Endpoint",
  "Set TR Dequeue Pointer",
  "Reset Device",
  "Force Event",
  "Negotiate Bandwidth",
  "Set Latency Tolerance Value",
  "Get Port Bandwidth",
  "Force Header",
  "No Op Command",
  "Get Extended Property",
  "Set Extended Property",
  ...new Array<undefined>(6),
  "Transfer Event",
  "Command Completion Event",
  "Port Status Change Event",
  "Bandwidth Request Event",
  "Doorbell Event",
  "Host Controller Event",
  "Device Notification Event",
  "MFINDEX Wrap Event",
];

/** Completion codes by number (table 6-90): of `CC_SHORT_PACKET`, "short packet". */
const COMPLETIONS = new Map<number, string>();
for (const [key, value] of Object.entries(TRB)) {
  if (key.startsWith("CC_")) COMPLETIONS.set(Number(value), key.slice("CC_".length).toLowerCase().replaceAll("_", " "));
}

export function trbName(trb: Trb): string {
  return NAMES[trb.type] ?? `reserved type ${trb.type}`;
}

export function trbFields(trb: Trb): string {
  return [...fieldsOf(trb), ...(trb.control & TRB_CYCLE ? ["C"] : [])].join(", ");
}

function fieldsOf(trb: Trb): string[] {
  const { control, status } = trb;
  const slot = `slot ${trb.slotId}`;
  const endpoint = `endpoint ${trb.endpointId}`;
  switch (NAMES[trb.type]) {
    case "Normal":
      return [...buffer(trb), ...flags(control, TRANSFER_FLAGS)];
    case "Setup Stage":
      return [`setup ${bytes(trb, 8)}`, `TRT ${["no data", "reserved", "OUT", "IN"][(control >>> 16) & 3]}`];
    case "Data Stage":
      return [direction(control), ...buffer(trb), ...flags(control, TRANSFER_FLAGS)];
    case "Status Stage":
      return [direction(control), ...flags(control, TRANSFER_FLAGS)];
    case "Isoch": {
      const frame = control >>> 31 ? "SIA" : `frame ${(control >>> 20) & 0x7ff}`;
      const bursts = [`TBC ${(control >>> 7) & 3}`, `TLBPC ${(control >>> 16) & 0xf}`];
      return [frame, ...buffer(trb), ...bursts, ...flags(control, TRANSFER_FLAGS)];
    }
    case "Link":
      return [`to ${pointer(trb)}`, ...flags(control, LINK_FLAGS)];
    case "Event Data":
      return [`data 0x${wide(trb)}`, ...flags(control, TRANSFER_FLAGS)];
    case "No Op":
      return flags(control, TRANSFER_FLAGS);
    case "Enable Slot":
      return [`slot type ${(control >>> 16) & 0x1f}`];
    case "Disable Slot":
    case "Reset Device":
      return [slot];
    case "Address Device":
      return [slot, `input context ${pointer(trb)}`, ...flags(control, [[1 << 9, "BSR"]])];
    case "Configure Endpoint":
      return [slot, `input context ${pointer(trb)}`, ...flags(control, [[1 << 9, "DC"]])];
    case "Evaluate Context":
      return [slot, `input context ${pointer(trb)}`];
    case "Reset Endpoint":
      return [slot, endpoint, ...flags(control, [[1 << 9, "TSP"]])];
    case "Stop Endpoint":
      return [slot, endpoint, ...flags(control, [[1 << 23, "SP"]])];
    case "Set TR Dequeue Pointer": {
      const stream = status >>> 16;
      const which = stream ? [`stream ${stream}`, `SCT ${(trb.parameter >>> 1) & 7}`] : [];
      return [slot, endpoint, `to ${pointer(trb)}`, ...flags(trb.parameter, [[1, "DCS"]]), ...which];
    }
    case "Get Port Bandwidth":
      return [`context ${pointer(trb)}`, `speed ${(control >>> 16) & 0xf}`, `hub slot ${trb.slotId}`];
    case "Transfer Event": {
      const isData = (control & TRB.TRB_EVENT_IS_DATA) !== 0;
      const about = isData ? `data 0x${wide(trb)}` : `TRB ${address(trb)}`;
      const length = `${isData ? "moved" : "residue"} ${status & TRB_EVENT_LENGTH_MASK}`;
      return [completion(status), slot, endpoint, about, length];
    }
    case "Command Completion Event":
      return [completion(status), slot, `TRB ${address(trb)}`];
    case "Port Status Change Event":
      return [completion(status), `port ${trb.parameter >>> 24}`];
    case "Host Controller Event":
    case "MFINDEX Wrap Event":
      return [completion(status)];
    case "No Op Command":
      return [];
    default:
      return [`0x${wide(trb)} ${hex(status)} ${hex(control)}`];
  }
}

type Flag = readonly [mask: number, name: string];

const TRANSFER_FLAGS: readonly Flag[] = [
  [TRB_TOGGLE_CYCLE, "ENT"],
  [TRB_ISP, "ISP"],
  [1 << 3, "NS"],
  [TRB_CHAIN, "CH"],
  [TRB_IOC, "IOC"],
  [TRB_IDT, "IDT"],
  [TRB.TRB_BEI, "BEI"],
];
const LINK_FLAGS: readonly Flag[] = [
  [TRB_TOGGLE_CYCLE, "TC"],
  [TRB_CHAIN, "CH"],
  [TRB_IOC, "IOC"],
];

function flags(word: number, names: readonly Flag[]): string[] {
  return names.flatMap(([mask, name]) => (word & mask ? [name] : []));
}

/** Immediate data stands where the pointer is otherwise. */
function buffer(trb: Trb): string[] {
  const length = trb.status & TRB_LENGTH_MASK;
  const where = trb.control & TRB_IDT ? `immediate ${bytes(trb, Math.min(length, 8))}` : `buffer ${address(trb)}`;
  return [where, `length ${length}`, `TD size ${(trb.status >>> 17) & 0x1f}`];
}

function bytes(trb: Trb, count: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, trb.parameter, true);
  view.setUint32(4, trb.parameterHigh, true);
  return Array.from(new Uint8Array(view.buffer, 0, count), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** All 64 bits; of an address, the upper half only when there is something in it. */
function wide(trb: Trb): string {
  return hex(trb.parameterHigh).slice(2) + hex(trb.parameter).slice(2);
}

function address(trb: Trb): string {
  return trb.parameterHigh === 0 ? hex(trb.parameter) : `0x${wide(trb)}`;
}

/** The low four bits are flags. */
function pointer(trb: Trb): string {
  return hex((trb.parameter & ~0xf) >>> 0);
}

function direction(control: number): string {
  return control & (1 << 16) ? "IN" : "OUT";
}

function completion(status: number): string {
  const code = status >>> 24;
  return COMPLETIONS.get(code) ?? `completion code ${code}`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
