/** Commands in every state, right and wrong, and the command ring itself (xHCI 1.2 §4.6). */
import { describe, expect, it } from "vitest";
import {
  EP_STATE_RUNNING,
  EP_TYPE_BULK_IN,
  EP_TYPE_ISOCH_IN,
  SLOT_STATE_ADDRESSED,
  SLOT_STATE_CONFIGURED,
  SLOT_STATE_DEFAULT,
} from "../../../app/xhci/context.ts";
import {
  CC_BANDWIDTH_ERROR,
  CC_COMMAND_ABORTED,
  CC_COMMAND_RING_STOPPED,
  CC_CONTEXT_STATE_ERROR,
  CC_ENDPOINT_NOT_ENABLED,
  CC_NO_SLOTS,
  CC_PARAMETER_ERROR,
  CC_SLOT_NOT_ENABLED,
  CC_SUCCESS,
  CC_TRB_ERROR,
  CC_USB_TRANSACTION_ERROR,
  TRB_COMMAND_COMPLETION,
  TRB_IOC,
} from "../../../app/xhci/trb.ts";
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER, STATUS_CANCELLED } from "../../../asm/layout.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { command, link, normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const CRCR = 0x18;
const STOP = 2;
const ABORT = 4;
const RUNNING = 8;
const bulkIn = { id: BULK_IN, type: EP_TYPE_BULK_IN };

function createDriver() {
  const rig = createRig({ placement: "deferred" });
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  rig.settle();
  rig.driver.port(1).reset();
  rig.driver.takePorts();
  return rig;
}

describe("commands for a slot", () => {
  it("that is not enabled are answered so, each of them", () => {
    const { driver, ram } = createDriver();
    const input = ram.allocate(33 * 32);
    for (const slot of [0, 5, 64, 65, 255]) {
      for (const trb of [
        command.disableSlot(slot),
        command.addressDevice(slot, input),
        command.configureEndpoint(slot, input),
        command.evaluateContext(slot, input),
        command.resetEndpoint(slot, 1),
        command.stopEndpoint(slot, 1),
        command.setTrDequeue(slot, 1, input, 1),
        command.resetDevice(slot),
      ]) {
        expect(driver.execute(trb)).toMatchObject({ code: CC_SLOT_NOT_ENABLED, slotId: slot });
      }
    }
  });

  it("that is enabled only: no endpoint, no configuration", () => {
    const { driver } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    device.prepareConfigure([bulkIn]);
    expect(driver.execute(command.configureEndpoint(device.slotId, device.input)).code).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.deconfigure()).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.resetDevice()).toBe(CC_CONTEXT_STATE_ERROR);
    expect(driver.execute(command.evaluateContext(device.slotId, device.input)).code).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.stop(1)).toBe(CC_ENDPOINT_NOT_ENABLED);
    expect(device.resetEndpoint(1)).toBe(CC_ENDPOINT_NOT_ENABLED);
    expect(device.setDequeue(1, 0x1000, 1)).toBe(CC_ENDPOINT_NOT_ENABLED);
  });

  it("that has its address", () => {
    const { driver } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.mustAddress();
    expect(device.address()).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.address(true)).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.deconfigure()).toBe(CC_SUCCESS);
    expect(device.resetEndpoint(1)).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.setDequeue(1, 0x1000, 1)).toBe(CC_CONTEXT_STATE_ERROR);
    for (const endpoint of [0]) {
      expect(device.stop(endpoint)).toBe(CC_TRB_ERROR);
      expect(device.resetEndpoint(endpoint)).toBe(CC_TRB_ERROR);
      expect(device.setDequeue(endpoint, 0x1000, 1)).toBe(CC_TRB_ERROR);
    }
    expect(device.stop(31)).toBe(CC_ENDPOINT_NOT_ENABLED);
  });

  it("twice at the default address, then a Reset Device and all over again", () => {
    const { driver, controller } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    expect(device.address(true)).toBe(CC_SUCCESS);
    expect(device.address(true)).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.resetDevice()).toBe(CC_CONTEXT_STATE_ERROR);
    expect(device.address()).toBe(CC_SUCCESS);
    device.mustConfigure(bulkIn);
    expect(device.slotState).toBe(SLOT_STATE_CONFIGURED);
    expect(device.resetDevice()).toBe(CC_SUCCESS);
    expect(device.slotState).toBe(SLOT_STATE_DEFAULT);
    expect(device.usbAddress).toBe(0);
    expect(device.contextEntries).toBe(1);
    expect(device.endpointState(BULK_IN)).toBe(0);
    expect(controller.port(1).address).toBe(0);
    expect(device.stop(BULK_IN)).toBe(CC_ENDPOINT_NOT_ENABLED);
    device.mustAddress();
    expect(device.slotState).toBe(SLOT_STATE_ADDRESSED);
    expect(device.usbAddress).toBe(device.slotId);
  });
});

