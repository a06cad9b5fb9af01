/** Control transfers: three stage TDs that are one transfer (xHCI 1.2 §3.2.9, §4.11.2.2). */
import { describe, expect, it } from "vitest";
import { EP_STATE_HALTED } from "../../../app/xhci/context.ts";
import {
  CC_SHORT_PACKET,
  CC_STALL,
  CC_STOPPED,
  CC_STOPPED_LENGTH_INVALID,
  CC_SUCCESS,
  TRB_CHAIN,
  TRB_IOC,
  TRB_ISP,
} from "../../../app/xhci/trb.ts";
import { SPEED_HIGH, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { chained } from "../../fakes/guest-driver/producer-ring.ts";
import { type RigOptions, rigFactory } from "../../fakes/guest-driver/rig.ts";
import { dataStage, eventData, normal, setupStage, statusStage } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const golden = (length: number) => Uint8Array.from({ length }, (_, index) => 0x11 + index * 0x11);
const GET = { bmRequestType: 0xc0, bRequest: 0x5c };
const SET = { bmRequestType: 0x40, bRequest: 0x5b };

function createDevice(options: RigOptions = {}) {
  const rig = createRig(options);
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  return { ...rig, device: rig.driver.enumerate(1, SPEED_HIGH) };
}

describe.each(["thread", "deferred"] as const)("a control transfer in %s placement", (placement) => {
  it("without data is one event, of its status stage", () => {
    const { device, back } = createDevice({ placement });
    back.onTransfer = (request) => {
      expect(request).toMatchObject({ bmRequestType: 0x40, bRequest: 0x5b, wValue: 0x1122, wIndex: 0x3344, length: 0 });
      back.answer(request, STATUS_OK, 0);
    };
    const [, status] = device.control({ ...SET, wValue: 0x1122, wIndex: 0x3344 });
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: status, length: 0 }]);
  });

  it("brings its OUT data", () => {
    const { device, back, ram } = createDevice({ placement });
    back.onTransfer = (request) => {
      const data = new Uint8Array(100);
      expect(request.read(data)).toBe(100);
      expect(data).toEqual(golden(100));
      back.answer(request, STATUS_OK, 100);
    };
    const [, , status] = device.control({ ...SET, wLength: 100 }, ram.place(golden(100)));
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: status }]);
  });

  it("with short IN data reports the data stage as short and the status stage as a success", () => {
    const { device, back, ram } = createDevice({ placement });
    back.onTransfer = (request) => back.answer(request, STATUS_OK, golden(18));
    const buffer = ram.buffer(64);
    const [, data, status] = device.control({ ...GET, wLength: 64 }, buffer);
    expect(device.events()).toMatchObject([
      { code: CC_SHORT_PACKET, parameter: data, length: 46 },
      { code: CC_SUCCESS, parameter: status, length: 0 },
    ]);
    expect(ram.slice(buffer, 18)).toEqual(golden(18));
  });

  it("reports a setup stage with IOC without a residue, and the data stage all the same", () => {
    const { device, back, ram } = createDevice({ placement });
    back.onTransfer = (request) => back.answer(request, STATUS_OK, golden(8));
    const addresses = [
      ...device.queue(1, setupStage({ ...GET, wLength: 8 }, TRB_IOC)),
      ...device.queue(1, dataStage(true, ram.buffer(8), 8, TRB_IOC)),
      ...device.queue(1, statusStage(false)),
    ];
    device.doorbell(1);
    expect(device.events()).toMatchObject(addresses.map((parameter) => ({ code: CC_SUCCESS, parameter, length: 0 })));
  });

  it("takes a data stage of several TRBs and Event Data behind data and status", () => {
    const { device, back, ram } = createDevice({ placement });
    back.onTransfer = (request) => back.answer(request, STATUS_OK, golden(100));
    const buffer = ram.buffer(128);
    device.queue(1, setupStage({ ...GET, wLength: 128 }));
    device.queue(1, ...chained(dataStage(true, buffer, 64), normal(buffer + 64, 64), eventData(1, 0)));
    device.queue(1, ...chained(statusStage(false, 0), eventData(2, 0)));
    device.doorbell(1);
    expect(device.events()).toMatchObject([
      { code: CC_SHORT_PACKET, parameter: 1, length: 100, isEventData: true },
      { code: CC_SUCCESS, parameter: 2, length: 0, isEventData: true },
    ]);
    expect(ram.slice(buffer, 100)).toEqual(golden(100));
  });

  it("counts the bytes of each stage by itself for Event Data", () => {
    const { device, back, ram } = createDevice({ placement });
    back.onTransfer = (request) => back.answer(request, STATUS_OK, golden(8));
    device.queue(1, setupStage({ ...GET, wLength: 8 }));
    device.queue(1, dataStage(true, ram.buffer(8), 8));
    device.queue(1, ...chained(statusStage(false, 0), eventData(2, 0)));
    device.doorbell(1);
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: 2, length: 0, isEventData: true }]);
  });

  it.each([
    ["data", { ...GET, wLength: 64 }, 1, 64],
    ["status", SET, 1, 0],
  ])(
    "that stalls in its %s stage halts there, and clears with Reset Endpoint and Set TR Dequeue",
    (_, setup, at, left) => {
      const { device, back, ram, controller } = createDevice({ placement });
      back.onTransfer = (request) => back.answer(request, STATUS_STALL, 0);
      const addresses = device.control(setup, ram.buffer(64));
      expect(device.events()).toMatchObject([{ code: CC_STALL, parameter: addresses[at], length: left }]);
      expect(device.endpointState(1)).toBe(EP_STATE_HALTED);
      expect(controller.port(1).counters.errors).toBe(0); // it is an answer
      back.onTransfer = (request) => back.answer(request, STATUS_OK, 0);
      expect(device.resetEndpoint(1)).toBe(CC_SUCCESS);
      const { enqueue, cycle } = device.ringOf(1);
      expect(device.setDequeue(1, enqueue, cycle)).toBe(CC_SUCCESS);
      const again = device.control(SET);
      expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: again[1] }]);
    },
  );

  it.each([
    ["GET_DESCRIPTOR", 0x80, 6, 0],
    ["SET_CONFIGURATION", 0x00, 9, 0],
    ["GET_DESCRIPTOR of an interface", 0x81, 6, 1],
    ["SET_INTERFACE", 0x01, 11, 1],
    ["CLEAR_FEATURE of an endpoint", 0x02, 1, 1],
    ["a class request", 0x21, 9, 1],
    ["a vendor request", 0xc0, 1, 1],
  ])("%s: is it a driver's?", (_, bmRequestType, bRequest, driven) => {
    const { device, back, ram, controller } = createDevice({ placement });
    back.onTransfer = (request) => back.answer(request, STATUS_OK, 0);
    const before = controller.port(1).counters.driven;
    device.control({ ...SET, bmRequestType, bRequest }, ram.buffer(64));
    expect(controller.port(1).counters.driven - before).toBe(driven);
  });

  it("begins only when its status stage is there", () => {
    const { device, back, ram, settle } = createDevice({ placement });
    const seen: number[] = [];
    back.onTransfer = (request) => {
      seen.push(request.length);
      back.answer(request, STATUS_OK, 0);
    };
    device.submit(1, setupStage({ ...GET, wLength: 8 }));
    device.submit(1, dataStage(true, ram.buffer(8), 8, TRB_ISP));
    settle();
    expect(seen).toEqual([]);
    device.submit(1, statusStage(false));
    settle();
    expect(seen).toEqual([8]);
  });

  it("is sent one at a time: the next may depend on this one's answer", () => {
    const { device, back, settle } = createDevice({ placement });
    device.control(SET);
    device.control({ ...SET, wValue: 1 });
    settle();
    expect(back.held.length).toBe(1);
    back.answer(back.first(), STATUS_OK, 0);
    settle();
    expect(back.held.map(({ wValue }) => wValue)).toEqual([1]);
  });
});

