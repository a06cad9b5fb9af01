/** The event ring and interrupter 0: order, fullness, segments, EHB, IP, EINT, INTx (xHCI 1.2 §4.9.4, §4.17). */
import { describe, expect, it } from "vitest";
import { EP_TYPE_BULK_IN, EP_TYPE_BULK_OUT } from "../../../app/xhci/context.ts";
import {
  CC_EVENT_RING_FULL,
  CC_SUCCESS,
  TRB_BEI,
  TRB_COMMAND_COMPLETION,
  TRB_HOST_CONTROLLER,
  TRB_IOC,
  TRB_ISP,
  TRB_MFINDEX_WRAP,
} from "../../../app/xhci/trb.ts";
import { SPEED_HIGH, STATUS_OK } from "../../../asm/layout.ts";
import { standingClock } from "../../fakes/guest-driver/bus-time.ts";
import type { StartOptions } from "../../fakes/guest-driver/driver.ts";
import { type Placement, type RigOptions, rigFactory } from "../../fakes/guest-driver/rig.ts";
import { command, normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const BULK_OUT = 4;
const USBSTS = 0x04;
const USBCMD = 0x00;
const IMAN = 0x20;
const ERSTBA = 0x30;
const ERDP = 0x38;
const EINT = 8;
const BUSY = 8;

function createDevice(options: RigOptions & StartOptions = {}) {
  const rig = createRig(options);
  rig.driver.start(options);
  rig.back.plug(1, SPEED_HIGH);
  const device = rig.driver.enumerate(1, SPEED_HIGH);
  device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN }, { id: BULK_OUT, type: EP_TYPE_BULK_OUT });
  return { ...rig, device };
}

describe("the event ring", () => {
  it.each([[[16]], [[16, 16]], [[16, 32, 17]], [Array.from({ length: 16 }, () => 16)]])(
    "of segments of %j goes round many times, in order",
    (eventSegments) => {
      const { device, back, ram } = createDevice({ eventSegments });
      back.onTransfer = (request) => back.answer(request, STATUS_OK, request.length);
      const buffer = ram.buffer(64);
      for (let round = 0; round < 300; round++) {
        const burst = Array.from(
          { length: 1 + (round % 11) },
          () => device.queue(BULK_OUT, normal(buffer, 8, TRB_IOC))[0],
        );
        device.doorbell(BULK_OUT);
        expect(device.events().map(({ parameter }) => parameter)).toEqual(burst);
      }
    },
  );

  it("that is full says so, loses nothing and keeps the order", () => {
    const { device, driver, back, ram, link } = createDevice({ eventSegments: [16] });
    back.onTransfer = (request) => back.answer(request, STATUS_OK, request.length);
    const buffer = ram.buffer(64);
    const trbs = Array.from({ length: 100 }, () => device.queue(BULK_OUT, normal(buffer, 8, TRB_IOC))[0]);
    device.doorbell(BULK_OUT);
    const noOp = driver.issue(command.noOp());
    while (driver.consume(3) > 0);
    const transfers = driver.events.filter(({ endpointId }) => endpointId === BULK_OUT);
    expect(transfers.map(({ parameter }) => parameter)).toEqual(trbs);
    expect(driver.events.filter(({ type }) => type === TRB_COMMAND_COMPLETION)).toMatchObject([{ parameter: noOp }]);
    const full = driver.events.filter(({ type }) => type === TRB_HOST_CONTROLLER);
    expect(full.length).toBeGreaterThan(0);
    expect(full.every(({ code }) => code === CC_EVENT_RING_FULL)).toBe(true);
    expect(driver.events.length).toBe(trbs.length + 1 + full.length);
    expect(link.inFlight).toBe(0);
  });

  it("lets the rings go on by themselves when the guest makes room", () => {
    const { device, driver, back, ram, settle } = createDevice({ eventSegments: [16], placement: "deferred" });
    const buffer = ram.buffer(64);
    for (let count = 0; count < 32; count++) device.queue(BULK_IN, normal(buffer, 8, TRB_IOC | TRB_ISP));
    device.doorbell(BULK_IN);
    for (const request of back.held.slice()) back.answer(request, STATUS_OK, 8);
    settle();
    // No room for the answers: what is rung for now has to wait.
    const [out] = device.submit(BULK_OUT, normal(buffer, 8, TRB_IOC));
    const noOp = driver.issue(command.noOp());
    expect(back.held).toEqual([]);
    const completions = driver.take(({ type }) => type === TRB_COMMAND_COMPLETION);
    expect(completions).toMatchObject([{ parameter: noOp }]);
    back.answer(back.first(2), STATUS_OK, 8);
    const events = device.events();
    expect(events.length).toBe(33);
    expect(events.at(-1)).toMatchObject({ code: CC_SUCCESS, parameter: out });
  });

  it("that is not there yet keeps its events until it is", () => {
    const { driver, back, ram, settle } = createRig();
    driver.start();
    driver.reset();
    driver.writeOperational(USBCMD, 1);
    back.plug(1, SPEED_HIGH);
    settle();
    const ring = ram.allocate(16 * 16);
    const table = ram.allocate(16);
    ram.poke(table, ring, 0, 16, 0);
    driver.writeRuntime(0x28, 1);
    driver.writeRuntime(ERDP, ring);
    [table & 0xff, (table >>> 8) & 0xff, (table >>> 16) & 0xff, table >>> 24].forEach((byte, index) => {
      driver.bar.write(driver.capabilities.runtime + ERSTBA + index, 1, byte);
    });
    expect(ram.read32(ring)).toBe(1 << 24);
    expect(ram.read32(ring + 12)).toBe((34 << 10) | 1);
  });
});

