/** A scripted device on a backend, and a front that sends it URBs: what tests of WebUSB devices start from. */
import { expect } from "vitest";
import { STATUS_OK } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { Front } from "../../fakes/front.ts";
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
  const backend = new Backend({ usb });
  const front = await Front.connect(backend);
  const report = await backend.plug(1, 1, source(options.serialNumber));
  await front.settle(2);
  expect(await front.send({ setup: SET_CONFIGURATION_1 }).done).toMatchObject({ status: STATUS_OK });
  return { usb, device, usbDevice, backend, front, report };
}

export const bulkIn = (length: number) => ({ endpoint: 0x81, length });
export const bulkOut = (data: Uint8Array, flags = 0) => ({ endpoint: 0x02, data, flags });
