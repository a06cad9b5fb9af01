/** Endpoint states: stalls, Stop Endpoint and its races, Set TR Dequeue, Reset Endpoint (xHCI 1.2 §4.6.8 to §4.6.10, §4.8.3). */
import { describe, expect, it, vi } from "vitest";
import {
  EP_STATE_DISABLED,
  EP_STATE_HALTED,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
} from "../../../app/xhci/context.ts";
import {
  CC_CONTEXT_STATE_ERROR,
  CC_STALL,
  CC_STOPPED,
  CC_SUCCESS,
  CC_USB_TRANSACTION_ERROR,
  TRB_CHAIN,
  TRB_IOC,
  TRB_ISP,
  TRB_PORT_STATUS_CHANGE,
} from "../../../app/xhci/trb.ts";
import {
  SPEED_HIGH,
  STATUS_CANCELLED,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
} from "../../../asm/layout.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { command, noOp, normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const BULK_OUT = 4;
const SLOTS = 256;
const golden = (length: number, first = 0x11) => Uint8Array.from({ length }, (_, index) => first + index * 0x11);

function createDevice() {
  const rig = createRig({ placement: "deferred" });
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  const device = rig.driver.enumerate(1, SPEED_HIGH);
  device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN }, { id: BULK_OUT, type: EP_TYPE_BULK_OUT });
  const queueIn = (count: number, length = 64) => {
    const buffers = Array.from({ length: count }, () => rig.ram.buffer(length));
    const trbs = buffers.map((buffer) => device.queue(BULK_IN, normal(buffer, length, TRB_IOC | TRB_ISP))[0] as number);
    device.doorbell(BULK_IN);
    return { buffers, trbs };
  };
  return { ...rig, device, queueIn };
}

describe("a stall", () => {
  it("takes back the TDs behind it, which run again after Reset Endpoint and Set TR Dequeue", () => {
    const { device, back, link, queueIn, settle, ram } = createDevice();
    const { trbs, buffers } = queueIn(4);
    expect(back.held.length).toBe(4);
    back.answer(back.first(), STATUS_STALL, 0);
    expect(device.events()).toMatchObject([{ code: CC_STALL, parameter: trbs[0], length: 64 }]);
    expect(back.held).toEqual([]);
    expect(link.inFlight).toBe(0);

    // A halted endpoint ignores its doorbell.
    device.doorbell(BULK_IN);
    expect(back.held).toEqual([]);
    expect(device.resetEndpoint(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_STOPPED);
    expect(device.dequeue(BULK_IN)).toBe(trbs[0]);
    expect(device.setDequeue(BULK_IN, trbs[1] as number, 1)).toBe(CC_SUCCESS);
    expect(device.dequeue(BULK_IN)).toBe(trbs[1]);
    expect(back.held).toEqual([]);
    device.doorbell(BULK_IN);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_RUNNING);
    back.held.slice().forEach((request, index) => {
      back.answer(request, STATUS_OK, golden(64, index));
    });
    settle();
    expect(device.events().map(({ parameter }) => parameter)).toEqual(trbs.slice(1));
    buffers.slice(1).forEach((buffer, index) => {
      expect(ram.slice(buffer, 64)).toEqual(golden(64, index));
    });
  });

  it("answered in one burst with the transfers around it leaves the earlier done and the later undone", () => {
    const { device, back, link, controller, queueIn, ram } = createDevice();
    const { trbs, buffers } = queueIn(4);
    const [first, second, third, fourth] = back.held.slice();
    if (!first || !second || !third || !fourth) throw new Error("not all are held");
    back.answer(first, STATUS_OK, golden(64));
    back.answer(second, STATUS_STALL, 0);
    back.answer(third, STATUS_CANCELLED, 0);
    back.answer(fourth, STATUS_CANCELLED, 0);
    expect(device.events()).toMatchObject([
      { code: CC_SUCCESS, parameter: trbs[0] },
      { code: CC_STALL, parameter: trbs[1] },
    ]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_HALTED);
    expect(device.dequeue(BULK_IN)).toBe(trbs[1]);
    expect(ram.slice(buffers[2] as number, 64)).toEqual(new Uint8Array(64).fill(0xa5));
    expect(link.inFlight).toBe(0);
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
    expect(controller.port(1).counters.inFlight).toBe(0);
  });

  it("answered out of order waits for the transfers before it", () => {
    const { device, back, queueIn, settle } = createDevice();
    const { trbs } = queueIn(2);
    const [first, second] = back.held.slice();
    if (!first || !second) throw new Error("not all are held");
    back.answer(second, STATUS_STALL, 0);
    settle();
    expect(device.events()).toEqual([]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_RUNNING);
    back.answer(first, STATUS_OK, golden(64));
    expect(device.events()).toMatchObject([
      { code: CC_SUCCESS, parameter: trbs[0] },
      { code: CC_STALL, parameter: trbs[1] },
    ]);
  });
});

