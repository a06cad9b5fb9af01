/** Which events a TD makes, and what lies in the guest's memory afterwards (xHCI 1.2 §4.10, §4.11). */
import { describe, expect, it } from "vitest";
import { EP_STATE_HALTED, EP_STATE_RUNNING, EP_TYPE_BULK_IN, EP_TYPE_BULK_OUT } from "../../../app/xhci/context.ts";
import {
  CC_BABBLE,
  CC_DATA_BUFFER_ERROR,
  CC_SHORT_PACKET,
  CC_STALL,
  CC_SUCCESS,
  CC_TRB_ERROR,
  CC_USB_TRANSACTION_ERROR,
  TRB_CHAIN,
  TRB_IDT,
  TRB_IOC,
  TRB_ISP,
} from "../../../app/xhci/trb.ts";
import {
  SPEED_HIGH,
  STATUS_BABBLE,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
} from "../../../asm/layout.ts";
import { chained } from "../../fakes/guest-driver/producer-ring.ts";
import { type Placement, type RigOptions, rigFactory } from "../../fakes/guest-driver/rig.ts";
import {
  dataStage,
  eventData,
  immediate,
  noOp,
  normal,
  setupStage,
  statusStage,
  type TrbWords,
} from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const BULK_OUT = 4;
const RING = 16;

function createDevice(options: RigOptions = {}) {
  const rig = createRig(options);
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  const device = rig.driver.enumerate(1, SPEED_HIGH);
  device.mustConfigure(
    { id: BULK_IN, type: EP_TYPE_BULK_IN, size: RING, segments: 2 },
    { id: BULK_OUT, type: EP_TYPE_BULK_OUT, size: RING, segments: 2 },
  );
  return { ...rig, device };
}

/** Golden bytes: they count up. */
const golden = (length: number, first = 0x11) => Uint8Array.from({ length }, (_, index) => first + index * 0x11);

/** One bulk IN TD in `sizes` buffers, of which the device fills `actual` bytes. */
function bulkIn(placement: Placement, trbs: (buffers: number[]) => TrbWords[], sizes: number[], actual: number) {
  const rig = createDevice({ placement });
  const { device, back, ram } = rig;
  back.onTransfer = (request) => back.answer(request, STATUS_OK, golden(actual));
  const buffers = sizes.map((size) => ram.buffer(size + 16));
  const addresses = device.submit(BULK_IN, ...trbs(buffers));
  const events = device.events();
  let left = actual;
  sizes.forEach((size, index) => {
    const moved = Math.min(size, left);
    const at = buffers[index] as number;
    expect(ram.slice(at, moved)).toEqual(golden(actual).slice(actual - left, actual - left + moved));
    expect(ram.slice(at + moved, size + 16 - moved)).toEqual(new Uint8Array(size + 16 - moved).fill(0xa5));
    left -= moved;
  });
  expect(rig.link.inFlight).toBe(0);
  expect(rig.controller.port(1).counters).toMatchObject({ inFlight: 0, bytesIn: actual });
  return { events, addresses };
}

