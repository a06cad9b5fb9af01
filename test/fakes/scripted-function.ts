/** A fake device whose endpoints say what a test tells them to, packet by packet, and which keeps what it was sent. */
import { type EndpointLiteral, fakeConfiguration, fakeDevice } from "./usb-descriptors.ts";
import type { ControlAnswer, FakeBus, FakeFunction, FakeSetup, InAnswer, OutAnswer } from "./usb-function.ts";

export interface ScriptedInterface {
  readonly number: number;
  readonly alternate?: number;
  readonly interfaceClass?: number;
  readonly endpoints?: readonly EndpointLiteral[];
}

export interface ScriptedOptions {
  readonly serialNumber?: string;
  /** bcdUSB, default 0x0200. */
  readonly usbVersion?: number;
  readonly maxPacketSize0?: number;
  readonly deviceClass?: number;
  /** The interfaces of each configuration, which count from 1. */
  readonly configurations?: readonly (readonly ScriptedInterface[])[];
}

/** A high-speed vendor-specific device: bulk IN 0x81, bulk OUT 0x02, interrupt IN 0x83. */
export const VENDOR_INTERFACE: ScriptedInterface = {
  number: 0,
  endpoints: [
    { address: 0x81, type: "bulk", packetSize: 512 },
    { address: 0x02, type: "bulk", packetSize: 512 },
    { address: 0x83, type: "interrupt", packetSize: 64 },
  ],
};

export class ScriptedFunction implements FakeFunction {
  readonly deviceDescriptor: Uint8Array;
  readonly configurations: readonly Uint8Array[];
  readonly manufacturer = "pvusb";
  readonly product = "scripted device";
  readonly serialNumber?: string;
  /** Every change of state and control request, in order, in words. */
  readonly log: string[] = [];
  /** Packets of all OUT endpoints, in order. */
  readonly received: Uint8Array[] = [];
  /** What OUT packets are answered, first to last; then "ack". */
  readonly outAnswers: OutAnswer[] = [];
  /** Answers a control request; `undefined` is a stall. */
  onControl: ((setup: FakeSetup, data: Uint8Array) => ControlAnswer | undefined) | undefined;
  readonly #inAnswers = new Map<number, InAnswer[]>();
  #bus: FakeBus | undefined;

  constructor(options: ScriptedOptions = {}) {
    const { serialNumber, configurations = [[VENDOR_INTERFACE]] } = options;
    if (serialNumber !== undefined) this.serialNumber = serialNumber;
    this.deviceDescriptor = fakeDevice({
      usbVersion: options.usbVersion ?? 0x0200,
      deviceClass: options.deviceClass ?? 0,
      maxPacketSize0: options.maxPacketSize0 ?? 64,
      hasSerial: serialNumber !== undefined,
      configurations: configurations.length,
    });
    this.configurations = configurations.map((interfaces, index) =>
      fakeConfiguration(
        index + 1,
        interfaces.map((each) => ({ alternate: 0, interfaceClass: 0xff, endpoints: [], ...each })),
      ),
    );
  }

  attach(bus: FakeBus): void {
    this.#bus = bus;
  }

  /** What the next packets of an IN endpoint are. */
  push(endpoint: number, ...answers: InAnswer[]): void {
    const queue = this.#inAnswers.get(endpoint) ?? [];
    queue.push(...answers);
    this.#inAnswers.set(endpoint, queue);
    this.#bus?.wake();
  }

  /** Packets pushed and not fetched. */
  left(endpoint: number): number {
    return this.#inAnswers.get(endpoint)?.length ?? 0;
  }

  in(endpoint: number): InAnswer {
    return this.#inAnswers.get(endpoint)?.shift() ?? "nak";
  }

  out(_endpoint: number, packet: Uint8Array): OutAnswer {
    const answer = this.outAnswers[0] ?? "ack";
    if (answer !== "nak") this.outAnswers.shift();
    if (answer === "ack") this.received.push(packet);
    return answer;
  }

  /** Endpoints that said "nak" are asked again. */
  wake(): void {
    this.#bus?.wake();
  }

  control(setup: FakeSetup, data: Uint8Array): ControlAnswer {
    this.log.push(`control ${setup.bmRequestType.toString(16)} ${setup.bRequest.toString(16)}`);
    return this.onControl?.(setup, data) ?? "stall";
  }

  setConfiguration(value: number): void {
    this.log.push(`configuration ${value}`);
  }

  setInterface(interfaceNumber: number, alternate: number): void {
    this.log.push(`interface ${interfaceNumber} alternate ${alternate}`);
  }

  clearHalt(endpoint: number): void {
    this.log.push(`clear halt ${endpoint.toString(16)}`);
  }

  reset(): void {
    this.log.push("reset");
  }
}
