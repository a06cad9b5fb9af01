/** A serial adapter. */
import { PlugError } from "../../plug-error.ts";
import type { SerialSource } from "../../protocol.ts";
import { SoftwareDevice } from "../software-device.ts";
import { Ft232r } from "./ft232r.ts";
import { ft232rEeprom, ft232rModel, SERIAL_MAX } from "./ft232r-model.ts";
import { SerialLine } from "./serial-line.ts";

let count = 0;

export function createSerial(source: Omit<SerialSource, "kind">): SoftwareDevice {
  const { chip = "ft232r", loopback = false } = source;
  if (chip !== "ft232r")
    throw new PlugError("UnsupportedError", `A serial adapter has the chip ft232r, and not ${chip}.`);
  // FTDI's own are eight letters and digits.
  const serial = (source.serial || `PVUSB${String(++count % 1000).padStart(3, "0")}`).slice(0, SERIAL_MAX);
  const conduct = new Ft232r(new SerialLine(loopback === true), ft232rEeprom(serial));
  return new SoftwareDevice(ft232rModel(serial), conduct, [], {
    kind: "serial",
    chip,
    loopback: loopback === true,
    serial,
  });
}