describe("a control transfer that is stopped", () => {
  it.each([
    ["with data says how much is missing of it", 8, CC_STOPPED, 1, 8],
    ["without data has no length to tell of, and says so", 0, CC_STOPPED_LENGTH_INVALID, 1, 0],
  ])("%s", (_, wLength, code, stage, length) => {
    const { device, ram } = createDevice({ placement: "deferred" });
    const trbs = device.control({ ...GET, wLength }, ram.buffer(8));
    expect(device.stop(1)).toBe(CC_SUCCESS);
    expect(device.events()).toMatchObject([{ code, parameter: trbs[stage], length }]);
  });
});

describe("wLength and the data stage differ:", () => {
  it("an IN with more room than wLength is short", () => {
    const { device, back, ram } = createDevice();
    back.onTransfer = (request) => back.answer(request, STATUS_OK, golden(request.length));
    const buffer = ram.buffer(64);
    device.queue(1, setupStage({ ...GET, wLength: 8 }));
    device.queue(1, dataStage(true, buffer, 64, TRB_ISP));
    device.submit(1, statusStage(false));
    expect(device.events()).toMatchObject([{ code: CC_SHORT_PACKET, length: 56 }, { code: CC_SUCCESS }]);
    expect(ram.slice(buffer + 8, 56)).toEqual(new Uint8Array(56).fill(0xa5));
  });

  it("an IN with less room than wLength fills what there is and nothing behind it", () => {
    const { device, back, ram } = createDevice();
    back.onTransfer = (request) => back.answer(request, STATUS_OK, golden(request.length));
    const buffer = ram.buffer(64);
    device.queue(1, setupStage({ ...GET, wLength: 64 }));
    device.queue(1, dataStage(true, buffer, 8, TRB_ISP));
    device.submit(1, statusStage(false));
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS }]);
    expect(ram.slice(buffer, 8)).toEqual(golden(8));
    expect(ram.slice(buffer + 8, 56)).toEqual(new Uint8Array(56).fill(0xa5));
  });

  it("an OUT with more data than wLength writes to no other URB's payload", () => {
    const { device, back, ram, link } = createDevice();
    const { core } = link;
    // Block 0 of the arena's pool, and every other slot's own block, keep their canary.
    const canary = new Uint8Array(core.memory.buffer as unknown as SharedArrayBuffer);
    const arena = core.exports.block(0, 0) >>> 0;
    const length = 0x1ffff;
    let slot = -1;
    back.onTransfer = (request) => {
      slot = request.slot;
      back.answer(request, STATUS_OK, 4);
    };
    canary.fill(0x5a, arena, arena + 512 * 0x10000);
    device.queue(1, setupStage({ ...SET, wLength: 4 }));
    device.queue(1, dataStage(false, ram.place(golden(length)), length, TRB_CHAIN), normal(0x1000, 100));
    device.submit(1, statusStage(true));
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS }]);
    const own = core.exports.block(slot, 0) >>> 0;
    expect(canary.slice(own, own + 5)).toEqual(Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x5a));
    const touched = canary
      .subarray(arena, arena + 512 * 0x10000)
      .reduce((count, byte) => count + Number(byte !== 0x5a), 0);
    expect(touched).toBe(4);
  });
});