describe("Address Device", () => {
  const INPUT_SLOT = 32;
  const INPUT_CONTROL = 64;

  it.each<[string, number, number[], number]>([
    ["without the slot's flag", 0, [0, 2], CC_PARAMETER_ERROR],
    ["without the control endpoint's flag", 0, [0, 1], CC_PARAMETER_ERROR],
    ["for root hub port 0", INPUT_SLOT, [1 << 27, 0], CC_PARAMETER_ERROR],
    ["for a root hub port that does not exist", INPUT_SLOT, [1 << 27, 9 << 16], CC_PARAMETER_ERROR],
    ["for an empty port", INPUT_SLOT, [1 << 27, 2 << 16], CC_USB_TRANSACTION_ERROR],
    ["for the USB3 port of a USB2 device", INPUT_SLOT, [1 << 27, 5 << 16], CC_USB_TRANSACTION_ERROR],
    ["for a device behind a hub", INPUT_SLOT, [(1 << 27) | 1, 1 << 16], CC_USB_TRANSACTION_ERROR],
    ["with a bulk endpoint as the control endpoint", INPUT_CONTROL, [0, (64 << 16) | (2 << 3)], CC_PARAMETER_ERROR],
    ["with packets of no size", INPUT_CONTROL, [0, 4 << 3], CC_PARAMETER_ERROR],
  ])("%s is refused, and changes nothing", (_, at, words, code) => {
    const { driver, ram } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    const right = ram.slice(device.input, 33 * 32);
    ram.poke(device.input + at, ...words);
    expect(device.address()).toBe(code);
    expect(ram.slice(device.output, 1024)).toEqual(new Uint8Array(1024));
    ram.bytes.set(right, device.input);
    expect(device.address()).toBe(CC_SUCCESS);
  });

  it("without an output context is refused", () => {
    const { driver, ram } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    ram.poke(driver.contextArray + device.slotId * 8, 0);
    expect(device.address()).toBe(CC_PARAMETER_ERROR);
  });

  it("writes the slot's and the control endpoint's contexts and nothing else", () => {
    const { driver, ram } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    ram.bytes.fill(0xa5, device.output + 64, device.output + 1024);
    expect(device.address()).toBe(CC_SUCCESS);
    expect(ram.slice(device.output + 64, 960)).toEqual(new Uint8Array(960).fill(0xa5));
  });

  it("survives contexts outside RAM", () => {
    const { driver, ram } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    for (const output of [ram.size - 32, ram.size, 0xffffffc0]) {
      ram.poke(driver.contextArray + device.slotId * 8, output);
      expect(device.address(output !== ram.size - 32)).toBeLessThan(CC_CONTEXT_STATE_ERROR + 1);
    }
    for (const input of [ram.size - 16, 0xfffffff0]) {
      expect(driver.execute(command.addressDevice(device.slotId, input)).code).toBeGreaterThan(CC_SUCCESS);
    }
  });

  it("of a disabled port is refused until the port is reset", () => {
    const { driver } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    driver.port(1).disable();
    expect(device.address()).toBe(CC_USB_TRANSACTION_ERROR);
    driver.port(1).reset();
    expect(device.address()).toBe(CC_SUCCESS);
  });
});

