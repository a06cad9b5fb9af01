/** What a fake USB device does on its bus: its descriptors, and its side of each packet. */

/** The setup packet (USB 2.0 table 9-2). */
export interface FakeSetup {
  readonly bmRequestType: number;
  readonly bRequest: number;
  readonly wValue: number;
  readonly wIndex: number;
  readonly wLength: number;
}

/** A device that cannot answer yet says "nak", and `FakeBus.wake()` once it can. "error" is noise on the wire. */
export type InAnswer = Uint8Array | "nak" | "stall" | "error";
export type OutAnswer = "ack" | "nak" | "stall" | "error";
/** An IN's data, or "ack" for an OUT; "nak" never ends. */
export type ControlAnswer = Uint8Array | OutAnswer;

/** How a function calls back. */
export interface FakeBus {
  /** An endpoint that said "nak" may be asked again. */
  wake(): void;
}

export interface FakeFunction {
  /** 18 bytes (USB 2.0 §9.6.1). */
  readonly deviceDescriptor: Uint8Array;
  /** Whole configurations, wTotalLength bytes each (USB 2.0 §9.6.3). */
  readonly configurations: readonly Uint8Array[];
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serialNumber?: string;

  /** GET_DESCRIPTOR of the device, for what it does not answer from the above; undefined leaves it to that. */
  descriptor?(type: number, index: number, wLength: number): ControlAnswer | undefined;
  /** Plugged in. */
  attach?(bus: FakeBus): void;
  /** A control request that is not one of those which every device answers from its descriptors. */
  control?(setup: FakeSetup, data: Uint8Array): ControlAnswer | Promise<ControlAnswer>;
  /**
   * One packet of an IN endpoint. A packet shorter than the endpoint's packet size ends the host's transfer; one longer
   * than the host has room for is a babble. "stall" halts the endpoint until the host clears it.
   */
  in?(endpointAddress: number): InAnswer;
  /** One packet of an OUT endpoint. */
  out?(endpointAddress: number, packet: Uint8Array): OutAnswer;

  setConfiguration?(value: number): void;
  setInterface?(interfaceNumber: number, alternate: number): void;
  clearHalt?(endpointAddress: number): void;
  reset?(): void;
}
