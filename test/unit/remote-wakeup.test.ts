/** Remote wake-up all the way: a key of a software keyboard, the backend, the link, a port that sleeps, the guest's driver. */
import { expect, it } from "vitest";
import { Link } from "../../app/link.ts";
import { EP_TYPE_INTERRUPT_IN } from "../../app/xhci/context.ts";
import { PLS_RESUME, PLS_U0, PLS_U3 } from "../../app/xhci/registers.ts";
import { CC_SUCCESS, TRB_IOC } from "../../app/xhci/trb.ts";
import { XhciController } from "../../app/xhci/xhci.ts";
import { Core, compileCore, createMemory } from "../../asm/core.ts";
import { SPEED_FULL } from "../../asm/layout.ts";
import { Backend } from "../../worker/backend.ts";
import { XhciDriver } from "../fakes/guest-driver/driver.ts";
import { FakePciSlot } from "../fakes/guest-driver/pci-slot.ts";
import { Ram } from "../fakes/guest-driver/ram.ts";
import { normal } from "../fakes/guest-driver/trbs.ts";

const KEYS_IN = 3;
const LINK = 1;

async function createKeyboardInPort1() {
  const module = await compileCore();
  const memory = createMemory();
  const link = new Link(await Core.instantiate(module, memory), 1);
  const backend = new Backend();
  await backend.connect(LINK, memory, 1, module);
  const controller = new XhciController({ ports: 2 });
  const pump = () => {
    backend.pump(LINK);
    link.poll();
  };
  link.runInside(() => backend.pump(LINK));
  const slot = new FakePciSlot(new Ram(1 << 20));
  controller.start(slot, link);
  const driver = new XhciDriver(controller.pci.bar, slot, pump);
  driver.start();
  await backend.plug(LINK, 1, { kind: "keyboard" });
  const device = driver.enumerate(1, SPEED_FULL);
  device.control({ bmRequestType: 0x00, bRequest: 9, wValue: 1 });
  device.mustConfigure({ id: KEYS_IN, type: EP_TYPE_INTERRUPT_IN, maxPacketSize: 8, interval: 6 });
  const press = async (pressed: boolean) => {
    await backend.input(LINK, 1, { type: "key", code: "KeyA", pressed });
    pump();
  };
  return { backend, driver, device, port: driver.port(1), ram: slot.memory, press };
}

it("a key press resumes the port of a keyboard that may wake the guest, and is not lost", async () => {
  const { backend, driver, device, port, ram, press } = await createKeyboardInPort1();
  device.control({ bmRequestType: 0x00, bRequest: 3, wValue: 1 });
  port.setLinkState(PLS_U3);
  driver.take();
  await press(true);
  expect(port.linkState).toBe(PLS_RESUME);
  expect(driver.takePorts()).toEqual([1]);
  port.clearChanges();
  port.setLinkState(PLS_U0);
  const buffer = ram.buffer(8);
  device.submit(KEYS_IN, normal(buffer, 8, TRB_IOC));
  expect(device.events()).toMatchObject([{ code: CC_SUCCESS }]);
  expect([...ram.bytes.subarray(buffer, buffer + 8)]).toEqual([0, 0, 4, 0, 0, 0, 0, 0]);
  await backend.stop();
});

it("a keyboard that may not wake the guest waits until it is resumed", async () => {
  const { backend, driver, port, press } = await createKeyboardInPort1();
  port.setLinkState(PLS_U3);
  driver.take();
  await press(true);
  expect(port.linkState).toBe(PLS_U3);
  expect(driver.takePorts()).toEqual([]);
  await backend.stop();
});