describe("Configure Endpoint", () => {
  it("refuses what the bus has no bandwidth for, and changes nothing", () => {
    const { driver } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.mustAddress();
    // 3 packets of 1024 bytes are 41 % of a microframe; a bus gives 80 % to periodic transfers (USB 2.0 §5.6.4).
    const greedy = { type: EP_TYPE_ISOCH_IN, maxPacketSize: 1024, maxBurst: 2 };
    expect(
      device.configure([
        { id: 3, ...greedy },
        { id: 5, ...greedy },
      ]),
    ).toBe(CC_BANDWIDTH_ERROR);
    expect(device.slotState).toBe(SLOT_STATE_ADDRESSED);
    expect(device.endpointState(3)).toBe(0);
    expect(device.configure([{ id: 3, ...greedy }])).toBe(CC_SUCCESS);
    expect(device.configure([{ id: 5, ...greedy }])).toBe(CC_BANDWIDTH_ERROR);
    expect(device.endpointState(5)).toBe(0);
    // What is dropped in the same command makes room.
    expect(device.configure([{ id: 5, ...greedy }], [3])).toBe(CC_SUCCESS);
    expect([device.endpointState(3), device.endpointState(5)]).toEqual([0, EP_STATE_RUNNING]);
  });

  it.each([
    ["an IN type on an OUT endpoint", { id: 4, type: EP_TYPE_BULK_IN }],
    ["type 0", { id: 3, type: 0 }],
    ["a second control endpoint", { id: 3, type: 4 }],
    ["packets of no size", { id: 3, type: EP_TYPE_BULK_IN, maxPacketSize: 0 }],
  ])("refuses %s, and adds none of the others", (_, wrong) => {
    const { driver } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.mustAddress();
    expect(device.configure([{ id: 5, type: EP_TYPE_BULK_IN }, wrong])).toBe(CC_PARAMETER_ERROR);
    expect(device.endpointState(5)).toBe(0);
  });

  it("refuses streams at high speed, and flags of slot and control endpoint", () => {
    const { driver, ram } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.mustAddress();
    device.prepareConfigure([bulkIn]);
    const execute = () => driver.execute(command.configureEndpoint(device.slotId, device.input)).code;
    ram.poke(device.input + (BULK_IN + 1) * 32, 4 << 10);
    expect(execute()).toBe(CC_PARAMETER_ERROR);
    ram.poke(device.input, 1);
    expect(execute()).toBe(CC_PARAMETER_ERROR);
    ram.poke(device.input, 0, 3);
    expect(execute()).toBe(CC_PARAMETER_ERROR);
  });
});

describe("Evaluate Context", () => {
  it("takes the control endpoint's packet size, latency and interrupter, and nothing else", () => {
    const { driver, ram } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.mustAddress();
    const before = ram.slice(device.output, 1024);
    ram.poke(device.input, 0, 3);
    ram.poke(device.input + 32, 0xffffffff, 0xffff1122, (5 << 22) | 0x3fffff, 0xffffffff);
    ram.poke(device.input + 64, 0xffffffff, ((8 << 16) | 0xffff) >>> 0, 0xffffffff, 0xffffffff);
    expect(driver.execute(command.evaluateContext(device.slotId, device.input)).code).toBe(CC_SUCCESS);
    const expected = new DataView(before.buffer);
    expected.setUint16(4, 0x1122, true);
    expected.setUint32(8, 5 << 22, true);
    expected.setUint16(32 + 6, 8, true);
    expect(ram.slice(device.output, 1024)).toEqual(before);
  });
});