describe("Reset Endpoint after a transaction error", () => {
  function failed() {
    const rig = createDevice();
    const { trbs, buffers } = rig.queueIn(2);
    rig.back.answer(rig.back.first(), STATUS_TRANSACTION_ERROR, golden(20));
    expect(rig.device.events()).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR, parameter: trbs[0], length: 44 }]);
    return { ...rig, trbs, buffers };
  }

  it("goes on where the TD failed when the transfer state is preserved (TSP): no byte is lost or doubled", () => {
    const { device, back, ram, trbs, buffers, settle } = failed();
    expect(device.resetEndpoint(BULK_IN, true)).toBe(CC_SUCCESS);
    device.doorbell(BULK_IN);
    expect(back.first().length).toBe(44);
    back.answer(back.first(), STATUS_OK, golden(64).subarray(20));
    settle();
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: trbs[0], length: 0 }]);
    expect(ram.slice(buffers[0] as number, 64)).toEqual(golden(64));
  });

  it("begins the TD anew without it", () => {
    const { device, back } = failed();
    expect(device.resetEndpoint(BULK_IN)).toBe(CC_SUCCESS);
    device.doorbell(BULK_IN);
    expect(back.first().length).toBe(64);
  });
});

describe("an OUT that is stopped half way", () => {
  it("goes on with the bytes that the device has not had", () => {
    const { device, driver, back, ram, settle } = createDevice();
    const buffer = ram.buffer(64);
    ram.bytes.set(golden(64), buffer);
    const [trb] = device.submit(BULK_OUT, normal(buffer, 30, TRB_CHAIN), normal(buffer + 30, 34, TRB_IOC));
    back.onCancel = (request) => back.answer(request, STATUS_CANCELLED, 20);
    expect(device.stop(BULK_OUT)).toBe(CC_SUCCESS);
    expect(device.events()).toMatchObject([{ code: CC_STOPPED, parameter: trb, length: 10 }]);
    driver.ring(device.slotId, BULK_OUT);
    const rest = new Uint8Array(44);
    expect(back.first().length).toBe(44);
    back.first().read(rest);
    expect(rest).toEqual(golden(64).subarray(20));
    back.answer(back.first(), STATUS_OK, 44);
    settle();
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, length: 0 }]);
  });
});

