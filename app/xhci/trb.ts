/** Transfer Request Blocks: the 16 bytes that every ring of an xHC is made of (xHCI 1.2 §4.11, §6.4). */
import type { GuestMemory } from "../guest/machine.ts";

export const TRB_SIZE = 16;

// TRB types (xHCI 1.2 table 6-91)
export const TRB_NORMAL = 1;
export const TRB_SETUP_STAGE = 2;
export const TRB_DATA_STAGE = 3;
export const TRB_STATUS_STAGE = 4;
export const TRB_ISOCH = 5;
export const TRB_LINK = 6;
export const TRB_EVENT_DATA = 7;
export const TRB_NO_OP = 8;
export const TRB_ENABLE_SLOT = 9;
export const TRB_DISABLE_SLOT = 10;
export const TRB_ADDRESS_DEVICE = 11;
export const TRB_CONFIGURE_ENDPOINT = 12;
export const TRB_EVALUATE_CONTEXT = 13;
export const TRB_RESET_ENDPOINT = 14;
export const TRB_STOP_ENDPOINT = 15;
export const TRB_SET_TR_DEQUEUE = 16;
export const TRB_RESET_DEVICE = 17;
export const TRB_GET_PORT_BANDWIDTH = 21;
export const TRB_FORCE_HEADER = 22;
export const TRB_NO_OP_COMMAND = 23;
export const TRB_TRANSFER_EVENT = 32;
export const TRB_COMMAND_COMPLETION = 33;
export const TRB_PORT_STATUS_CHANGE = 34;
export const TRB_HOST_CONTROLLER = 37;
export const TRB_MFINDEX_WRAP = 39;

// Completion codes (xHCI 1.2 table 6-90)
export const CC_SUCCESS = 1;
export const CC_DATA_BUFFER_ERROR = 2;
export const CC_BABBLE = 3;
export const CC_USB_TRANSACTION_ERROR = 4;
export const CC_TRB_ERROR = 5;
export const CC_STALL = 6;
export const CC_BANDWIDTH_ERROR = 8;
export const CC_NO_SLOTS = 9;
export const CC_INVALID_STREAM_TYPE = 10;
export const CC_SLOT_NOT_ENABLED = 11;
export const CC_ENDPOINT_NOT_ENABLED = 12;
export const CC_SHORT_PACKET = 13;
export const CC_RING_UNDERRUN = 14;
export const CC_RING_OVERRUN = 15;
export const CC_PARAMETER_ERROR = 17;
export const CC_BANDWIDTH_OVERRUN = 18;
export const CC_CONTEXT_STATE_ERROR = 19;
export const CC_EVENT_RING_FULL = 21;
export const CC_MISSED_SERVICE = 23;
export const CC_COMMAND_RING_STOPPED = 24;
export const CC_COMMAND_ABORTED = 25;
export const CC_STOPPED = 26;
export const CC_STOPPED_LENGTH_INVALID = 27;
export const CC_ISOCH_BUFFER_OVERRUN = 31;

// Bits of the control dword
export const TRB_CYCLE = 1 << 0;
/** Evaluate Next TRB; Toggle Cycle in a Link TRB; Event Data in a Transfer Event. */
export const TRB_TOGGLE_CYCLE = 1 << 1;
export const TRB_EVENT_IS_DATA = 1 << 2;
/** Interrupt on Short Packet. */
export const TRB_ISP = 1 << 2;
export const TRB_CHAIN = 1 << 4;
/** Interrupt On Completion. */
export const TRB_IOC = 1 << 5;
/** Immediate Data. */
export const TRB_IDT = 1 << 6;
/** Block Event Interrupt; Block Set Address Request in Address Device; Deconfigure in Configure Endpoint. */
export const TRB_BEI = 1 << 9;
/** Transfer State Preserve, in Reset Endpoint. */
export const TRB_TSP = 1 << 9;
export const TRB_BSR = 1 << 9;
export const TRB_DECONFIGURE = 1 << 9;
const TRB_TYPE_SHIFT = 10;
const TRB_TYPE_MASK = 0x3f;
const TRB_ENDPOINT_SHIFT = 16;
const TRB_ENDPOINT_MASK = 0x1f;
const TRB_SLOT_SHIFT = 24;

/** Start Isoch ASAP, and the frame to start in where it is not set. */
export const TRB_SIA = 0x80000000;
const TRB_FRAME_ID_SHIFT = 20;
const TRB_FRAME_ID_MASK = 0x7ff;

/** TRB Transfer Length, in the status dword. */
export const TRB_LENGTH_MASK = 0x1ffff;
/** Residual length and EDTLA of a Transfer Event. */
export const TRB_EVENT_LENGTH_MASK = 0xffffff;
const TRB_COMPLETION_SHIFT = 24;

/** One TRB's four dwords, unsigned. Reused: load() overwrites it. */
export class Trb {
  /** Where it was read from. */
  address = 0;
  parameter = 0;
  parameterHigh = 0;
  status = 0;
  control = 0;

  load(memory: GuestMemory, address: number): void {
    this.address = address;
    this.parameter = memory.read32(address);
    this.parameterHigh = memory.read32(address + 4);
    this.status = memory.read32(address + 8);
    this.control = memory.read32(address + 12);
  }

  get type(): number {
    return trbType(this.control);
  }
  get endpointId(): number {
    return (this.control >>> TRB_ENDPOINT_SHIFT) & TRB_ENDPOINT_MASK;
  }
  get slotId(): number {
    return this.control >>> TRB_SLOT_SHIFT;
  }
  /** Stream ID, in the status dword of Set TR Dequeue Pointer. */
  get streamId(): number {
    return this.status >>> 16;
  }
}

export function trbType(control: number): number {
  return (control >>> TRB_TYPE_SHIFT) & TRB_TYPE_MASK;
}

/** Frame ID of an Isoch TRB: bits 13:3 of MFINDEX (xHCI 1.2 §6.4.1.3). */
export function frameId(control: number): number {
  return (control >>> TRB_FRAME_ID_SHIFT) & TRB_FRAME_ID_MASK;
}

/** The control dword of an event, without its cycle bit. */
export function eventControl(type: number, slotId: number, endpointId: number, flags = 0): number {
  return ((type << TRB_TYPE_SHIFT) | (endpointId << TRB_ENDPOINT_SHIFT) | (slotId << TRB_SLOT_SHIFT) | flags) >>> 0;
}

/** The status dword of an event. */
export function eventStatus(completionCode: number, length: number): number {
  return ((completionCode << TRB_COMPLETION_SHIFT) | (length & TRB_EVENT_LENGTH_MASK)) >>> 0;
}
