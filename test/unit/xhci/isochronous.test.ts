/** Isochronous endpoints: when TDs are due, what is told of them, and that nothing halts them (xHCI 1.2 §4.10.3, §4.11.2.5). */
import { describe, expect, it } from "vitest";
import {
  EP_STATE_ERROR,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_ISOCH_IN,
  EP_TYPE_ISOCH_OUT,
} from "../../../app/xhci/context.ts";
import { IsochSchedule } from "../../../app/xhci/isoch-schedule.ts";
import {
  CC_BABBLE,
  CC_BANDWIDTH_OVERRUN,
  CC_DATA_BUFFER_ERROR,
  CC_ISOCH_BUFFER_OVERRUN,
  CC_MISSED_SERVICE,
  CC_RING_OVERRUN,
  CC_RING_UNDERRUN,
  CC_SHORT_PACKET,
  CC_STOPPED,
  CC_SUCCESS,
  CC_TRB_ERROR,
  CC_USB_TRANSACTION_ERROR,
  TRB_BEI,
  TRB_CHAIN,
  TRB_IOC,
  TRB_ISP,
} from "../../../app/xhci/trb.ts";
import {
  SPEED_HIGH,
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import type { Request } from "../../../worker/request.ts";
import { standingClock } from "../../fakes/guest-driver/bus-time.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { eventData, isoch, noOp, normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const ISOCH_IN = 3;
const ISOCH_OUT = 4;
const EIGHT_MS = 64;
const golden = (length: number, first = 0x11) => Uint8Array.from({ length }, (_, index) => first + index * 0x11);

describe("an isochronous endpoint", () => {
  const clock = standingClock();

  /** A high-speed device with a packet of 1024 bytes every 2^interval microframes. Answers with `bytes` and keeps the frames. */
  function createDevice(interval = 0, bytes = 8) {
    const rig = createRig({ placement: "thread" });
    rig.driver.start();
    rig.back.plug(1, SPEED_HIGH);
    const device = rig.driver.enumerate(1, SPEED_HIGH);
    const frames: number[] = [];
    const sent: Uint8Array[] = [];
    rig.back.onTransfer = (request: Request) => {
      if (request.type !== TYPE_ISOCHRONOUS) return;
      frames.push(request.frame);
      if (request.isIn) {
        rig.back.answer(request, STATUS_OK, golden(bytes, frames.length));
        return;
      }
      const data = new Uint8Array(request.length);
      request.read(data);
      sent.push(data);
      rig.back.answer(request, STATUS_OK, request.length);
    };
    device.mustConfigure(
      { id: ISOCH_IN, type: EP_TYPE_ISOCH_IN, maxPacketSize: 1024, interval, size: 512 },
      { id: ISOCH_OUT, type: EP_TYPE_ISOCH_OUT, maxPacketSize: 1024, interval, size: 512 },
    );
    /** Microframes go by in steps, and the guest takes what came. */
    const events = (microframes = 0) => {
      clock.pass(microframes);
      rig.settle();
      return device.events();
    };
    const queueIn = (count: number, length = 8, flags = TRB_IOC | TRB_ISP) => {
      const buffers = Array.from({ length: count }, () => rig.ram.buffer(length));
      const trbs = buffers.map((buffer) => device.queue(ISOCH_IN, isoch(buffer, length, flags))[0] as number);
      device.doorbell(ISOCH_IN);
      return { buffers, trbs };
    };
    return { ...rig, device, frames, sent, events, queueIn };
  }

  it("asks for one packet a service interval, one after the other", () => {
    const { frames, queueIn, events } = createDevice(3);
    queueIn(5);
    events(80);
    expect(frames.length).toBe(5);
    expect(frames.every((frame) => frame % 8 === 0)).toBe(true);
    expect(frames.map((frame) => frame - (frames[0] as number))).toEqual([0, 8, 16, 24, 32]);
  });

  it("tells of a packet when its interval is over, though the device has answered early", () => {
    const { queueIn, events, device, ram } = createDevice(3);
    const { trbs, buffers } = queueIn(3);
    expect(events()).toEqual([]);
    const first = events(16);
    expect(first[0]).toMatchObject({ code: CC_SUCCESS, parameter: trbs[0], length: 0 });
    expect(ram.bytes.subarray(buffers[0], (buffers[0] as number) + 8)).toEqual(golden(8, 1));
    const all = [...first, ...events(8), ...events(8)];
    expect(all.map(({ parameter }) => parameter)).toEqual(trbs);
    expect(device.endpointState(ISOCH_IN)).toBe(EP_STATE_RUNNING);
  });

  it("hands packets to the device 8 ms ahead and no further", () => {
    const { frames, queueIn, events } = createDevice(0);
    queueIn(200);
    expect(frames.length).toBeGreaterThanOrEqual(EIGHT_MS);
    expect(frames.length).toBeLessThanOrEqual(EIGHT_MS + 2);
    const heard = [];
    for (let ms = 0; ms < 40; ms++) heard.push(...events(8));
    expect(frames.length).toBe(200);
    expect(heard.filter(({ code }) => code === CC_SUCCESS).length).toBe(200);
    expect(frames.map((frame) => frame - (frames[0] as number))).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  it("moves a TD of several buffers, and reports a short one", () => {
    const { device, events, ram } = createDevice(3, 12);
    const [first, second] = [ram.buffer(10), ram.buffer(10)];
    const trbs = device.submit(ISOCH_IN, isoch(first, 10, TRB_CHAIN | TRB_ISP), normal(second, 10, TRB_IOC | TRB_ISP));
    expect(events(16)).toMatchObject([{ code: CC_SHORT_PACKET, parameter: trbs[1], length: 8 }]);
    expect(ram.bytes.subarray(first, first + 10)).toEqual(golden(12, 1).subarray(0, 10));
    expect(ram.bytes.subarray(second, second + 3)).toEqual(Uint8Array.of(...golden(12, 1).subarray(10), 0xa5));
  });

  it("sends what the guest wrote, and counts it in Event Data", () => {
    const { device, events, ram, sent } = createDevice(3);
    const buffer = ram.buffer(6);
    ram.bytes.set(golden(6), buffer);
    device.submit(ISOCH_OUT, isoch(buffer, 6, TRB_CHAIN), eventData(0x11223344, 0x55667788));
    expect(events(16)).toMatchObject([{ code: CC_SUCCESS, isEventData: true, parameter: 0x11223344, length: 6 }]);
    expect(sent).toEqual([golden(6)]);
  });

  it("serves a zero-length packet and a No-Op", () => {
    const { device, events } = createDevice(0, 0);
    const [trb] = device.submit(ISOCH_OUT, isoch(0, 0, TRB_IOC));
    const [other] = device.submit(ISOCH_OUT, noOp(TRB_IOC));
    const heard = events(16);
    expect(heard).toMatchObject([
      { code: CC_SUCCESS, parameter: trb },
      { code: CC_SUCCESS, parameter: other },
    ]);
  });

  it("raises no interrupt for a TD that blocks it (BEI), and one for the next that does not", () => {
    const { device, events, ram, slot, driver } = createDevice(0);
    for (let count = 0; count < 3; count++) device.queue(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC | TRB_BEI));
    device.queue(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC));
    driver.consume(Number.POSITIVE_INFINITY);
    const before = slot.edges;
    device.doorbell(ISOCH_IN);
    expect(events(16).length).toBe(4);
    expect(slot.edges - before).toBeLessThanOrEqual(1);
  });

  it.each([
    ["stall", STATUS_STALL, CC_USB_TRANSACTION_ERROR],
    ["transaction error", STATUS_TRANSACTION_ERROR, CC_USB_TRANSACTION_ERROR],
    ["unknown endpoint", STATUS_INVALID, CC_USB_TRANSACTION_ERROR],
    [
      "babble of more than the buffer, which is smaller than the endpoint's payload",
      STATUS_BABBLE,
      CC_ISOCH_BUFFER_OVERRUN,
    ],
  ])("reports a %s for its packet and goes on", (_, status, code) => {
    const { device, events, back, queueIn } = createDevice(0);
    const answer = back.onTransfer;
    let packets = 0;
    back.onTransfer = (request) => {
      if (++packets === 2) back.answer(request, status, golden(3));
      else answer(request);
    };
    const { trbs } = queueIn(3);
    expect(events(32).slice(0, 3)).toMatchObject([
      { code: CC_SUCCESS, parameter: trbs[0] },
      { code, parameter: trbs[1], length: 5 },
      { code: CC_SUCCESS, parameter: trbs[2] },
    ]);
    expect(device.endpointState(ISOCH_IN)).toBe(EP_STATE_RUNNING);
  });

  it("reports babble as such where the buffer takes the endpoint's whole payload", () => {
    const { device, events, back, ram } = createDevice(0);
    back.onTransfer = (request) => back.answer(request, STATUS_BABBLE, 0);
    device.submit(ISOCH_IN, isoch(ram.buffer(1024), 1024, TRB_IOC));
    expect(events(16)).toMatchObject([{ code: CC_BABBLE }]);
  });

  it("after an error in the middle of a TD, tells of the last TRB too, if it wants an event", () => {
    const { device, events, back, ram } = createDevice(0);
    back.onTransfer = (request) => back.answer(request, STATUS_TRANSACTION_ERROR, golden(4));
    const buffers = [ram.buffer(10), ram.buffer(10)] as const;
    const trbs = device.submit(ISOCH_IN, isoch(buffers[0], 10, TRB_CHAIN), normal(buffers[1], 10, TRB_IOC));
    expect(events(16)).toMatchObject([
      { code: CC_USB_TRANSACTION_ERROR, parameter: trbs[0], length: 6 },
      { code: CC_USB_TRANSACTION_ERROR, parameter: trbs[1] },
    ]);
  });

  it("reports an OUT of more than the endpoint's payload, and a buffer outside of RAM, and goes on", () => {
    const { device, events, ram, sent } = createDevice(0);
    device.queue(ISOCH_OUT, isoch(ram.buffer(1025), 1025, TRB_IOC));
    device.queue(ISOCH_OUT, isoch(0xf0000000, 8, TRB_IOC));
    device.queue(ISOCH_OUT, isoch(ram.buffer(8), 8, TRB_IOC));
    device.doorbell(ISOCH_OUT);
    expect(events(32).slice(0, 3)).toMatchObject([
      { code: CC_BANDWIDTH_OVERRUN },
      { code: CC_DATA_BUFFER_ERROR },
      { code: CC_SUCCESS },
    ]);
    expect(sent.length).toBe(1);
    expect(device.endpointState(ISOCH_OUT)).toBe(EP_STATE_RUNNING);
  });

  it("answers a TD that is none with a TRB Error", () => {
    const { device, events, ram } = createDevice(0);
    const [trb] = device.submit(ISOCH_IN, normal(ram.buffer(8), 8, TRB_IOC));
    expect(events(8)).toMatchObject([{ code: CC_TRB_ERROR, parameter: trb }]);
    expect(device.endpointState(ISOCH_IN)).toBe(EP_STATE_ERROR);
  });

  describe("with Frame IDs", () => {
    it("serves a packet in the frame that is named", () => {
      const { device, driver, events, ram, frames } = createDevice(3);
      clock.pass(1000);
      const frame = (driver.readRuntime(0) >> 3) + 4;
      const [trb] = device.submit(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC, frame));
      expect(frames.map((each) => (each >> 3) & 0x7ff)).toEqual([frame & 0x7ff]);
      expect(events(24)).toEqual([]);
      expect(events(24)).toMatchObject([{ code: CC_SUCCESS, parameter: trb }]);
    });

    it("waits for a frame that is further away than what is handed over early", () => {
      const { device, driver, events, ram, frames } = createDevice(3);
      const frame = ((driver.readRuntime(0) >> 3) + 100) & 0x7ff;
      device.submit(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC, frame));
      expect(frames).toEqual([]);
      expect(events(8 * 80)).toEqual([]);
      expect(frames).toEqual([]);
      expect(events(8 * 30)).toMatchObject([{ code: CC_SUCCESS }]);
      expect(frames.map((each) => (each >> 3) & 0x7ff)).toEqual([frame]);
    });

    it.each([
      ["the frame that runs already", 0],
      ["one that has passed", -3],
      ["one past the end of the window", 900],
    ])("reports a missed service for %s, and serves the next", (_, offset) => {
      const { device, driver, events, ram, frames } = createDevice(3);
      clock.pass(8 * 3000);
      const now = driver.readRuntime(0) >> 3;
      const [missed] = device.queue(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC, now + offset));
      const [served] = device.queue(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC, now + 3));
      device.doorbell(ISOCH_IN);
      expect(events(48)).toMatchObject([
        { code: CC_MISSED_SERVICE, parameter: missed },
        { code: CC_SUCCESS, parameter: served },
      ]);
      expect(frames.length).toBe(1);
      expect(device.endpointState(ISOCH_IN)).toBe(EP_STATE_RUNNING);
    });

    it("reports a missed service behind packets that are on their way in its turn", () => {
      const { device, driver, events, ram } = createDevice(3);
      const now = driver.readRuntime(0) >> 3;
      device.queue(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC, now + 3));
      device.queue(ISOCH_IN, isoch(ram.buffer(8), 8, TRB_IOC, now + 3));
      device.doorbell(ISOCH_IN);
      expect(events()).toEqual([]);
      expect(events(48)).toMatchObject([{ code: CC_SUCCESS }, { code: CC_MISSED_SERVICE }]);
    });
  });

  it.each([
    ["overrun", ISOCH_IN, CC_RING_OVERRUN],
    ["underrun", ISOCH_OUT, CC_RING_UNDERRUN],
  ])("tells once of a ring %s when the guest has nothing more, and goes on at the next doorbell", (_, id, code) => {
    const { device, events, ram, frames } = createDevice(0);
    device.submit(id, isoch(ram.buffer(8), 8, TRB_IOC));
    expect(events(8)).toMatchObject([{ code: CC_SUCCESS }]);
    expect(events(780)).toEqual([]); // the guest may be at it
    expect(events(40)).toMatchObject([{ code, parameter: 0, endpointId: id }]);
    expect(events(400)).toEqual([]);
    device.submit(id, isoch(ram.buffer(8), 8, TRB_IOC));
    expect(events(8)).toMatchObject([{ code: CC_SUCCESS }]);
    expect((frames[1] as number) - (frames[0] as number)).toBeGreaterThan(700);
  });

  it("loses no service interval to a guest that hears a little late", () => {
    const { queueIn, events, frames } = createDevice(0);
    queueIn(8);
    events(8 + 720); // 90 ms after the last packet's interval
    queueIn(8);
    events(80);
    expect(frames.map((frame) => frame - (frames[0] as number))).toEqual(Array.from({ length: 16 }, (_, n) => n));
  });

  it("stops with the packets that have not had their time, and goes on with them", () => {
    const { device, events, queueIn, frames } = createDevice(3);
    const { trbs } = queueIn(6);
    const heard = events(20);
    const done = heard.length;
    expect(done).toBeGreaterThan(0);
    expect(device.stop(ISOCH_IN)).toBe(CC_SUCCESS);
    expect(device.endpointState(ISOCH_IN)).toBe(EP_STATE_STOPPED);
    expect(events()).toMatchObject([{ code: CC_STOPPED, parameter: trbs[done], length: 8 }]);
    expect(device.dequeue(ISOCH_IN)).toBe(trbs[done]);
    const asked = frames.length;
    expect(events(100)).toEqual([]);
    device.doorbell(ISOCH_IN);
    expect(
      events(100)
        .slice(0, 6 - done)
        .map(({ parameter }) => parameter),
    ).toEqual(trbs.slice(done));
    expect(frames.length).toBe(asked + 6 - done);
  });

  it("stops though the device never answers", () => {
    const { device, events, back, queueIn } = createDevice(0);
    back.onTransfer = () => {};
    const { trbs } = queueIn(3);
    expect(events(32)).toEqual([]);
    expect(device.stop(ISOCH_IN)).toBe(CC_SUCCESS);
    expect(events()).toMatchObject([{ code: CC_STOPPED, parameter: trbs[0] }]);
    expect(back.cancels.length).toBe(3);
  });

  it("comes back after a cancel that the guest has not asked for", () => {
    const { events, back, queueIn } = createDevice(0);
    back.onTransfer = (request) => back.answer(request, STATUS_CANCELLED, 0);
    queueIn(2);
    expect(events(16)).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR }, { code: CC_USB_TRANSACTION_ERROR }]);
  });
});

describe("a schedule", () => {
  it("catches up with what is a little late, and not with what is long past", () => {
    const schedule = new IsochSchedule(4);
    schedule.take(1000);
    expect(schedule.asap(1003)).toBe(1004);
    expect(schedule.asap(1700)).toBe(1004);
    expect(schedule.asap(2000)).toBe(2004);
  });

  it("finds the frame that a Frame ID names, across the wrap of the count", () => {
    const schedule = new IsochSchedule(8);
    const now = 8 * (2048 * 5 + 2046) + 3;
    expect(schedule.inFrame(0, now)).toBe(8 * 2048 * 6);
    expect(schedule.inFrame(2047, now)).toBeUndefined();
    expect(schedule.inFrame(894, now)).toBe(8 * (2048 * 6 + 894));
    expect(schedule.inFrame(896, now)).toBeUndefined();
  });
});
