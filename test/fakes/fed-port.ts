/** A port with a software device in it and a host behind it, for feeds: input and output as UsbPort has them. */
import type { UsbPort } from "../../app/usb-port.ts";
import type { Device, DeviceHost } from "../../worker/device.ts";
import type { DeviceInput, DeviceOutput } from "../../worker/protocol.ts";
import { Host } from "../unit/device/harness.ts";

export class FedPort {
  readonly host: Host;
  onOutput: (() => void) | undefined;

  private constructor(host: Host) {
    this.host = host;
  }

  /** Its guest has configured the device. */
  static async plug(create: (host: DeviceHost) => Device): Promise<FedPort> {
    let port: FedPort | undefined;
    let told = false;
    // As worker/tie.ts: once, until the output was asked for.
    const hasOutput = () => {
      if (told || !port) return;
      told = true;
      queueMicrotask(() => port?.onOutput?.());
    };
    const device = create({ gone: () => undefined, wake: () => undefined, hasOutput });
    port = new FedPort(await Host.plug(device));
    port.host.configure();
    port.output = async () => {
      told = false;
      return device.output?.();
    };
    return port;
  }

  get usb(): UsbPort {
    return this as unknown as UsbPort;
  }

  async input(message: DeviceInput): Promise<void> {
    await this.host.device.input?.(message);
  }

  output: () => Promise<DeviceOutput | undefined> = async () => undefined;
}
