/** Streams of a super-speed bulk endpoint: stream contexts, doorbells, stops, errors (xHCI 1.2 §4.12, §6.2.4). */
import { describe, expect, it } from "vitest";
import {
  EP_STATE_HALTED,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_BULK_IN,
  EP_TYPE_INTERRUPT_IN,
} from "../../../app/xhci/context.ts";
import {
  CC_INVALID_STREAM_TYPE,
  CC_PARAMETER_ERROR,
  CC_STALL,
  CC_STOPPED,
  CC_SUCCESS,
  CC_TRB_ERROR,
  TRB_IOC,
} from "../../../app/xhci/trb.ts";
import { SPEED_HIGH, SPEED_SUPER, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const golden = (length: number, first = 0x11) => Uint8Array.from({ length }, (_, index) => first + index * 0x11);

function createDevice(speed = SPEED_SUPER) {
  const rig = createRig({ placement: "deferred" });
  rig.driver.start();
  rig.back.plug(1, speed);
  const device = rig.driver.enumerate(speed === SPEED_SUPER ? 5 : 1, speed);
  return { ...rig, device };
}

/** 16 contexts: streams 1 to 15. */
function createStreams() {
  const rig = createDevice();
  rig.device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN, maxPacketSize: 1024, maxPrimaryStreams: 3 });
  const submit = (stream: number, length = 64) => {
    const buffer = rig.ram.buffer(length);
    return { buffer, trb: rig.device.submitStream(BULK_IN, stream, normal(buffer, length, TRB_IOC))[0] as number };
  };
  /** The dwords of a stream's context. */
  const context = (stream: number) => {
    const at = rig.device.streamContext(BULK_IN, stream);
    return [rig.ram.read32(at), rig.ram.read32(at + 4)];
  };
  return { ...rig, submit, context };
}