describe("interrupt moderation", () => {
  const clock = standingClock();
  const IMOD = 0x24;
  /** 40 µs, as Linux sets it, in units of 250 ns. */
  const FORTY_US = 160;

  function createModerated(placement: Placement) {
    const rig = createDevice({ placement });
    rig.driver.writeRuntime(IMOD, FORTY_US);
    const buffer = rig.ram.buffer(64);
    const queue = (count: number) => {
      for (let each = 0; each < count; each++) rig.device.queue(BULK_IN, normal(buffer, 8, TRB_IOC));
      rig.device.doorbell(BULK_IN);
    };
    const answer = () => {
      rig.back.answer(rig.back.first(), STATUS_OK, 8);
      rig.settle();
    };
    rig.driver.service();
    clock.pass(100);
    return { ...rig, queue, answer };
  }

  it("holds back what comes by itself too soon after the last, and loses nothing", () => {
    const { driver, slot, queue, answer } = createModerated("deferred");
    queue(3);
    driver.service();
    const edges = slot.edges;
    clock.pass(8);
    answer();
    expect(slot.edges - edges).toBe(1);
    expect(driver.service()).toBe(1);
    answer();
    expect(slot.edges - edges).toBe(1);
    answer();
    expect(slot.edges - edges).toBe(1);
    clock.pass(8);
    expect(slot.edges - edges).toBe(2);
    expect(driver.service()).toBe(2);
    clock.pass(80);
    expect(slot.edges - edges).toBe(2);
  });

  it("raises no interrupt for events that the guest took meanwhile", () => {
    const { driver, slot, queue, answer } = createModerated("deferred");
    queue(2);
    answer();
    driver.service();
    answer();
    const edges = slot.edges;
    driver.consume(10);
    clock.pass(80);
    expect(slot.edges).toBe(edges);
  });

  it("does not slow a device that answers inside the doorbell", () => {
    const { driver, slot, back, queue } = createModerated("thread");
    back.onTransfer = (request) => back.answer(request, STATUS_OK, 8);
    const edges = slot.edges;
    for (let count = 0; count < 5; count++) {
      queue(1);
      expect(driver.service()).toBe(1);
    }
    expect(slot.edges - edges).toBe(5);
  });
});

describe("an MFINDEX wrap", () => {
  const clock = standingClock();
  const EWE = 1 << 10;
  const WRAP = 0x4000;

  it("is an event every 2.048 s, for a guest that wants to know, while the xHC runs", () => {
    const { driver, settle } = createDevice();
    const wraps = () => {
      settle();
      return driver.take(({ type }) => type === TRB_MFINDEX_WRAP);
    };
    clock.pass(3 * WRAP);
    expect(wraps()).toEqual([]);
    driver.writeOperational(0, driver.readOperational(0) | EWE);
    clock.pass(WRAP);
    expect(wraps()).toMatchObject([{ code: CC_SUCCESS, parameter: 0, slotId: 0 }]);
    clock.pass(2 * WRAP);
    expect(wraps().length).toBe(2);
    driver.writeOperational(0, driver.readOperational(0) & ~1);
    clock.pass(2 * WRAP);
    driver.writeOperational(0, 5);
    expect(wraps()).toEqual([]);
  });
});

