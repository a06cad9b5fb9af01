/** Ports that sleep or are cut off, and the transfers behind them (xHCI 1.2 §4.15.1, §4.19.1); save and restore (§4.23.2). */
import { describe, expect, it } from "vitest";
import { EP_STATE_HALTED, EP_STATE_RUNNING, EP_STATE_STOPPED, EP_TYPE_BULK_IN } from "../../../app/xhci/context.ts";
import { PLS_RESUME, PLS_U0, PLS_U3, PORTSC_PLC } from "../../../app/xhci/registers.ts";
import {
  CC_SHORT_PACKET,
  CC_SUCCESS,
  CC_USB_TRANSACTION_ERROR,
  TRB_COMMAND_COMPLETION,
  TRB_IOC,
} from "../../../app/xhci/trb.ts";
import { SPEED_HIGH, SPEED_SUPER, STATUS_NO_DEVICE, STATUS_OK } from "../../../asm/layout.ts";
import { type Rig, rigFactory } from "../../fakes/guest-driver/rig.ts";
import { command, normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const USB2 = { speed: SPEED_HIGH, id: 1 };
const USB3 = { speed: SPEED_SUPER, id: 5 };

function createDevice({ speed, id } = USB2) {
  const rig = createRig({ placement: "deferred" });
  rig.driver.start();
  rig.back.plug(1, speed);
  const device = rig.driver.enumerate(id, speed);
  device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN });
  return { ...rig, device, port: rig.driver.port(id) };
}

/** As the backend does it with transfers for a plug that is not there. */
function refuseStale({ back }: Rig): void {
  back.onTransfer = (request) => {
    if (request.plug !== back.plugOf(request.port)) back.answer(request, STATUS_NO_DEVICE, 0);
  };
}

describe.each([
  ["USB2", USB2],
  ["USB3", USB3],
])("behind a %s port that sleeps", (_, where) => {
  it("nothing moves until the link is in U0 again", () => {
    const { device, port, back, ram, controller } = createDevice(where);
    port.setLinkState(PLS_U3);
    expect(controller.port(1).asleep).toBe(true);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    device.control({ bmRequestType: 0, bRequest: 9 });
    expect(back.held).toEqual([]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_RUNNING);
    port.setLinkState(PLS_U0);
    expect(controller.port(1).asleep).toBe(false);
    expect(back.held.length).toBe(2);
    for (const request of back.held.slice()) back.answer(request, STATUS_OK, 0);
    expect(device.events().map(({ code }) => code)).toEqual([CC_SUCCESS, CC_SHORT_PACKET]);
  });

  it("what is on its way is taken back, and is asked for again", () => {
    const { device, port, back, ram, link } = createDevice(where);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    expect(back.held.length).toBe(1);
    port.setLinkState(PLS_U3);
    expect(back.held).toEqual([]);
    expect(link.inFlight).toBe(0);
    expect(device.events()).toEqual([]);
    port.setLinkState(PLS_U0);
    back.answer(back.first(), STATUS_OK, Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88));
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, length: 0 }]);
  });

  it("an endpoint can be stopped, and rung when the port is awake", () => {
    const { device, port, back, ram } = createDevice(where);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    port.setLinkState(PLS_U3);
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    port.setLinkState(PLS_U0);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_STOPPED);
    expect(back.held).toEqual([]);
    device.doorbell(BULK_IN);
    expect(back.held.length).toBe(1);
  });

  it("a device that wakes up has its port in Resume, reported, and moves nothing before U0", () => {
    const { device, port, driver, back, ram, settle } = createDevice(where);
    port.setLinkState(PLS_U3);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    back.wake(1);
    settle();
    expect(port.linkState).toBe(PLS_RESUME);
    expect(port.changes).toBe(PORTSC_PLC);
    expect(driver.takePorts()).toEqual([where.id]);
    expect(back.held).toEqual([]);
    port.clearChanges();
    port.setLinkState(PLS_U0);
    expect(port.changes).toBe(PORTSC_PLC);
    expect(driver.takePorts()).toEqual([where.id]);
    expect(back.held.length).toBe(1);
  });

  it("a wake-up while the controller stands is reported when it runs", () => {
    const { port, driver, back, settle } = createDevice(where);
    port.setLinkState(PLS_U3);
    driver.halt();
    back.wake(1);
    settle();
    expect(port.changes).toBe(PORTSC_PLC);
    driver.run();
    expect(driver.takePorts()).toEqual([where.id]);
  });

  it("an unplugged device is gone, and its transfers fail", () => {
    const parts = createDevice(where);
    const { device, port, driver, back, ram, settle } = parts;
    refuseStale(parts);
    port.setLinkState(PLS_U3);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    back.unplug(1);
    back.plug(1, where.speed);
    settle();
    expect(driver.takePorts()).toEqual([where.id]);
    expect(device.disable()).toBe(CC_SUCCESS);
    driver.enumerate(where.id, where.speed);
  });
});