describe("Get Port Bandwidth", () => {
  const PORTS = 8;
  const ask = (rig: ReturnType<typeof createDriver>, speed: number, hubSlot = 0) => {
    const context = rig.ram.buffer(16);
    const { code } = rig.driver.execute([context, 0, 0, ((21 << 10) | (speed << 16) | (hubSlot << 24)) >>> 0]);
    return { code, bytes: [...rig.ram.slice(context, PORTS + 1)] };
  };

  it("says for every port what is left of its bus at a speed", () => {
    const rig = createDriver();
    // Ports 1 to 4 are USB2, 5 to 8 USB3; nobody takes anything (USB 2.0 §5.6.4, §5.7.4).
    expect(ask(rig, SPEED_FULL)).toEqual({ code: CC_SUCCESS, bytes: [0, 90, 90, 90, 90, 0, 0, 0, 0] });
    expect(ask(rig, SPEED_LOW)).toEqual({ code: CC_SUCCESS, bytes: [0, 90, 90, 90, 90, 0, 0, 0, 0] });
    expect(ask(rig, SPEED_HIGH)).toEqual({ code: CC_SUCCESS, bytes: [0, 80, 80, 80, 80, 0, 0, 0, 0] });
    expect(ask(rig, SPEED_SUPER)).toEqual({ code: CC_SUCCESS, bytes: [0, 0, 0, 0, 0, 80, 80, 80, 80] });
    const device = rig.driver.device(1, SPEED_HIGH);
    device.mustAddress();
    device.mustConfigure({ id: 3, type: EP_TYPE_ISOCH_IN, maxPacketSize: 1024, maxBurst: 2 });
    expect(ask(rig, SPEED_HIGH).bytes).toEqual([0, 39, 80, 80, 80, 0, 0, 0, 0]);
    expect(device.deconfigure()).toBe(CC_SUCCESS);
    expect(ask(rig, SPEED_HIGH).bytes).toEqual([0, 80, 80, 80, 80, 0, 0, 0, 0]);
  });

  it("refuses speeds that are none, hubs that are none, and a context outside of RAM", () => {
    const rig = createDriver();
    expect(ask(rig, 0).code).toBe(CC_PARAMETER_ERROR);
    expect(ask(rig, 5).code).toBe(CC_PARAMETER_ERROR);
    expect(ask(rig, SPEED_HIGH, 3).code).toBe(CC_SLOT_NOT_ENABLED);
    const outside = [0xf0000000, 0, 0, (21 << 10) | (SPEED_HIGH << 16)] as const;
    expect(rig.driver.execute(outside).code).toBe(CC_PARAMETER_ERROR);
  });
});

describe("Force Header", () => {
  it("goes to an enabled USB3 port, and to no other", () => {
    const { driver, back, settle } = createDriver();
    const force = (port: number) => driver.execute([0, 0, 0, ((22 << 10) | (port << 24)) >>> 0]).code;
    expect([force(0), force(1), force(9)]).toEqual([CC_TRB_ERROR, CC_TRB_ERROR, CC_TRB_ERROR]);
    expect(force(6)).toBe(CC_USB_TRANSACTION_ERROR);
    back.plug(2, SPEED_SUPER);
    settle();
    expect(force(6)).toBe(CC_SUCCESS);
  });
});

describe("a Link TRB that wants an event", () => {
  it("has one on the command ring", () => {
    const { driver, ram } = createDriver();
    const [low, high, status, control] = link(driver.commands.start, true);
    const at = driver.commands.enqueue;
    const { cycle } = driver.commands;
    ram.poke(at, low, high, status, control | TRB_IOC | cycle);
    driver.bar.write(driver.capabilities.doorbells, 4, 0);
    const event = driver.events0.next();
    expect(event).toMatchObject({ type: TRB_COMMAND_COMPLETION, code: CC_SUCCESS, parameter: at });
  });
});