describe("Stop Endpoint", () => {
  it("of an idle endpoint is answered at once and says where the ring stands", () => {
    const { device, queueIn, back } = createDevice();
    const { trbs } = queueIn(1);
    back.answer(back.first(), STATUS_OK, golden(64));
    device.events();
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_STOPPED);
    expect(device.dequeue(BULK_IN)).toBe((trbs[0] as number) + 16);
    expect(device.events()).toEqual([]);
  });

  it("ends held transfers: the command completes when the device has answered, after the Stopped event", () => {
    const { device, driver, back, link, queueIn, settle } = createDevice();
    const { trbs } = queueIn(3);
    back.onCancel = () => {};
    const address = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    expect(driver.completionOf(address)).toBeUndefined();
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_RUNNING);
    // The newest is asked first: no device begins the next one meanwhile.
    expect(back.cancels).toEqual(back.held.toReversed());
    for (const request of back.cancels) back.answer(request, STATUS_CANCELLED, 0);
    settle();
    driver.service();
    expect(driver.events).toMatchObject([
      { code: CC_STOPPED, parameter: trbs[0], length: 64, endpointId: BULK_IN },
      { code: CC_SUCCESS, parameter: address },
    ]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_STOPPED);
    expect(device.dequeue(BULK_IN)).toBe(trbs[0]);
    expect(link.inFlight).toBe(0);
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
  });

  it("ends in bounded time though the backend is dead: the port is empty first, then the transfers end", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { device, driver, back, controller, queueIn } = createDevice();
      const { trbs } = queueIn(2);
      back.onCancel = () => {};
      const stop = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
      vi.advanceTimersByTime(4000); // Linux waits 5 s
      driver.service();
      expect(driver.events).toMatchObject([
        { type: TRB_PORT_STATUS_CHANGE, parameter: 1 << 24 },
        { code: CC_USB_TRANSACTION_ERROR, parameter: trbs[0] },
        { code: CC_CONTEXT_STATE_ERROR, parameter: stop },
      ]);
      expect(device.endpointState(BULK_IN)).toBe(EP_STATE_HALTED);
      expect(controller.port(1).counters.inFlight).toBe(0);
      expect(driver.port(1).connected).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it("lets the next commands wait, in order", () => {
    const { device, driver, back, queueIn, settle } = createDevice();
    queueIn(1);
    back.onCancel = () => {};
    const stop = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    const next = driver.issue(command.noOp());
    settle();
    expect(driver.completionOf(next)).toBeUndefined();
    back.answer(back.first(), STATUS_CANCELLED, 0);
    const completions = driver.take(({ type }) => type === 33).map(({ parameter }) => parameter);
    expect(completions).toEqual([stop, next]);
  });

  it("that comes too late: transfers that were done are done", () => {
    const { device, driver, back, queueIn, settle } = createDevice();
    const { trbs } = queueIn(2);
    back.onCancel = (request) => back.answer(request, STATUS_OK, golden(64));
    const address = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    settle();
    expect(driver.completionOf(address)).toMatchObject({ code: CC_SUCCESS });
    expect(device.events()).toMatchObject(trbs.map((parameter) => ({ code: CC_SUCCESS, parameter })));
    expect(device.dequeue(BULK_IN)).toBe((trbs[1] as number) + 16);
  });

  it("that meets a stall is a Context State Error on a halted endpoint", () => {
    const { device, driver, back, queueIn, settle } = createDevice();
    const { trbs } = queueIn(2);
    back.onCancel = () => {};
    const address = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    back.answer(back.first(), STATUS_STALL, 0);
    settle();
    expect(driver.completionOf(address)).toMatchObject({ code: CC_CONTEXT_STATE_ERROR });
    expect(device.events()).toMatchObject([{ code: CC_STALL, parameter: trbs[0] }]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_HALTED);
  });

  it("keeps partial IN data, and the TD goes on behind it", () => {
    const { device, back, ram, queueIn, settle, link } = createDevice();
    const { trbs, buffers } = queueIn(1);
    back.onCancel = (request) => back.answer(request, STATUS_CANCELLED, golden(20));
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.events()).toMatchObject([{ code: CC_STOPPED, parameter: trbs[0], length: 44 }]);
    expect(device.dequeue(BULK_IN)).toBe(trbs[0]);
    device.doorbell(BULK_IN);
    expect(back.first().length).toBe(44);
    back.answer(back.first(), STATUS_OK, golden(64).slice(20));
    settle();
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: trbs[0], length: 0 }]);
    expect(ram.slice(buffers[0] as number, 64)).toEqual(golden(64));
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
  });

  it("and Set TR Dequeue give a half-done TD up for good", () => {
    const { device, back, ram, queueIn, settle } = createDevice();
    const { trbs, buffers } = queueIn(2);
    back.onCancel = (request) =>
      back.answer(
        request,
        STATUS_CANCELLED,
        request === back.cancels.at(-1) && back.cancels.length === 2 ? golden(20) : 0,
      );
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    device.events();
    expect(device.setDequeue(BULK_IN, trbs[1] as number, 1)).toBe(CC_SUCCESS);
    device.doorbell(BULK_IN);
    expect(back.first().length).toBe(64);
    back.answer(back.first(), STATUS_OK, golden(64));
    settle();
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: trbs[1], length: 0 }]);
    expect(ram.slice(buffers[1] as number, 64)).toEqual(golden(64));
  });

  it("lets the guest turn a TD into No-Ops and go on", () => {
    const { device, back, ram, queueIn, settle } = createDevice();
    const { trbs } = queueIn(2);
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    device.events();
    const [low, high, status, control] = noOp();
    ram.poke(trbs[0] as number, low, high, status, control | 1);
    device.doorbell(BULK_IN);
    back.answer(back.first(), STATUS_OK, golden(64));
    settle();
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: trbs[1] }]);
  });

  it("with more TDs on the ring than are in flight points to the first that is not done", () => {
    const { device, back, queueIn, settle } = createDevice();
    const { trbs } = queueIn(40);
    expect(back.held.length).toBe(32);
    back.answer(back.first(), STATUS_OK, golden(64));
    settle();
    expect(back.held.length).toBe(32);
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.dequeue(BULK_IN)).toBe(trbs[1]);
    device.doorbell(BULK_IN);
    for (let done = 1; done < 40; done++) {
      back.answer(back.first(), STATUS_OK, golden(64));
      settle();
    }
    const events = device.events().filter(({ code }) => code === CC_SUCCESS);
    expect(events.map(({ parameter }) => parameter)).toEqual(trbs);
  });

  it("in the wrong state is a Context State Error", () => {
    const { device, back, queueIn, settle } = createDevice();
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.stop(BULK_IN)).toBe(CC_CONTEXT_STATE_ERROR);
    queueIn(1);
    back.answer(back.first(), STATUS_STALL, 0);
    settle();
    expect(device.stop(BULK_IN)).toBe(CC_CONTEXT_STATE_ERROR);
  });

  it("is over when the controller halts, and the command ring lives on", () => {
    const { device, driver, back, link, queueIn, settle } = createDevice();
    queueIn(1);
    back.onCancel = () => {};
    const address = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    driver.halt();
    driver.service();
    expect(driver.completionOf(address)).toMatchObject({ code: CC_SUCCESS });
    driver.run();
    expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
    back.answer(back.first(), STATUS_OK, golden(64));
    settle();
    expect(device.events()).toEqual([]);
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
  });
});