describe.each(["thread", "deferred"] as const)("a bulk IN TD in %s placement", (placement) => {
  const two = (first: number, second: number) => (buffers: number[]) =>
    chained(normal(buffers[0] as number, 100, first), normal(buffers[1] as number, 100, second));

  it("that is filled makes one event, of its last TRB", () => {
    const { events, addresses } = bulkIn(placement, two(TRB_ISP, TRB_ISP | TRB_IOC), [100, 100], 200);
    expect(events).toMatchObject([{ code: CC_SUCCESS, parameter: addresses[1], length: 0, endpointId: BULK_IN }]);
  });

  it("that ends short in a TRB with ISP reports that TRB and the residue, once", () => {
    const { events, addresses } = bulkIn(placement, two(TRB_ISP, TRB_ISP | TRB_IOC), [100, 100], 30);
    expect(events).toMatchObject([{ code: CC_SHORT_PACKET, parameter: addresses[0], length: 70 }]);
  });

  it("that ends short in its last TRB reports that one", () => {
    const { events, addresses } = bulkIn(placement, two(TRB_ISP, TRB_ISP | TRB_IOC), [100, 100], 130);
    expect(events).toMatchObject([{ code: CC_SHORT_PACKET, parameter: addresses[1], length: 70 }]);
  });

  it("that ends short between two TRBs reports the empty one", () => {
    const { events, addresses } = bulkIn(placement, two(TRB_ISP, TRB_ISP | TRB_IOC), [100, 100], 100);
    expect(events).toMatchObject([{ code: CC_SHORT_PACKET, parameter: addresses[1], length: 100 }]);
  });

  it("that ends short with IOC but no ISP reports it where IOC is", () => {
    const { events, addresses } = bulkIn(placement, two(0, TRB_IOC), [100, 100], 30);
    expect(events).toMatchObject([{ code: CC_SHORT_PACKET, parameter: addresses[1], length: 100 }]);
  });

  it("with neither IOC nor ISP makes no event, short or not", () => {
    expect(bulkIn(placement, two(0, 0), [100, 100], 30).events).toEqual([]);
    expect(bulkIn(placement, two(0, 0), [100, 100], 200).events).toEqual([]);
  });

  it("reports every TRB with IOC", () => {
    const { events, addresses } = bulkIn(placement, two(TRB_IOC, TRB_IOC), [100, 100], 200);
    expect(events).toMatchObject(addresses.map((parameter) => ({ code: CC_SUCCESS, parameter, length: 0 })));
  });

  it("followed by Event Data reports the bytes moved and all 64 bits of the data", () => {
    const trbs = (buffers: number[]) =>
      chained(normal(buffers[0] as number, 100), normal(buffers[1] as number, 100), eventData(0x11223344, 0x55667788));
    const full = { isEventData: true, parameter: 0x11223344, parameterHigh: 0x55667788 };
    expect(bulkIn(placement, trbs, [100, 100], 200).events).toMatchObject([{ ...full, code: CC_SUCCESS, length: 200 }]);
    const short = bulkIn(placement, trbs, [100, 100], 130).events;
    expect(short).toMatchObject([{ ...full, code: CC_SHORT_PACKET, length: 130 }]);
  });

  it("short in a TRB with ISP reports both that TRB and the Event Data behind it", () => {
    const trbs = (buffers: number[]) => chained(normal(buffers[0] as number, 100, TRB_ISP), eventData(1, 2));
    const { events, addresses } = bulkIn(placement, trbs, [100], 30);
    expect(events).toMatchObject([
      { code: CC_SHORT_PACKET, parameter: addresses[0], length: 70, isEventData: false },
      { code: CC_SHORT_PACKET, parameter: 1, length: 30, isEventData: true },
    ]);
  });

  it("counts anew behind each Event Data TRB", () => {
    const trbs = (buffers: number[]) =>
      chained(normal(buffers[0] as number, 100), eventData(1, 0), normal(buffers[1] as number, 50), eventData(2, 0));
    const { events } = bulkIn(placement, trbs, [100, 50], 150);
    expect(events).toMatchObject([
      { parameter: 1, length: 100 },
      { parameter: 2, length: 50 },
    ]);
  });

  it("of zero length is a success", () => {
    const { events, addresses } = bulkIn(placement, ([at]) => [normal(at as number, 0, TRB_IOC)], [0], 0);
    expect(events).toMatchObject([{ code: CC_SUCCESS, parameter: addresses[0], length: 0 }]);
  });

  it("goes on behind Link TRBs inside it", () => {
    // 40 TRBs on segments of 15: two Link TRBs lie inside, one of them toggles the cycle.
    const sizes = Array.from({ length: 28 }, (_, index) => 1 + (index % 5));
    const total = sizes.reduce((sum, size) => sum + size);
    const trbs = (buffers: number[]) =>
      chained(...sizes.map((size, index) => normal(buffers[index] as number, size, index === 27 ? TRB_IOC : TRB_ISP)));
    const { events, addresses } = bulkIn(placement, trbs, sizes, total);
    expect(events).toMatchObject([{ code: CC_SUCCESS, parameter: addresses[27], length: 0 }]);
  });
});

