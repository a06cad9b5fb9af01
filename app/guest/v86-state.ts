/**
 * What pvusb keeps in a saved state of v86. v86 keeps an array for the machine, and in it arrays, numbers, strings and typed
 * arrays; ours is one more entry:
 *
 *   [ "pvusb", version, [pci id, name, level of INTx, JSON, [bytes, …]], … ]       one for each function
 */
import { StateError } from "../../asm/saved.ts";

/** To be counted up with every change of what any part of pvusb saves. */
export const STATE_VERSION = 1;
const SIGNATURE = "pvusb";
/** v86's own entries end at 92. */
const STATE_INDEX = 200;
const RESTART = "Start the guest anew and save it again.";

/** One function's part. */
export interface FunctionState {
  readonly id: number;
  readonly name: string;
  readonly asserted: boolean;
  /** Plain data. */
  readonly state: unknown;
}

/** Adds our entry to v86's. */
export function putFunctions(state: unknown[], functions: readonly FunctionState[]): void {
  const packed = functions.map(({ id, name, asserted, state: data }) => [id, name, Number(asserted), ...pack(data)]);
  state[STATE_INDEX] = [SIGNATURE, STATE_VERSION, ...packed];
}

/** Our entry. Throws a StateError when there is none, or none that this version reads. */
export function getFunctions(state: readonly unknown[]): FunctionState[] {
  const entry = state[STATE_INDEX];
  if (!Array.isArray(entry)) {
    throw new StateError(
      "This state is of a machine without pvusb's USB controller, which its guest would not know. Restore it into such a machine.",
    );
  }
  const [signature, version, ...functions] = entry as unknown[];
  if (signature !== SIGNATURE || version !== STATE_VERSION) {
    const saved = signature === SIGNATURE ? `has format ${String(version)}` : "has an older format";
    throw new StateError(`This state ${saved}, and this version of pvusb reads format ${STATE_VERSION}. ${RESTART}`);
  }
  return functions.map((each) => {
    const [id, name, asserted, json, bytes] = Array.isArray(each) ? (each as unknown[]) : [];
    if (typeof id !== "number" || typeof name !== "string" || typeof asserted !== "number") throw damaged();
    return { id, name, asserted: asserted !== 0, state: unpack(json, bytes) };
  });
}

function damaged(cause?: unknown): StateError {
  return new StateError(`The saved state is damaged. ${RESTART}`, { cause });
}

/** Bytes stand beside the JSON, and a record with this field in it: their place. */
const BYTES = "$bytes";

function pack(data: unknown): [json: string, bytes: Uint8Array[]] {
  const bytes: Uint8Array[] = [];
  const json = JSON.stringify(data, (_, value: unknown) =>
    value instanceof Uint8Array ? { [BYTES]: bytes.push(value) - 1 } : value,
  );
  return [json, bytes];
}

function unpack(json: unknown, bytes: unknown): unknown {
  if (typeof json !== "string" || !Array.isArray(bytes)) throw damaged();
  try {
    return JSON.parse(json, (_, value: unknown) => {
      if (typeof value !== "object" || value === null || !(BYTES in value)) return value;
      return (bytes as unknown[])[value[BYTES] as number];
    });
  } catch (error) {
    throw damaged(error);
  }
}