describe.each([
  ["disabled", USB2],
  ["disabled", USB3],
  ["without power", USB2],
  ["without power", USB3],
] as const)("behind a port that is %s (%o)", (how, where) => {
  const cut = ({ port }: ReturnType<typeof createDevice>) =>
    how === "disabled" ? port.disable() : port.setPower(false);

  it("transfers fail, those on their way and those to come", () => {
    const parts = createDevice(where);
    const { device, back, ram, link } = parts;
    refuseStale(parts);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    cut(parts);
    expect(device.events()).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR }]);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_HALTED);
    device.control({ bmRequestType: 0, bRequest: 9 });
    expect(device.events()).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR }]);
    expect(back.held).toEqual([]);
    expect(link.inFlight).toBe(0);
  });

  it("no device is found, and the one of before is not the one of later", () => {
    const parts = createDevice(where);
    const { device, driver, back, port, ram } = parts;
    refuseStale(parts);
    cut(parts);
    const nobody = driver.device(where.id, where.speed);
    nobody.prepareAddress();
    expect(nobody.address()).toBe(CC_USB_TRANSACTION_ERROR);
    if (how !== "disabled") port.setPower(true);
    else if (where === USB3) port.setLinkState(5);
    driver.enumerate(where.id, where.speed);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    expect(device.events()).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR }]);
    expect(back.held).toEqual([]);
  });
});

describe("the controller's own state", () => {
  const USBCMD = 0x00;
  const USBSTS = 0x04;
  const SAVE = 1 << 8;
  const RESTORE = 1 << 9;
  const SAVING = 3 << 8;
  const ERROR = 1 << 10;
  const ERSTSZ = 0x28;
  const ERSTBA = 0x30;
  const ERDP = 0x38;

  /** What a driver does around a suspend that took no power: registers read and written, in the order of §4.23.2. */
  function suspendAndResume({ driver }: Rig, meanwhile: () => void): void {
    driver.halt();
    const kept = [ERSTSZ, ERSTBA, ERDP].map((offset) => [offset, driver.readRuntime(offset)] as const);
    driver.writeOperational(USBCMD, SAVE);
    expect(driver.readOperational(USBSTS) & (SAVING | ERROR)).toBe(0);
    meanwhile();
    for (const [offset, value] of kept) {
      driver.writeRuntime(offset, value);
      if (offset !== ERSTSZ) driver.writeRuntime(offset + 4, 0);
    }
    driver.writeOperational(USBCMD, RESTORE);
  }

  it("is saved and restored: events go on where the guest reads next, and its devices are there", () => {
    const rig = createDevice();
    const { driver, device, ram, back } = rig;
    driver.take();
    suspendAndResume(rig, () => {});
    expect(driver.readOperational(USBSTS) & (SAVING | ERROR)).toBe(0);
    driver.run();
    expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    back.answer(back.first(), STATUS_OK, 0);
    expect(device.events().length).toBe(1);
    expect(driver.take(({ type }) => type === TRB_COMMAND_COMPLETION)).toEqual([]);
  });

  it("keeps the cycle of a ring that has wrapped", () => {
    const rig = createRig({ placement: "deferred" });
    const { driver } = rig;
    driver.start({ eventSegments: [16] });
    for (let count = 0; count < 21; count++) expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
    suspendAndResume(rig, () => {});
    driver.run();
    for (let count = 0; count < 40; count++) expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
  });

  it("reports what came and went meanwhile when the controller runs", () => {
    const rig = createDevice();
    const { driver, back, settle } = rig;
    driver.take();
    suspendAndResume(rig, () => {
      back.unplug(1);
      back.plug(2, SPEED_SUPER);
      settle();
    });
    driver.run();
    expect(driver.takePorts()).toEqual([1, 6]);
  });

  it.each([
    ["was never saved", () => {}],
    [
      "was saved before a reset",
      ({ driver }: Rig) => {
        driver.writeOperational(USBCMD, SAVE);
        driver.writeOperational(USBCMD, 2);
      },
    ],
    [
      "was saved before the controller ran again",
      ({ driver }: Rig) => {
        driver.writeOperational(USBCMD, SAVE);
        driver.run();
        driver.halt();
      },
    ],
    [
      "was to be saved while the controller ran",
      ({ driver }: Rig) => {
        driver.run();
        driver.writeOperational(USBCMD, 5 | SAVE);
        driver.halt();
      },
    ],
  ] as const)("that %s cannot be restored, and SRE says so", (_, before) => {
    const rig = createRig();
    const { driver } = rig;
    driver.start();
    driver.halt();
    before(rig);
    driver.writeOperational(USBCMD, RESTORE);
    expect(driver.readOperational(USBSTS) & (SAVING | ERROR)).toBe(ERROR);
    // The next operation clears it, and so does the guest.
    driver.writeOperational(USBCMD, SAVE);
    expect(driver.readOperational(USBSTS) & ERROR).toBe(0);
  });

  it("reads no bit of it back from USBCMD, and SRE is cleared by writing 1", () => {
    const { driver } = createRig();
    driver.writeOperational(USBCMD, RESTORE);
    expect(driver.readOperational(USBCMD)).toBe(0);
    driver.writeOperational(USBSTS, ERROR);
    expect(driver.readOperational(USBSTS) & ERROR).toBe(0);
  });
});
