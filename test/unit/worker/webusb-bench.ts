/** A scripted device on a backend, and a front that sends it URBs: what tests of WebUSB devices start from. */
import { expect } from "vitest";
import { STATUS_OK } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { NodeUsb } from "../../../worker/node-usb/usb.ts";
import { Front } from "../../fakes/front.ts";
import { FakeNodeUsb } from "../../fakes/node-usb.ts";
import { ScriptedFunction, type ScriptedOptions } from "../../fakes/scripted-function.ts";
import { FakeUsb, type PlugOptions } from "../../fakes/usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../../fakes/usb-descriptors.ts";

export const SET_CONFIGURATION_1 = [0x00, 9, 1, 0] as const;
export const CLEAR_HALT_IN = [0x02, 1, 0, 0x81] as const;

export const source = (serialNumber = "", ordinal = 0) =>
  ({ kind: "webusb", vendorId: FAKE_VENDOR_ID, productId: FAKE_PRODUCT_ID, serialNumber, ordinal }) as const;

/** `length` bytes that count up. */
export const counting = (length: number, from = 0) => Uint8Array.from({ length }, (_, index) => (from + index) & 0xff);

/** A scripted device, plugged into port 1 and configured. */
export async function plugged(options: ScriptedOptions = {}, plugOptions: PlugOptions = {}) {
  const usb = new FakeUsb();
  const device = new ScriptedFunction(options);
  const usbDevice = usb.plug(device, plugOptions);
  return { usb, device, usbDevice, ...(await configured(usb, options)) };
}

/** The same, of whichever stands for navigator.usb. */
interface Bench extends Omit<Awaited<ReturnType<typeof plugged>>, "usb" | "usbDevice"> {
  readonly usbDevice: USBDevice;
  /** Pulls the device out. `error` is what a browser says to transfers. */
  unplug(error?: () => DOMException): Promise<void>;
}

async function pluggedInChromium(options?: ScriptedOptions): Promise<Bench> {
  const bench = await plugged(options);
  return { ...bench, unplug: (error) => bench.usb.unplug(bench.usbDevice, error) };
}

async function pluggedInNode(options: ScriptedOptions = {}): Promise<Bench> {
  const native = new FakeNodeUsb();
  const device = new ScriptedFunction(options);
  const plug = native.plug(device);
  const usb = new NodeUsb(native);
  const [usbDevice] = await usb.getDevices();
  if (!usbDevice) throw new Error("The device is not listed.");
  const unplug = async () => {
    native.unplug(plug);
    await usb.getDevices();
  };
  return { device, usbDevice, unplug, ...(await configured(usb, options)) };
}

/** What conduct is tested over. */
export const HOSTS = [
  ["Chromium", pluggedInChromium],
  ["npm usb", pluggedInNode],
] as const;

async function configured(usb: USB, options: ScriptedOptions) {
  const backend = new Backend({ usb });
  const front = await Front.connect(backend);
  const report = await backend.plug(1, 1, source(options.serialNumber));
  await front.settle(2);
  expect(await front.send({ setup: SET_CONFIGURATION_1 }).done).toMatchObject({ status: STATUS_OK });
  return { backend, front, report };
}

export const bulkIn = (length: number) => ({ endpoint: 0x81, length });
export const bulkOut = (data: Uint8Array, flags = 0) => ({ endpoint: 0x02, data, flags });
