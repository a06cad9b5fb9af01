/**
 * Contexts: what the guest and the xHC tell each other about a device slot and its endpoints (xHCI 1.2 §6.2). 32 bytes
 * each (CSZ = 0). Codec only; what the fields mean is slot.ts's and endpoint.ts's business.
 *
 *   Device Context                 Input Context
 *   +0x000 slot                    +0x000 input control (drop flags, add flags)
 *   +0x020 endpoint 1 (control)    +0x020 slot
 *   +0x040 endpoint 2 (1 OUT)      +0x040 endpoint 1
 *   ...    up to endpoint 31       ...
 */
import type { GuestMemory } from "../guest/machine.ts";

export const CONTEXT_SIZE = 32;
/** Device context indices: 0 is the slot, 1 the control endpoint, 2n + direction the others. */
export const ENDPOINT_ID_MAX = 31;

// Slot states (xHCI 1.2 table 6-7)
export const SLOT_STATE_ENABLED = 0;
export const SLOT_STATE_DEFAULT = 1;
export const SLOT_STATE_ADDRESSED = 2;
export const SLOT_STATE_CONFIGURED = 3;

// Endpoint states (xHCI 1.2 table 6-8)
export const EP_STATE_DISABLED = 0;
export const EP_STATE_RUNNING = 1;
export const EP_STATE_HALTED = 2;
export const EP_STATE_STOPPED = 3;
export const EP_STATE_ERROR = 4;

// Endpoint types (xHCI 1.2 table 6-9)
export const EP_TYPE_ISOCH_OUT = 1;
export const EP_TYPE_BULK_OUT = 2;
export const EP_TYPE_INTERRUPT_OUT = 3;
export const EP_TYPE_CONTROL = 4;
export const EP_TYPE_ISOCH_IN = 5;
export const EP_TYPE_BULK_IN = 6;
export const EP_TYPE_INTERRUPT_IN = 7;

const INTERVAL_MAX = 15;

/** The fields of a slot context that this controller reads (xHCI 1.2 §6.2.2). */
export interface SlotContext {
  readonly routeString: number;
  /** SPEED_… of asm/layout.ts, which are the default protocol speed ids. */
  readonly speed: number;
  readonly contextEntries: number;
  readonly rootHubPort: number;
  /** Of a hub. */
  readonly numberOfPorts: number;
  /** TT Hub Slot ID and TT Port Number: where a low- or full-speed device leaves high speed. */
  readonly ttHubSlot: number;
  readonly ttPort: number;
}

const SLOT_MTT = 1 << 25;
const SLOT_HUB = 1 << 26;
const SLOT_PORT_COUNT = 0xff000000;
const SLOT_TT_THINK_TIME = 3 << 16;

export function readSlotContext(memory: GuestMemory, address: number): SlotContext {
  const dword0 = memory.read32(address);
  const dword1 = memory.read32(address + 4);
  const dword2 = memory.read32(address + 8);
  return {
    routeString: dword0 & 0xfffff,
    speed: (dword0 >>> 20) & 0xf,
    contextEntries: dword0 >>> 27,
    rootHubPort: (dword1 >>> 16) & 0xff,
    numberOfPorts: dword1 >>> 24,
    ttHubSlot: dword2 & 0xff,
    ttPort: (dword2 >>> 8) & 0xff,
  };
}

/** The fields of an endpoint context that this controller reads. */
export interface EndpointContext {
  readonly type: number;
  readonly maxPacketSize: number;
  /** Bytes of a service interval, for a periodic endpoint. */
  readonly maxEsitPayload: number;
  /** log2 of the size of the stream array, less 1; 0 without streams. */
  readonly maxPrimaryStreams: number;
  /** LSA: the stream array is all there is, with no secondary arrays behind it. */
  readonly linearStreamArray: boolean;
  /** The period is 125 µs × 2^interval. */
  readonly interval: number;
  readonly dequeue: number;
  readonly dequeueCycle: number;
}

