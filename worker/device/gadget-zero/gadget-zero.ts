/**
 * Gadget zero, the device that Linux's usbtest driver knows (0525:a4a0): sources and sinks of every transfer type, a
 * loopback, and a buffer that control transfers write and read. It differs from Linux's own gadget of that name in having
 * interrupt endpoints, as a third alternate.
 *
 *   configuration 3   source and sink   alternate 0: bulk    1: bulk, isochronous    2: interrupt
 *   configuration 2   loopback          bulk
 */
import {
  SPEED_FULL,
  SPEED_HIGH,
  SPEED_SUPER,
  TYPE_BULK,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { CONFIGURATION_SELF_POWERED, type EndpointDescriptor, type InterfaceDescriptor } from "../descriptor.ts";
import type { DeviceFunction, DeviceModel } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { SoftwareDevice } from "../software-device.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import { Loopback } from "./loopback.ts";
import { type Pattern, SourceSink } from "./source-sink.ts";

export type GadgetZeroSpeed = "full" | "high" | "super";

export interface GadgetZeroOptions {
  /** SuperSpeed if it is not given. */
  readonly speed?: GadgetZeroSpeed | undefined;
  /** What the sources send and the sinks expect: zeros if it is not given, as with Linux's gadget. */
  readonly pattern?: Pattern | undefined;
  /** bInterval of the isochronous endpoints, 1 to 16: a packet each 2^(n-1) frames or microframes. 4 if it is not given. */
  readonly interval?: number | undefined;
  /** It takes no time to answer, so that what its transfers cost is the way to it. */
  readonly atOnce?: boolean | undefined;
}

const VENDOR_ID = 0x0525;
const PRODUCT_ID = 0xa4a0;

const SOURCE_SINK = 3;
const LOOPBACK = 2;

const BULK_IN = 0x81;
const BULK_OUT = 0x01;

/** bmRequestType << 8 | bRequest: the vendor requests of Intel's USB 2.0 compliance device. */
const WRITE_BUFFER = 0x405b;
const READ_BUFFER = 0xc05c;
const BUFFER_SIZE = 0xffff;

/** What differs by speed: packet sizes (USB 2.0 §5.5.3 to §5.8.3, USB 3.2 §9.6.6), bcdUSB, the unit of bMaxPower. */
const SPEEDS = {
  full: { speed: SPEED_FULL, usbVersion: 0x0200, maxPacketSize0: 64, bulk: 64, interrupt: 64, isochronous: 1023 },
  high: { speed: SPEED_HIGH, usbVersion: 0x0200, maxPacketSize0: 64, bulk: 512, interrupt: 1024, isochronous: 1024 },
  super: { speed: SPEED_SUPER, usbVersion: 0x0300, maxPacketSize0: 9, bulk: 1024, interrupt: 1024, isochronous: 1024 },
} as const satisfies Record<GadgetZeroSpeed, object>;

export function createGadgetZero(options: GadgetZeroOptions = {}): SoftwareDevice {
  const { speed = "super", pattern = "zero", interval = 4, atOnce = false } = options;
  return new SoftwareDevice(gadgetZeroModel(speed, interval), new GadgetZero(pattern, atOnce));
}

export function gadgetZeroModel(speed: GadgetZeroSpeed, interval: number): DeviceModel {
  const { usbVersion, maxPacketSize0, bulk, interrupt, isochronous, ...rest } = SPEEDS[speed];
  const pair = (number: number, type: number, size: number, bInterval?: number): EndpointDescriptor[] =>
    [0x80, 0x00].map((direction) => ({
      address: direction | number,
      attributes: type,
      maxPacketSize: size,
      ...(bInterval !== undefined && { interval: bInterval }),
      ...(speed === "super" && {
        companion: type === TYPE_BULK ? { maxBurst: 15 } : { maxBurst: 0, bytesPerInterval: size },
      }),
    }));
  const settings = (name: number, ...alternates: EndpointDescriptor[][]): InterfaceDescriptor[] =>
    alternates.map((endpoints, alternate) => ({
      number: 0,
      alternate,
      interfaceClass: 0xff,
      subclass: 0,
      protocol: 0,
      name,
      endpoints,
    }));
  const bulkPair = pair(1, TYPE_BULK, bulk);
  const power = { attributes: CONFIGURATION_SELF_POWERED, maxPower: 1 };
  return {
    speed: rest.speed,
    device: {
      usbVersion,
      deviceClass: 0xff,
      maxPacketSize0,
      vendorId: VENDOR_ID,
      productId: PRODUCT_ID,
      deviceVersion: 0x0100,
      manufacturer: 1,
      product: 2,
      serialNumber: 3,
    },
    configurations: [
      {
        ...power,
        value: SOURCE_SINK,
        name: 4,
        interfaces: settings(
          4,
          bulkPair,
          [...bulkPair, ...pair(2, TYPE_ISOCHRONOUS, isochronous, interval)],
          pair(3, TYPE_INTERRUPT, interrupt, 4),
        ),
      },
      { ...power, value: LOOPBACK, name: 5, interfaces: settings(5, bulkPair) },
    ],
    strings: ["pvusb", "Gadget Zero", "0123456789.0123456789.0123456789", "source and sink", "loopback"],
    ...(speed === "super"
      ? { bos: { usb2Attributes: 0x02, speeds: 0x0e, lowestFullFunction: 1, u1ExitLatency: 0, u2ExitLatency: 0 } }
      : {}),
    ...(speed === "high" ? { otherSpeed: gadgetZeroModel("full", interval) } : {}),
  };
}

class GadgetZero implements DeviceFunction {
  readonly #sourceSink: SourceSink;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #mode: SourceSink | Loopback | undefined;

  constructor(pattern: Pattern, atOnce: boolean) {
    this.#sourceSink = new SourceSink(pattern, atOnce);
  }

  start(active: ActiveConfiguration): void {
    this.stop();
    const loopback = active.descriptor.value === LOOPBACK;
    this.#mode = loopback ? new Loopback(active.endpoint(BULK_IN), active.endpoint(BULK_OUT)) : this.#sourceSink;
  }

  stop(): void {
    this.#sourceSink.stop();
    this.#mode = undefined;
  }

  control(request: Request): boolean {
    if (!this.#mode || request.wValue !== 0 || request.wIndex !== 0) return false;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case WRITE_BUFFER:
        request.read(this.#buffer);
        return answerOut(request);
      case READ_BUFFER:
        return answerIn(request, this.#buffer);
      default:
        return false;
    }
  }

  save(): unknown {
    const loopback = this.#mode instanceof Loopback ? this.#mode.save() : undefined;
    return { buffer: this.#buffer.slice(), loopback };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the gadget zero");
    const buffer = saved.bytes("buffer", BUFFER_SIZE);
    let mode: SourceSink | Loopback | undefined = active && this.#sourceSink;
    if (active?.descriptor.value === LOOPBACK) {
      mode = new Loopback(active.endpoint(BULK_IN), active.endpoint(BULK_OUT));
      mode.restore(saved.record("loopback"));
    }
    this.stop();
    this.#buffer.set(buffer);
    this.#mode = mode;
  }

  ready(endpoint: Endpoint): void {
    this.#mode?.ready(endpoint);
  }

  withdrawn(endpoint: Endpoint): void {
    if (this.#mode instanceof Loopback) this.#mode.withdrawn(endpoint);
  }
}
