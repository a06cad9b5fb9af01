/** A device in a saved state, and made again from it in another session. */
import { createDevice } from "../../../worker/device/index.ts";
import type { Device, DeviceHost } from "../../../worker/device.ts";
import type { DeviceSource } from "../../../worker/protocol.ts";
import { throughFile } from "../saved.ts";
import { Host } from "./harness.ts";

export const quiet: DeviceHost = { gone: () => undefined, wake: () => undefined, hasOutput: () => undefined };

export async function remade(device: Device, source: DeviceSource): Promise<Device> {
  const origin = device.origin ?? source;
  if (typeof origin === "string") throw new Error(origin);
  const other = await createDevice(throughFile(origin) as DeviceSource, quiet);
  other.restore?.(throughFile(device.save?.()));
  return other;
}

/** A host with the same device in the same state; what was queued on it has to be queued again. */
export async function again(host: Host, source: DeviceSource): Promise<Host> {
  return Host.plug(await remade(host.device, source));
}
