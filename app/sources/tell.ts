/** What a person does, on its way to the device. */
import type { DeviceInput } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";

/** A port that is empty by now, or whose worker is dead, has no use for it. */
export async function tell(port: UsbPort | undefined, message: DeviceInput): Promise<void> {
  await port?.input(message).catch(() => undefined);
}
