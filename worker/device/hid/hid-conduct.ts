/** What makes one kind of HID device another than the next, behind the HidFunction that they all are. */
import type { DeviceOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";

export interface HidConduct {
  readonly reportDescriptor: Uint8Array;
  /** SET_IDLE's units of 4 ms after which an unchanged report is sent again; 0 is never. Without it, it is always never. */
  readonly idle?: number;
  /** Something is held that the host has to be told of when it begins anew. */
  readonly held: boolean;

  /** The input report of this id as it is now, or undefined where there is none. */
  current(id: number): Uint8Array | undefined;
  /** What a person or the page does, as input reports, oldest first. `message` is not trusted. */
  input(message: unknown): readonly Uint8Array[];
  /**
   * Takes `next` into the report that waits last, and says true, where the host loses nothing by it. `before` waits, too: what
   * changed between the two has to stay where it was.
   */
  merge?(before: Uint8Array, waiting: Uint8Array, next: Uint8Array): boolean;
  /** What the boot protocol has of a report: a device with it is of the boot subclass (HID 1.11 §4.2). */
  boot?(report: Uint8Array): Uint8Array;

  /**
   * GET_REPORT and SET_REPORT of an output or feature report. It has answered the request when it says true, or does so later
   * by itself, unless that has another `serial` by then. False stalls it.
   */
  getReport?(type: number, id: number, request: Request): boolean;
  setReport?(type: number, id: number, request: Request): boolean;
  /** Takes the data of a transfer on interrupt OUT, or says false when that has to wait: until `output` was asked. */
  takeOutput?(request: Request): boolean;
  output?(): DeviceOutput | undefined;

  /** Configured anew, or no longer: what the host has set is forgotten. What is held stays held. */
  reset?(): void;
  save(): unknown;
  /** A way to become what `save` said, checked. Throws a StateError. */
  read(state: unknown): () => void;
}
