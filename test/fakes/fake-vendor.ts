/**
 * A ready device for tests in browsers and guests: one vendor-specific interface that loops bulk OUT back to bulk IN, ticks on
 * an interrupt IN, and echoes control data as Linux's gadget zero does (requests 0x5b and 0x5c). It has a serial number.
 */
import { fakeConfiguration, fakeDevice } from "./usb-descriptors.ts";
import type { ControlAnswer, FakeBus, FakeFunction, FakeSetup, InAnswer, OutAnswer } from "./usb-function.ts";

export const VENDOR_BULK_IN = 0x81;
export const VENDOR_BULK_OUT = 0x02;
export const VENDOR_INTERRUPT_IN = 0x83;
/** Vendor requests: OUT 0x5b keeps the data, IN 0x5c gives it back. */
export const VENDOR_CONTROL_WRITE = 0x5b;
export const VENDOR_CONTROL_READ = 0x5c;

const PACKET_SIZE = 512;
/** Packets kept for the host before OUT is told to wait. */
const PACKETS_MAX = 256;

export class FakeVendor implements FakeFunction {
  readonly manufacturer = "pvusb";
  readonly product = "loopback";
  readonly serialNumber: string;
  readonly deviceDescriptor = fakeDevice({
    usbVersion: 0x0200,
    deviceClass: 0,
    maxPacketSize0: 64,
    hasSerial: true,
    configurations: 1,
  });
  readonly configurations = [
    fakeConfiguration(1, [
      {
        number: 0,
        alternate: 0,
        interfaceClass: 0xff,
        endpoints: [
          { address: VENDOR_BULK_IN, type: "bulk", packetSize: PACKET_SIZE },
          { address: VENDOR_BULK_OUT, type: "bulk", packetSize: PACKET_SIZE },
          { address: VENDOR_INTERRUPT_IN, type: "interrupt", packetSize: 8 },
        ],
      },
    ]),
  ];
  #bus: FakeBus | undefined;
  #packets: Uint8Array[] = [];
  #ticks: Uint8Array[] = [];
  #kept = new Uint8Array(0);

  constructor(serialNumber = "PV0001") {
    this.serialNumber = serialNumber;
  }

  attach(bus: FakeBus): void {
    this.#bus = bus;
  }

  /** Sends one interrupt packet of at most 8 bytes. */
  tick(packet: Uint8Array): void {
    this.#ticks.push(packet.slice(0, 8));
    this.#bus?.wake();
  }

  in(endpoint: number): InAnswer {
    const packet = (endpoint === VENDOR_BULK_IN ? this.#packets : this.#ticks).shift();
    if (endpoint === VENDOR_BULK_IN && packet) this.#bus?.wake(); // there is room for an OUT again
    return packet ?? "nak";
  }

  out(_endpoint: number, packet: Uint8Array): OutAnswer {
    if (this.#packets.length >= PACKETS_MAX) return "nak";
    this.#packets.push(packet);
    this.#bus?.wake();
    return "ack";
  }

  control({ bmRequestType, bRequest, wLength }: FakeSetup, data: Uint8Array): ControlAnswer {
    const isVendor = (bmRequestType & 0x60) === 0x40;
    if (isVendor && bmRequestType < 0x80 && bRequest === VENDOR_CONTROL_WRITE) {
      this.#kept = data.slice();
      return "ack";
    }
    if (isVendor && bmRequestType >= 0x80 && bRequest === VENDOR_CONTROL_READ) return this.#kept.slice(0, wLength);
    return "stall";
  }

  reset(): void {
    this.#packets = [];
    this.#ticks = [];
  }
}
