/** The TRBs that a driver writes, without their cycle bit (xHCI 1.2 §6.4). */
import {
  TRB_ADDRESS_DEVICE,
  TRB_BSR,
  TRB_CHAIN,
  TRB_CONFIGURE_ENDPOINT,
  TRB_DATA_STAGE,
  TRB_DECONFIGURE,
  TRB_DISABLE_SLOT,
  TRB_ENABLE_SLOT,
  TRB_EVALUATE_CONTEXT,
  TRB_EVENT_DATA,
  TRB_IDT,
  TRB_IOC,
  TRB_ISOCH,
  TRB_LINK,
  TRB_NO_OP,
  TRB_NO_OP_COMMAND,
  TRB_NORMAL,
  TRB_RESET_DEVICE,
  TRB_RESET_ENDPOINT,
  TRB_SET_TR_DEQUEUE,
  TRB_SETUP_STAGE,
  TRB_SIA,
  TRB_STATUS_STAGE,
  TRB_STOP_ENDPOINT,
  TRB_TOGGLE_CYCLE,
  TRB_TSP,
} from "../../../app/xhci/trb.ts";

/** Parameter low and high, status, control. */
export type TrbWords = readonly [low: number, high: number, status: number, control: number];

/** The setup packet of a control transfer (USB 2.0 §9.3). */
export interface Setup {
  readonly bmRequestType: number;
  readonly bRequest: number;
  readonly wValue?: number;
  readonly wIndex?: number;
  readonly wLength?: number;
}

const DIRECTION_IN = 1 << 16;
const type = (code: number, flags = 0) => ((code << 10) | flags) >>> 0;

export function normal(buffer: number, length: number, flags = 0): TrbWords {
  return [buffer, 0, length, type(TRB_NORMAL, flags)];
}
/** A Normal TRB that carries its bytes itself. */
export function immediate(bytes: Uint8Array, flags = 0): TrbWords {
  const words = new DataView(new ArrayBuffer(8));
  bytes.forEach((byte, index) => {
    words.setUint8(index, byte);
  });
  return [words.getUint32(0, true), words.getUint32(4, true), bytes.length, type(TRB_NORMAL, flags | TRB_IDT)];
}
/** An Isoch TRB: as soon as possible, or in the frame that is named. */
export function isoch(buffer: number, length: number, flags = 0, frame?: number): TrbWords {
  const [low, high, status, control] = normal(buffer, length, flags);
  const when = frame === undefined ? TRB_SIA : (frame & 0x7ff) << 20;
  return [low, high, status, ((control & ~(0x3f << 10)) | (TRB_ISOCH << 10) | when) >>> 0];
}
export function eventData(low: number, high: number, flags = TRB_IOC): TrbWords {
  return [low, high, 0, type(TRB_EVENT_DATA, flags)];
}
export function noOp(flags = 0): TrbWords {
  return [0, 0, 0, type(TRB_NO_OP, flags)];
}
export function setupStage(setup: Setup, flags = 0): TrbWords {
  const { bmRequestType, bRequest, wValue = 0, wIndex = 0, wLength = 0 } = setup;
  const transferType = wLength === 0 ? 0 : bmRequestType & 0x80 ? 3 : 2;
  const low = (bmRequestType | (bRequest << 8) | (wValue << 16)) >>> 0;
  const high = (wIndex | (wLength << 16)) >>> 0;
  return [low, high, 8, type(TRB_SETUP_STAGE, flags | TRB_IDT | (transferType << 16))];
}
export function dataStage(isIn: boolean, buffer: number, length: number, flags = 0): TrbWords {
  return [buffer, 0, length, type(TRB_DATA_STAGE, flags | (isIn ? DIRECTION_IN : 0))];
}
export function statusStage(isIn: boolean, flags = TRB_IOC): TrbWords {
  return [0, 0, 0, type(TRB_STATUS_STAGE, flags | (isIn ? DIRECTION_IN : 0))];
}
export function link(target: number, toggle: boolean, chain = false): TrbWords {
  return [target, 0, 0, type(TRB_LINK, (toggle ? TRB_TOGGLE_CYCLE : 0) | (chain ? TRB_CHAIN : 0))];
}

const forSlot = (code: number, slotId: number, endpointId = 0, flags = 0) =>
  (type(code, flags) | (endpointId << 16) | (slotId << 24)) >>> 0;

export const command = {
  noOp: (): TrbWords => [0, 0, 0, type(TRB_NO_OP_COMMAND)],
  enableSlot: (): TrbWords => [0, 0, 0, type(TRB_ENABLE_SLOT)],
  disableSlot: (slot: number): TrbWords => [0, 0, 0, forSlot(TRB_DISABLE_SLOT, slot)],
  addressDevice: (slot: number, input: number, blockSetAddress = false): TrbWords => [
    input,
    0,
    0,
    forSlot(TRB_ADDRESS_DEVICE, slot, 0, blockSetAddress ? TRB_BSR : 0),
  ],
  configureEndpoint: (slot: number, input: number, deconfigure = false): TrbWords => [
    input,
    0,
    0,
    forSlot(TRB_CONFIGURE_ENDPOINT, slot, 0, deconfigure ? TRB_DECONFIGURE : 0),
  ],
  evaluateContext: (slot: number, input: number): TrbWords => [input, 0, 0, forSlot(TRB_EVALUATE_CONTEXT, slot)],
  resetEndpoint: (slot: number, endpoint: number, preserve = false): TrbWords => [
    0,
    0,
    0,
    forSlot(TRB_RESET_ENDPOINT, slot, endpoint, preserve ? TRB_TSP : 0),
  ],
  stopEndpoint: (slot: number, endpoint: number): TrbWords => [0, 0, 0, forSlot(TRB_STOP_ENDPOINT, slot, endpoint)],
  setTrDequeue: (
    slot: number,
    endpoint: number,
    dequeue: number,
    cycle: number,
    stream = 0,
    streamType = 0,
  ): TrbWords => [
    (dequeue | (streamType << 1) | cycle) >>> 0,
    0,
    (stream << 16) >>> 0,
    forSlot(TRB_SET_TR_DEQUEUE, slot, endpoint),
  ],
  resetDevice: (slot: number): TrbWords => [0, 0, 0, forSlot(TRB_RESET_DEVICE, slot)],
};
