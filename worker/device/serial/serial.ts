/** A serial adapter. */
import type { DeviceHost } from "../../device.ts";
import { PlugError } from "../../plug-error.ts";
import type { SerialSource } from "../../protocol.ts";
import { SoftwareDevice } from "../software-device.ts";
import { CdcAcm } from "./cdc-acm.ts";
import { cdcAcmModel } from "./cdc-acm-model.ts";
import { Ft232r } from "./ft232r.ts";
import { ft232rEeprom, ft232rModel, SERIAL_MAX } from "./ft232r-model.ts";
import { SerialLine } from "./serial-line.ts";

let count = 0;

export function createSerial(source: Omit<SerialSource, "kind">, host?: DeviceHost): SoftwareDevice {
  const { chip = "ft232r" } = source;
  const loopback = source.loopback === true;
  // FTDI's own are eight letters and digits.
  const serial = (source.serial || `PVUSB${String(++count % 1000).padStart(3, "0")}`).slice(0, SERIAL_MAX);
  const line = new SerialLine(loopback, () => host?.hasOutput());
  const origin = { kind: "serial", chip, loopback, serial } as const;
  switch (chip) {
    case "ft232r":
      return new SoftwareDevice(ft232rModel(serial), new Ft232r(line, ft232rEeprom(serial)), [], origin);
    case "cdc-acm":
      return new SoftwareDevice(cdcAcmModel(serial), new CdcAcm(line), [], origin);
    default:
      throw new PlugError("UnsupportedError", `A serial adapter has the chip ft232r or cdc-acm, and not ${chip}.`);
  }
}