describe("a ring", () => {
  it("goes round many times, in order, with Link TRBs anywhere", () => {
    const { device, back, ram, link } = createDevice();
    const seen: number[] = [];
    back.onTransfer = (request) => {
      const data = new Uint8Array(request.length);
      request.read(data);
      seen.push(data[0] as number);
      back.answer(request, STATUS_OK, request.length);
    };
    const buffer = ram.buffer(64);
    const expected: number[] = [];
    for (let round = 0; round < 200; round++) {
      ram.bytes[buffer] = round;
      expected.push(round);
      const trbs = Array.from({ length: 1 + (round % 6) }, () => normal(buffer, 8, TRB_ISP));
      const [low, high, status, control] = trbs.pop() as TrbWords;
      if (round % 17 === 0) device.ringOf(BULK_OUT).jump();
      const addresses = device.submit(BULK_OUT, ...chained(...trbs, [low, high, status, control | TRB_IOC]));
      expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: addresses.at(-1) }]);
    }
    expect(seen).toEqual(expected);
    expect(link.core.exports.freeSlots()).toBe(256);
  });

  it("hands over a TD only when all of it is there", () => {
    const { device, back, ram } = createDevice({ placement: "deferred" });
    const buffer = ram.buffer(64);
    device.submit(BULK_OUT, normal(buffer, 8, TRB_CHAIN));
    expect(back.held).toEqual([]);
    device.submit(BULK_OUT, normal(buffer, 8, TRB_IOC));
    expect(back.held.map(({ length }) => length)).toEqual([16]);
  });

  it("has No-Op TDs answered in their turn", () => {
    const { device, back, ram, settle } = createDevice({ placement: "deferred" });
    const buffer = ram.buffer(64);
    const [data] = device.queue(BULK_OUT, normal(buffer, 8, TRB_IOC));
    const [nothing] = device.submit(BULK_OUT, noOp(TRB_IOC));
    expect(device.events()).toEqual([]);
    back.answer(back.first(), STATUS_OK, 8);
    settle();
    expect(device.events()).toMatchObject([
      { code: CC_SUCCESS, parameter: data },
      { code: CC_SUCCESS, parameter: nothing },
    ]);
  });

  it("carries OUT data in the TRBs themselves", () => {
    const { device, back } = createDevice();
    const data = golden(8);
    let seen: Uint8Array | undefined;
    back.onTransfer = (request) => {
      seen = new Uint8Array(request.length);
      request.read(seen);
      back.answer(request, STATUS_OK, request.length);
    };
    device.submit(BULK_OUT, ...chained(immediate(data.slice(0, 5)), immediate(data.slice(5), TRB_IOC)));
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, length: 0 }]);
    expect(seen).toEqual(data);
  });
});