export function readEndpointContext(memory: GuestMemory, address: number): EndpointContext {
  const dword0 = memory.read32(address);
  const dword1 = memory.read32(address + 4);
  const dword2 = memory.read32(address + 8);
  const maxPacketSize = dword1 >>> 16;
  // A driver for an xHC without LEC gives the payload in 16 bits, and one of xHCI 0.96 not at all (§6.2.3.8).
  const burst = (((dword1 >>> 8) & 0xff) + 1) * (((dword0 >>> 8) & 3) + 1);
  return {
    type: (dword1 >>> 3) & 7,
    maxPacketSize,
    maxEsitPayload: memory.read32(address + 16) >>> 16 || maxPacketSize * burst,
    maxPrimaryStreams: (dword0 >>> 10) & 0x1f,
    linearStreamArray: (dword0 & 0x8000) !== 0,
    interval: (dword0 >>> 16) & 0xff,
    dequeue: (dword2 & ~0xf) >>> 0,
    dequeueCycle: dword2 & 1,
  };
}

/** The service interval of a periodic endpoint, in microframes: at most 4.096 s (§6.2.3.6). */
export function serviceInterval(fields: EndpointContext): number {
  return 2 ** Math.min(fields.interval, INTERVAL_MAX);
}

/** Copies a whole context from the guest's input context to the output context. */
export function copyContext(memory: GuestMemory, from: number, to: number): void {
  for (let offset = 0; offset < CONTEXT_SIZE; offset += 4) memory.write32(to + offset, memory.read32(from + offset));
}

export function clearContext(memory: GuestMemory, address: number): void {
  for (let offset = 0; offset < CONTEXT_SIZE; offset += 4) memory.write32(address + offset, 0);
}

/** Slot State and USB Device Address (xHCI 1.2 §6.2.2, dword 3). */
export function writeSlotState(memory: GuestMemory, address: number, state: number, deviceAddress: number): void {
  memory.write32(address + 12, ((state << 27) | (deviceAddress & 0xff)) >>> 0);
}

export function writeContextEntries(memory: GuestMemory, address: number, entries: number): void {
  memory.write32(address, ((memory.read32(address) & 0x07ffffff) | (entries << 27)) >>> 0);
}

/** Hub, Multi-TT, Number of Ports and TT Think Time: what Configure Endpoint learns of a device that is a hub (§6.2.2.2). */
export function evaluateHubFields(memory: GuestMemory, from: number, to: number): void {
  const merge = (offset: number, mask: number) => {
    const kept = memory.read32(to + offset) & ~mask;
    memory.write32(to + offset, (kept | (memory.read32(from + offset) & mask)) >>> 0);
  };
  if (!(memory.read32(from) & SLOT_HUB)) return;
  merge(0, SLOT_HUB | SLOT_MTT);
  merge(4, SLOT_PORT_COUNT);
  merge(8, SLOT_TT_THINK_TIME);
}

/** Interrupter Target and Max Exit Latency: all that Evaluate Context changes in a slot context (§6.2.2.3). */
export function evaluateSlotContext(memory: GuestMemory, from: number, to: number): void {
  const latency = memory.read32(from + 4) & 0xffff;
  memory.write32(to + 4, ((memory.read32(to + 4) & 0xffff0000) | latency) >>> 0);
  const target = memory.read32(from + 8) & 0xffc00000;
  memory.write32(to + 8, ((memory.read32(to + 8) & 0x003fffff) | target) >>> 0);
}

/** Max Packet Size: all that Evaluate Context changes in the control endpoint's context (§6.2.3.3). */
export function evaluateEndpointContext(memory: GuestMemory, from: number, to: number): void {
  const size = memory.read32(from + 4) & 0xffff0000;
  memory.write32(to + 4, ((memory.read32(to + 4) & 0xffff) | size) >>> 0);
}

export function writeEndpointState(memory: GuestMemory, address: number, state: number): void {
  memory.write32(address, ((memory.read32(address) & ~7) | state) >>> 0);
}

export function writeEndpointDequeue(memory: GuestMemory, address: number, dequeue: number, cycle: number): void {
  memory.write32(address + 8, (dequeue | cycle) >>> 0);
  memory.write32(address + 12, 0);
}
