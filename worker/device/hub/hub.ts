/**
 * Hubs made of software: a USB 2.0 hub with a transaction translator, and a USB 3 hub, which is a SuperSpeed hub and such a
 * USB 2.0 hub in one socket (USB 3.2 §10.1).
 */
import { SPEED_FULL, SPEED_HIGH, SPEED_SUPER } from "../../../asm/layout.ts";
import type { Device, DeviceHost, Hub } from "../../device.ts";
import { HUB_PORTS_MAX } from "../../place.ts";
import { PlugError } from "../../plug-error.ts";
import {
  CONFIGURATION_REMOTE_WAKEUP,
  CONFIGURATION_SELF_POWERED,
  type EndpointDescriptor,
  type InterfaceDescriptor,
} from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";
import { SoftwareDevice } from "../software-device.ts";
import { bitmapLength } from "./hub-class.ts";
import { HubFunction, STATUS_CHANGE_ENDPOINT } from "./hub-function.ts";

export interface HubOptions {
  /** Downstream ports, 1 to 15. Default 4. */
  readonly ports?: number | undefined;
  /** A USB 2.0 hub, or a USB 3 hub, which is the default. */
  readonly usb?: 2 | 3 | undefined;
  /** A transaction translator for each port, instead of one for all. */
  readonly multiTt?: boolean | undefined;
}

const PORTS_DEFAULT = 4;
/** Bytes of the status change bitmap of the largest hub: a USB 3 hub has room for them, whatever its size (USB 3.2 §10.13.1). */
const BITMAP_MAX = 2;

/** Of pid.codes' test products: ids that no product has. */
const VENDOR_ID = 0x1209;
const PRODUCT_USB2 = 0x0009;
const PRODUCT_USB3 = 0x000a;

const HUB_CLASS = 0x09;
/** bDeviceProtocol (USB 2.0 §11.23.1, USB 3.2 §10.15.1). */
const PROTOCOL_FULL_SPEED = 0;
const PROTOCOL_SINGLE_TT = 1;
const PROTOCOL_MULTI_TT = 2;
const PROTOCOL_SUPERSPEED = 3;

const INTERRUPT = 0x03;
/** Interrupt for notifications (USB 3.2 §9.6.6). */
const INTERRUPT_NOTIFICATION = 0x13;

export function createHub(options: HubOptions, host: DeviceHost): Device {
  const { ports = PORTS_DEFAULT, usb = 3, multiTt = false } = options;
  if (!Number.isInteger(ports) || ports < 1 || ports > HUB_PORTS_MAX) {
    throw new PlugError("UnsupportedError", `A hub has 1 to ${HUB_PORTS_MAX} ports.`);
  }
  if (usb === 2) return new HubDevice(usb2Model(ports, multiTt, false), ports, () => host.wake());
  const companion: HubDevice = new HubDevice(usb2Model(ports, multiTt, true), ports, () => host.wake(companion));
  return new HubDevice(usb3Model(), ports, () => host.wake(), companion);
}

class HubDevice extends SoftwareDevice {
  readonly hub: Hub;
  readonly companion?: Device;

  constructor(model: DeviceModel, ports: number, wake: () => void, companion?: Device) {
    const conduct = new HubFunction(model.speed, ports, wake);
    super(model, conduct);
    this.hub = conduct;
    if (companion) this.companion = companion;
  }
}

/** USB 2.0 §11.23.1, §11.23.3. As half of a USB 3 hub it has a BOS, and another product's ids. */
function usb2Model(ports: number, multiTt: boolean, isHalf: boolean): DeviceModel {
  const usbVersion = isHalf ? 0x0210 : 0x0200;
  const highSpeed: EndpointDescriptor = {
    address: STATUS_CHANGE_ENDPOINT,
    attributes: INTERRUPT,
    maxPacketSize: bitmapLength(ports),
    interval: 12, // 2^11 microframes, 256 ms: the longest that is usual
  };
  const alternates = multiTt
    ? [hubInterface(0, PROTOCOL_SINGLE_TT, highSpeed), hubInterface(1, PROTOCOL_MULTI_TT, highSpeed)]
    : [hubInterface(0, 0, highSpeed)];
  const common = { usbVersion, deviceClass: HUB_CLASS, maxPacketSize0: 64, ...identity(isHalf) };
  const fullSpeed: DeviceModel = {
    speed: SPEED_FULL,
    device: { ...common, protocol: PROTOCOL_FULL_SPEED },
    configurations: [configuration([hubInterface(0, 0, { ...highSpeed, interval: 255 })])],
    strings: STRINGS,
  };
  return {
    speed: SPEED_HIGH,
    device: { ...common, protocol: multiTt ? PROTOCOL_MULTI_TT : PROTOCOL_SINGLE_TT },
    configurations: [configuration(alternates)],
    strings: STRINGS,
    otherSpeed: fullSpeed,
    ...(isHalf && { bos: BOS }),
  };
}

/** USB 3.2 §10.15.1, §10.15.3. */
function usb3Model(): DeviceModel {
  const endpoint: EndpointDescriptor = {
    address: STATUS_CHANGE_ENDPOINT,
    attributes: INTERRUPT_NOTIFICATION,
    maxPacketSize: BITMAP_MAX,
    interval: 8,
    companion: { maxBurst: 0, bytesPerInterval: BITMAP_MAX },
  };
  return {
    speed: SPEED_SUPER,
    device: {
      usbVersion: 0x0300,
      deviceClass: HUB_CLASS,
      protocol: PROTOCOL_SUPERSPEED,
      maxPacketSize0: 9,
      ...identity(true),
    },
    configurations: [configuration([hubInterface(0, 0, endpoint)])],
    strings: STRINGS,
    bos: BOS,
  };
}

const STRINGS = ["pvusb", "Hub"];
/** Latencies of 0 keep Linux from link power management, which a virtual link has no use for. */
const BOS = { usb2Attributes: 0x02, speeds: 0x0e, lowestFullFunction: 1, u1ExitLatency: 0, u2ExitLatency: 0 };

function identity(isUsb3: boolean) {
  const productId = isUsb3 ? PRODUCT_USB3 : PRODUCT_USB2;
  return { vendorId: VENDOR_ID, productId, deviceVersion: 0x0100, manufacturer: 1, product: 2 };
}

/** With power of its own: a hub that lives on its port's gives a guest little to share out. */
function configuration(interfaces: readonly InterfaceDescriptor[]) {
  return { value: 1, attributes: CONFIGURATION_SELF_POWERED | CONFIGURATION_REMOTE_WAKEUP, maxPower: 0, interfaces };
}

function hubInterface(alternate: number, protocol: number, endpoint: EndpointDescriptor): InterfaceDescriptor {
  return { number: 0, alternate, interfaceClass: HUB_CLASS, subclass: 0, protocol, endpoints: [endpoint] };
}