describe("a TD that fails", () => {
  it.each([
    ["a stall", STATUS_STALL, CC_STALL],
    ["babble", STATUS_BABBLE, CC_BABBLE],
    ["a transaction error", STATUS_TRANSACTION_ERROR, CC_USB_TRANSACTION_ERROR],
    ["a device that is gone", STATUS_NO_DEVICE, CC_USB_TRANSACTION_ERROR],
    ["a request that makes no sense", STATUS_INVALID, CC_USB_TRANSACTION_ERROR],
  ])("by %s keeps its partial data and halts the endpoint at the TD", (_, status, code) => {
    const { device, back, ram, controller, link } = createDevice({ placement: "deferred" });
    const buffer = ram.buffer(200);
    const trbs = chained(normal(buffer, 64, TRB_ISP), normal(buffer + 64, 64, TRB_ISP), eventData(1, 2));
    const addresses = device.submit(BULK_IN, ...trbs);
    back.answer(back.first(), status, golden(80));
    const events = device.events();
    expect(events).toMatchObject([{ code, parameter: addresses[1], length: 48, isEventData: false }]);
    expect(ram.slice(buffer, 80)).toEqual(golden(80));
    expect(ram.slice(buffer + 80, 120)).toEqual(new Uint8Array(120).fill(0xa5));
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_HALTED);
    expect(device.dequeue(BULK_IN)).toBe(addresses[0]);
    expect(device.dequeueCycle(BULK_IN)).toBe(1);
    expect(controller.port(1).counters).toMatchObject({ errors: 1, inFlight: 0, bytesIn: 80 });
    expect(link.inFlight).toBe(0);
  });

  it("blames the last data TRB, not Event Data, when everything was moved", () => {
    const { device, back, ram } = createDevice({ placement: "deferred" });
    const addresses = device.submit(BULK_IN, ...chained(normal(ram.buffer(64), 64, TRB_ISP), eventData(1, 2)));
    back.answer(back.first(), STATUS_BABBLE, golden(64));
    expect(device.events()).toMatchObject([
      { code: CC_BABBLE, parameter: addresses[0], length: 0, isEventData: false },
    ]);
  });

  it("has a buffer outside RAM: a data buffer error, IN and OUT", () => {
    for (const endpoint of [BULK_IN, BULK_OUT]) {
      const { device, back, ram } = createDevice();
      back.onTransfer = (request) => back.answer(request, STATUS_OK, request.length);
      const [first] = device.submit(endpoint, normal(ram.size - 4, 64, TRB_IOC));
      expect(device.events()).toMatchObject([{ code: CC_DATA_BUFFER_ERROR, parameter: first }]);
      expect(device.endpointState(endpoint)).toBe(EP_STATE_HALTED);
    }
  });

  it.each<[string, number, TrbWords[]]>([
    ["a Setup Stage on a bulk ring", BULK_OUT, [setupStage({ bmRequestType: 0, bRequest: 9 })]],
    ["an Isoch TRB", BULK_OUT, [[0, 0, 8, (5 << 10) | TRB_IOC]]],
    ["a command on a transfer ring", BULK_OUT, [[0, 0, 0, 23 << 10]]],
    ["immediate data of nine bytes", BULK_OUT, [[0, 0, 9, (1 << 10) | TRB_IDT | TRB_IOC]]],
    ["immediate data for an IN", BULK_IN, [[0, 0, 4, (1 << 10) | TRB_IDT | TRB_IOC]]],
    ["a Normal TRB on the control ring", 1, [normal(0x1000, 8, TRB_IOC)]],
    [
      "two Data Stages",
      1,
      [setupStage({ bmRequestType: 0x80, bRequest: 6 }), dataStage(true, 0, 0), dataStage(true, 0, 0)],
    ],
    ["a Setup Stage of five bytes", 1, [[0, 0, 5, (2 << 10) | TRB_IDT]]],
    [
      "data behind the Status Stage",
      1,
      chained(setupStage({ bmRequestType: 0x80, bRequest: 6 }), statusStage(false, 0), normal(0x1000, 8)),
    ],
    ["less OUT data than wLength", 1, [setupStage({ bmRequestType: 0, bRequest: 7, wLength: 8 }), statusStage(true)]],
  ])("is %s: a TRB error, and the endpoint waits for Set TR Dequeue", (_, endpoint, trbs) => {
    const { device, back } = createDevice();
    const addresses = trbs.flatMap((trb) => device.queue(endpoint, trb));
    device.doorbell(endpoint);
    expect(device.events()).toMatchObject([{ code: CC_TRB_ERROR, parameter: addresses.at(-1), endpointId: endpoint }]);
    expect(device.endpointState(endpoint)).toBe(4);
    expect(device.dequeue(endpoint)).toBe(addresses[0]);
    expect(back.held).toEqual([]);
    const { enqueue, cycle } = device.ringOf(endpoint);
    expect(device.setDequeue(endpoint, enqueue, cycle)).toBe(CC_SUCCESS);
    expect(device.endpointState(endpoint)).toBe(3);
    device.doorbell(endpoint);
    expect(device.endpointState(endpoint)).toBe(EP_STATE_RUNNING);
  });

  it("of which nothing but Link TRBs is there is a TRB error", () => {
    const { device, ram } = createDevice();
    const ring = device.ringOf(BULK_IN);
    ram.poke(ring.enqueue, ring.enqueue, 0, 0, (6 << 10) | ring.cycle);
    device.doorbell(BULK_IN);
    expect(device.events()).toMatchObject([{ code: CC_TRB_ERROR }]);
  });
});