describe("interrupts", () => {
  it("come once until the guest says with EHB that it has looked", () => {
    const { device, driver, back, ram, slot, settle } = createDevice({ placement: "deferred" });
    const buffer = ram.buffer(64);
    for (let count = 0; count < 3; count++) device.queue(BULK_IN, normal(buffer, 8, TRB_IOC));
    device.doorbell(BULK_IN);
    const answer = () => {
      back.answer(back.first(), STATUS_OK, 8);
      settle();
    };
    const edges = slot.edges;
    answer();
    expect(slot.asserted).toBe(true);
    expect(driver.readRuntime(IMAN) & 1).toBe(1);
    expect(driver.readOperational(USBSTS) & EINT).toBe(EINT);
    expect(driver.readRuntime(ERDP) & BUSY).toBe(BUSY);
    driver.writeOperational(USBSTS, EINT);
    expect(slot.asserted).toBe(true);
    driver.writeRuntime(IMAN, 3);
    expect(slot.asserted).toBe(false);
    // The guest is still at it: events come, interrupts do not.
    answer();
    expect(slot.asserted).toBe(false);
    expect(driver.readOperational(USBSTS) & EINT).toBe(0);
    // It took one event and says that it is done, but there is another: raised again, and claimed.
    const first = driver.events0.dequeue + 16;
    driver.writeRuntime(ERDP, first);
    expect(slot.asserted).toBe(false);
    driver.writeRuntime(ERDP, first | BUSY);
    expect(slot.asserted).toBe(true);
    expect(driver.readOperational(USBSTS) & EINT).toBe(EINT);
    expect(slot.edges - edges).toBe(2);
    driver.service();
    expect(slot.asserted).toBe(false);
    answer();
    expect(slot.edges - edges).toBe(3);
  });

  it("are not raised for events that block them, but for the errors behind", () => {
    const { device, back, ram, slot, driver } = createDevice();
    back.onTransfer = (request) => back.answer(request, STATUS_OK, request.length);
    const buffer = ram.buffer(64);
    driver.service();
    device.submit(BULK_OUT, normal(buffer, 8, TRB_IOC | TRB_BEI));
    expect(slot.asserted).toBe(false);
    device.submit(BULK_OUT, normal(0xfffffff0, 8, TRB_IOC | TRB_BEI));
    expect(slot.asserted).toBe(true);
    expect(device.events().length).toBe(2);
  });

  it("are not raised for a short packet's ISP event by BEI without IOC", () => {
    const { device, back, ram, slot } = createDevice();
    back.onTransfer = (request) => back.answer(request, STATUS_OK, 4);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_ISP | TRB_BEI));
    expect(slot.asserted).toBe(true);
  });

  it("follow IE and INTE", () => {
    const { driver, slot } = createDevice();
    driver.issue(command.noOp());
    expect(slot.asserted).toBe(true);
    driver.writeRuntime(IMAN, 0);
    expect(slot.asserted).toBe(false);
    driver.writeRuntime(IMAN, 2);
    expect(slot.asserted).toBe(true);
    driver.writeOperational(USBCMD, 1);
    expect(slot.asserted).toBe(false);
    driver.writeOperational(USBCMD, 5);
    expect(slot.asserted).toBe(true);
    driver.reset();
    expect(slot.asserted).toBe(false);
  });

  it("and events never come while the controller stands", () => {
    const { driver, back, ram, slot, settle, device } = createDevice({ placement: "deferred" });
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    driver.halt();
    driver.service();
    ram.onWrite = () => {
      throw new Error("a write to memory while halted");
    };
    back.plug(2, SPEED_HIGH);
    settle();
    back.unplug(1);
    driver.port(2).startReset();
    driver.ring(0, 0);
    driver.ring(device.slotId, BULK_OUT);
    settle();
    ram.onWrite = undefined;
    expect(slot.asserted).toBe(false);
    expect(driver.events).toEqual([]);
  });
});