describe("an endpoint", () => {
  it("that is dropped gives up its transfers, and late answers find nobody", () => {
    const { device, back, ram, link, queueIn, settle } = createDevice();
    const { buffers } = queueIn(2);
    back.onCancel = () => {};
    expect(device.configure([], [BULK_IN])).toBe(CC_SUCCESS);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_DISABLED);
    for (const request of back.held.slice()) back.answer(request, STATUS_OK, golden(64));
    settle();
    expect(device.events()).toEqual([]);
    expect(ram.slice(buffers[0] as number, 64)).toEqual(new Uint8Array(64).fill(0xa5));
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
  });

  it("that is dropped while it waits for a free URB never runs again", () => {
    const { device, back, link, queueIn, settle } = createDevice();
    // All the pool's blocks are taken: a TD of two blocks has to wait.
    const { exports } = link.core;
    const taken: number[] = [];
    while (exports.freeBlocks() > 0) taken.push(exports.reserve(0x20000));
    queueIn(1, 0x1ffff);
    expect(back.held).toEqual([]);
    expect(device.configure([], [BULK_IN])).toBe(CC_SUCCESS);
    for (const slot of taken) exports.release(slot, 0x20000);
    // An answer of another endpoint says that there are free URBs again.
    device.control({ bmRequestType: 0, bRequest: 9 });
    back.answer(back.first(0), STATUS_OK, 0);
    settle();
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, endpointId: 1 }]);
    expect(back.held).toEqual([]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_DISABLED);
  });

  it("that waits for a free URB goes on when another endpoint's comes back", () => {
    const { device, back, link, queueIn, settle } = createDevice();
    const { exports } = link.core;
    const taken: number[] = [];
    while (exports.freeSlots() > 1) taken.push(exports.reserve(0));
    device.control({ bmRequestType: 0, bRequest: 9 });
    const { trbs } = queueIn(2);
    expect(back.held.length).toBe(1);
    for (let count = 0; count < 3; count++) {
      back.answer(back.first(), STATUS_OK, 0);
      settle();
    }
    const events = device.events().filter(({ endpointId }) => endpointId === BULK_IN);
    expect(events.map(({ parameter }) => parameter)).toEqual(trbs);
    for (const slot of taken) exports.release(slot, 0);
  });

  it("goes on where it stood when the controller halts and runs again", () => {
    const { device, driver, back, queueIn, settle } = createDevice();
    const { trbs } = queueIn(2);
    driver.halt();
    settle();
    expect(back.held).toEqual([]);
    driver.run();
    settle();
    expect(back.held.length).toBe(2);
    for (const request of back.held.slice()) back.answer(request, STATUS_OK, golden(64));
    settle();
    expect(device.events().map(({ parameter }) => parameter)).toEqual(trbs);
  });
});
