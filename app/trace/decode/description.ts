/** What is said of a transfer. */
import type { UrbTrace } from "../urb-trace.ts";

export interface Field {
  readonly name: string;
  readonly value: string;
}

export interface Description {
  /** One sentence. */
  readonly text: string;
  /** What its bytes say, one by one. */
  readonly fields: readonly Field[];
}

/** A setup packet (USB 2.0 §9.3), read. */
export interface Setup {
  readonly type: number;
  readonly request: number;
  readonly value: number;
  readonly index: number;
  readonly length: number;
}

/** What an endpoint is for, as far as the device's descriptors were seen. */
export interface Role {
  readonly interface: number;
  readonly alternate: number;
  readonly class: number;
  readonly subclass: number;
  readonly protocol: number;
  /** Of a UAS endpoint: which pipe it is (UAS-3 §5.2.3.4). 0 for others. */
  readonly pipe: number;
  /** Of a communications device: the subclass of the control interface before this one. 0 for others. */
  readonly control: number;
}

/** A transfer that has ended, and what is needed to read it. Several packets of an isochronous endpoint are one. */
export interface Transfer
  extends Pick<
    UrbTrace,
    "time" | "address" | "speed" | "endpoint" | "type" | "setup" | "stream" | "length" | "actual" | "status"
  > {
  /** Counts from 1. */
  readonly number: number;
  /** "3", or "3.2" behind a hub. */
  readonly port: string;
  /** µs from when it was submitted, if that was heard. */
  readonly duration: number | undefined;
  /** What it carried, either way; of much the first part. */
  readonly data: Uint8Array;
  /** Of the endpoint; of a control transfer, of what it is sent to. */
  readonly role: Role | undefined;
  /** What a drive's data or status belongs to: its command. */
  readonly command: string | undefined;
  /** More than one for isochronous packets only. */
  readonly packets: number;
  /** Those that did not go well. */
  readonly errors: number;
}

export function field(name: string, value: string | number): Field {
  return { name, value: String(value) };
}

export function say(text: string, ...fields: Field[]): Description {
  return { text, fields };
}

/** `["mute", "volume"][at]`, or the number. */
export function named(names: Readonly<Record<number, string>>, value: number, otherwise: string): string {
  return names[value] ?? `${otherwise} 0x${value.toString(16).padStart(2, "0")}`;
}
