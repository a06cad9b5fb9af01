/** What can be heard of a controller while it works. */
import type { UrbTrace } from "./urb-trace.ts";

/** The guest read or wrote a register. */
export interface RegisterTrace {
  /** µs since 1970. */
  readonly time: number;
  readonly access: "read" | "write";
  /** As the specification abbreviates it, such as USBCMD, PORTSC1 or DOORBELL1; "reserved" where there is none. */
  readonly name: string;
  /** Bytes from the start of the BAR. */
  readonly offset: number;
  /** Bytes. */
  readonly width: number;
  readonly value: number;
  /** The bits that are set and the fields that have names, for a person. */
  readonly fields: string;
}

/** The controller took a Transfer Request Block from a ring of the guest's, or put an event on one. */
export interface TrbTrace {
  /** µs since 1970. */
  readonly time: number;
  readonly ring: "command" | "transfer" | "event";
  /** Whose transfer ring: the slot, and the endpoint as its device context index. 0 for other rings. */
  readonly slot: number;
  readonly endpoint: number;
  /** Where it is in the guest's memory. */
  readonly address: number;
  /** The four dwords, the lowest first. */
  readonly dwords: readonly [number, number, number, number];
  /** The TRB's type in the specification's words, such as "Setup Stage". */
  readonly name: string;
  /** What its fields say, for a person. */
  readonly fields: string;
}

/** Each is called in the midst of the controller's work: it must not throw, and the guest waits until it returns. */
export interface TraceListeners {
  readonly registers?: ((access: RegisterTrace) => void) | undefined;
  /** A TD that the guest has not written to its end is read again later, and heard of again. */
  readonly trbs?: ((trb: TrbTrace) => void) | undefined;
  /** The guest rings for transfers; its handler looks whether there is an event; it is done with the events. */
  readonly moments?: ((what: "doorbell" | "handler" | "done") => void) | undefined;
  /** Every transfer, as it leaves and as it comes back. */
  readonly urbs?: ((urb: UrbTrace) => void) | undefined;
  /** Bytes of each URB's payload that are copied for `urbs`; of a control transfer all are. All, if it is not given. */
  readonly payload?: number | undefined;
}