describe("the command ring", () => {
  it("answers commands that it does not have with a TRB error", () => {
    const { driver } = createDriver();
    for (const type of [0, 1, 6 + 12, 19, 20, 24, 32, 48, 63]) {
      expect(driver.execute([0, 0, 0, type << 10]).code).toBe(CC_TRB_ERROR);
    }
    expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
  });

  it("goes round its segment many times", () => {
    const { driver } = createDriver();
    for (let count = 0; count < 1000; count++) expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
  });

  it("has no slots left after all are enabled, and one again after one is disabled", () => {
    const { driver } = createDriver();
    for (let slot = 1; slot <= 64; slot++) expect(driver.execute(command.enableSlot())).toMatchObject({ slotId: slot });
    expect(driver.execute(command.enableSlot()).code).toBe(CC_NO_SLOTS);
    expect(driver.execute(command.disableSlot(17)).code).toBe(CC_SUCCESS);
    expect(driver.execute(command.enableSlot())).toMatchObject({ code: CC_SUCCESS, slotId: 17 });
  });

  it("shows that it runs, and hides its pointer", () => {
    const { driver } = createDriver();
    expect(driver.readOperational(CRCR)).toBe(0);
    driver.execute(command.noOp());
    expect(driver.readOperational(CRCR)).toBe(RUNNING);
  });

  it("stops when told to, says where, and starts again there", () => {
    const { driver } = createDriver();
    driver.execute(command.noOp());
    const next = driver.commands.enqueue;
    driver.writeOperational(CRCR, STOP);
    expect(driver.readOperational(CRCR)).toBe(0);
    const stopped = driver.take(({ type }) => type === TRB_COMMAND_COMPLETION);
    expect(stopped).toMatchObject([{ code: CC_COMMAND_RING_STOPPED, parameter: next }]);
    expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
  });

  it("told to stop, ends the command under way first", () => {
    const { driver, back, settle } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.mustAddress();
    device.mustConfigure(bulkIn);
    device.submit(BULK_IN, normal(0x1000, 8, TRB_IOC));
    back.onCancel = () => {};
    const stop = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    driver.writeOperational(CRCR, STOP);
    expect(driver.take(({ type }) => type === TRB_COMMAND_COMPLETION)).toEqual([]);
    back.answer(back.first(), STATUS_CANCELLED, 0);
    settle();
    expect(driver.take(({ type }) => type === TRB_COMMAND_COMPLETION)).toMatchObject([
      { code: CC_SUCCESS, parameter: stop },
      { code: CC_COMMAND_RING_STOPPED },
    ]);
    expect(driver.readOperational(CRCR)).toBe(0);
  });

  it("aborts a command that does not end, and does not answer it later", () => {
    const { driver, back, settle } = createDriver();
    const device = driver.device(1, SPEED_HIGH);
    device.mustAddress();
    device.mustConfigure(bulkIn);
    device.submit(BULK_IN, normal(0x1000, 8, TRB_IOC));
    back.onCancel = () => {};
    const stop = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    driver.writeOperational(CRCR, ABORT);
    expect(driver.take(({ type }) => type === TRB_COMMAND_COMPLETION)).toMatchObject([
      { code: CC_COMMAND_ABORTED, parameter: stop },
      { code: CC_COMMAND_RING_STOPPED, parameter: driver.commands.enqueue },
    ]);
    back.answer(back.first(), STATUS_CANCELLED, 0);
    settle();
    expect(driver.take(({ type }) => type === TRB_COMMAND_COMPLETION)).toEqual([]);
    expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
    expect(device.endpointState(BULK_IN)).toBe(3);
  });

  it("takes its pointer byte by byte", () => {
    const { driver, ram } = createRig();
    driver.start();
    const ring = ram.allocate(64 * 16);
    const [, , , control] = command.noOp();
    ram.poke(ring, 0, 0, 0, control | 1);
    [(ring & 0xff) | 1, (ring >>> 8) & 0xff, (ring >>> 16) & 0xff, ring >>> 24].forEach((byte, index) => {
      driver.bar.write(driver.capabilities.operational + CRCR + index, 1, byte);
    });
    driver.ring(0, 0);
    expect(() => driver.service()).toThrow(`A completion of no command: 0x${ring.toString(16)} (code 1)`);
  });

  it("that is nothing but Link TRBs stops with a TRB error", () => {
    const { driver, ram } = createDriver();
    const at = driver.commands.enqueue;
    const [low, high, status, control] = link(at, false);
    ram.poke(at, low, high, status, control | 1);
    driver.ring(0, 0);
    expect(() => driver.service()).toThrow("(code 5)");
    expect(driver.readOperational(CRCR)).toBe(0);
  });
});
