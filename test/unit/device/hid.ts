/** What tests of HID devices have in common. */
import { TYPE_INTERRUPT } from "../../../asm/layout.ts";
import type { Device } from "../../../worker/device.ts";
import type { DeviceInput } from "../../../worker/protocol.ts";
import { bytes, Host, hex } from "./harness.ts";

/** A vendor's device: input report 1 of 7 bytes, output report 2 of 16, feature reports 3 of 4 and 4 of 70. */
export const VENDOR_REPORTS = bytes(
  `06 00ff  09 01  a1 01   15 00  26 ff00  75 08
   85 01  95 07  09 02  81 02    85 02  95 10  09 03  91 02
   85 03  95 04  09 04  b1 02    85 04  95 46  09 05  b1 02   c0`,
);

/** Configured, and as Linux has it: reports come when there is something new. */
export async function plugHid(device: Device): Promise<HidHost> {
  const host = await Host.plug(device);
  host.configure();
  host.control({ bmRequestType: 0x21, bRequest: 0x0a });
  return new HidHost(host);
}

export class HidHost {
  readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  do(message: DeviceInput): void {
    this.host.device.input?.(message);
  }

  poll(length = 64) {
    return this.host.in(0x81, length, TYPE_INTERRUPT);
  }

  /** The reports that wait, oldest first. */
  drain(): string[] {
    const reports: string[] = [];
    for (;;) {
      const transfer = this.poll();
      if (!transfer.answer) {
        this.host.cancel(transfer);
        return reports;
      }
      reports.push(hex(transfer.answer.bytes));
    }
  }

  descriptor(type: number, bmRequestType = 0x80): string {
    return hex(this.host.control({ bmRequestType, bRequest: 6, wValue: type << 8, wLength: 255 }).bytes);
  }

  /** GET_REPORT. */
  report(type: number, id: number, wLength = 64) {
    return this.host.control({ bmRequestType: 0xa1, bRequest: 1, wValue: (type << 8) | id, wLength });
  }
}