describe("an endpoint with streams", () => {
  it("advertises 256 contexts, linear only", () => {
    const { driver } = createDevice();
    const parameters = driver.bar.read(0x10, 4);
    expect((parameters >>> 12) & 0xf).toBe(7);
    expect((parameters >>> 7) & 1).toBe(1);
  });

  it("has a ring of its own for each stream, and the device answers them in its order", () => {
    const { back, device, submit, settle, ram } = createStreams();
    const wanted = [3, 1, 15].map((stream) => ({ stream, ...submit(stream) }));
    expect(back.held.map(({ stream, endpoint }) => [stream, endpoint])).toEqual([
      [3, 0x81],
      [1, 0x81],
      [15, 0x81],
    ]);
    for (const request of back.held.slice().reverse()) back.answer(request, STATUS_OK, golden(64, request.stream));
    settle();
    expect(device.events().map(({ parameter }) => parameter)).toEqual(wanted.toReversed().map(({ trb }) => trb));
    for (const { stream, buffer } of wanted) expect(ram.slice(buffer, 64)).toEqual(golden(64, stream));
  });

  it.each([0, 16, 17, 0xffff])("ignores a doorbell for stream %i, which it does not have", (stream) => {
    const { back, device, driver } = createStreams();
    driver.ring(device.slotId, BULK_IN, stream);
    expect(back.held).toEqual([]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_RUNNING);
  });

  it.each([0, 2, 3, 7])(
    "ignores a doorbell for a stream whose context has type %i, which is no primary ring",
    (type) => {
      const { back, ram, device, submit } = createStreams();
      const at = device.streamContext(BULK_IN, 2);
      ram.poke(at, (ram.read32(at) & ~0xe) | (type << 1));
      submit(2);
      expect(back.held).toEqual([]);
      submit(4);
      expect(back.held.length).toBe(1);
    },
  );

  it("stops every stream, and says in each context where its ring stands", () => {
    const { back, device, submit, settle, context } = createStreams();
    submit(1);
    const second = submit(1);
    const other = submit(7);
    back.answer(back.first(), STATUS_OK, golden(64));
    settle();
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS }]);
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_STOPPED);
    expect(device.events()).toMatchObject([
      { code: CC_STOPPED, parameter: second.trb },
      { code: CC_STOPPED, parameter: other.trb },
    ]);
    expect(context(1)).toEqual([second.trb | 2 | 1, 0]);
    expect(context(7)).toEqual([other.trb | 2 | 1, 0]);
    // The array's own address stays in the endpoint context.
    expect(device.dequeue(BULK_IN)).toBe(device.streamContext(BULK_IN, 0));
    device.doorbell(BULK_IN); // stream 0: nothing
    expect(back.held).toEqual([]);
    submit(7);
    // A doorbell makes the endpoint run, and so the others go on too.
    expect(back.held.map(({ stream }) => stream)).toEqual([1, 7, 7]);
  });

  it("halts with all its streams at a stall, and goes on where Set TR Dequeue says", () => {
    const { back, device, submit, settle, context, link } = createStreams();
    const first = submit(1);
    submit(2);
    back.answer(back.held[0] as never, STATUS_STALL, 0);
    settle();
    expect(device.events()).toMatchObject([{ code: CC_STALL, parameter: first.trb }]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_HALTED);
    expect(link.inFlight).toBe(0);
    expect(device.resetEndpoint(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.setDequeue(BULK_IN, first.trb + 16, 1, 1)).toBe(CC_SUCCESS);
    expect(context(1)).toEqual([(first.trb + 16) | 2 | 1, 0]);
    submit(3);
    expect(back.held.map(({ stream }) => stream)).toEqual([2, 3]);
  });

  it("answers Set TR Dequeue for a stream that it does not have, or of another type", () => {
    const { device } = createStreams();
    device.stop(BULK_IN);
    expect(device.setDequeue(BULK_IN, 0x1000, 1, 0)).toBe(CC_TRB_ERROR);
    expect(device.setDequeue(BULK_IN, 0x1000, 1, 16)).toBe(CC_TRB_ERROR);
    expect(device.setDequeue(BULK_IN, 0x1000, 1, 3, 0)).toBe(CC_INVALID_STREAM_TYPE);
    expect(device.setDequeue(BULK_IN, 0x1000, 1, 3, 2)).toBe(CC_INVALID_STREAM_TYPE);
    expect(device.setDequeue(BULK_IN, 0x1000, 1, 3, 1)).toBe(CC_SUCCESS);
  });

  it("stops at once when no stream was ever rung", () => {
    const { device } = createStreams();
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_STOPPED);
  });
});

describe("an endpoint without streams", () => {
  it("takes Set TR Dequeue for stream 0 only", () => {
    const { device } = createDevice();
    device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN });
    device.stop(BULK_IN);
    expect(device.setDequeue(BULK_IN, 0x1000, 1, 1)).toBe(CC_TRB_ERROR);
    expect(device.setDequeue(BULK_IN, 0x1000, 1)).toBe(CC_SUCCESS);
  });
});

describe("streams that cannot be configured", () => {
  it.each([
    ["at high speed", SPEED_HIGH, { type: EP_TYPE_BULK_IN, maxPrimaryStreams: 3 }],
    ["of an interrupt endpoint", SPEED_SUPER, { type: EP_TYPE_INTERRUPT_IN, maxPrimaryStreams: 3 }],
    ["with secondary arrays", SPEED_SUPER, { type: EP_TYPE_BULK_IN, maxPrimaryStreams: 3, linear: false }],
    ["more than MaxPSASize", SPEED_SUPER, { type: EP_TYPE_BULK_IN, maxPrimaryStreams: 8 }],
  ])("%s are a Parameter Error", (_, speed, wanted) => {
    const { device } = createDevice(speed);
    expect(device.configure([{ id: BULK_IN, ...wanted }])).toBe(CC_PARAMETER_ERROR);
    expect(device.endpointState(BULK_IN)).toBe(0);
  });
});
