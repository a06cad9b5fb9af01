/**
 * A saved state as a file, and compressed: what a browser keeps, and what a person takes from one computer to another.
 *
 *   pvusb state 1 \n   { name, savedAt, bytes, machine, plugged } as JSON \n   the state, gzip'd
 *
 * A file may come from anybody: all of it is checked before it is used.
 */
import { StateError } from "../../asm/saved.ts";

/** What is known of a state without reading it. */
export interface StateInfo {
  readonly name: string;
  /** ms since 1970. */
  readonly savedAt: number;
  /** Of the state itself. */
  readonly bytes: number;
  /** How such a machine is made: plain data of whoever makes machines. From a file it is not to be trusted. */
  readonly machine: unknown;
  /** What was in the ports, by their paths: the ids of cards. */
  readonly plugged: Readonly<Record<string, string>>;
}

/** Called with 0 to 1. */
export type OnProgress = (fraction: number) => void;

export const STATE_FILE_MAGIC = "pvusb state 1\n";
/** Of the magic and JSON together. */
const HEAD_MAX = 1 << 16;
const NAME_MAX = 200;
const PORTS_MAX = 1000;
/** No guest has so much memory. */
const BYTES_MAX = 2 ** 32;
const PIECE = 1 << 20;

const NO_STATE = "This file is no saved state of pvusb. Choose one that was downloaded from the list of snapshots.";
const DAMAGED = "The saved state is damaged. Take another one.";

/** Compresses a state. */
export async function packState(state: Uint8Array<ArrayBuffer>, onProgress?: OnProgress): Promise<Blob> {
  let done = 0;
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      onProgress?.(state.length === 0 ? 1 : done / state.length);
      if (done < state.length) controller.enqueue(state.subarray(done, done + PIECE));
      else controller.close();
      done = Math.min(done + PIECE, state.length);
    },
  });
  return new Response(pieces.pipeThrough(new CompressionStream("gzip"))).blob();
}

/** The state again, which has so many bytes. Rejects with a StateError for what is no such state. */
export async function unpackState(
  packed: Blob,
  bytes: number,
  onProgress?: OnProgress,
): Promise<Uint8Array<ArrayBuffer>> {
  let state: Uint8Array<ArrayBuffer>;
  let done = 0;
  try {
    state = new Uint8Array(bytes);
    const write = (piece: Uint8Array) => {
      state.set(piece, done); // a RangeError if it is too long
      done += piece.length;
      onProgress?.(done / bytes);
    };
    await packed.stream().pipeThrough(new DecompressionStream("gzip")).pipeTo(new WritableStream({ write }));
  } catch (cause) {
    throw new StateError(DAMAGED, { cause });
  }
  if (done !== bytes) throw new StateError(DAMAGED);
  return state;
}

export function writeStateFile(info: StateInfo, packed: Blob): Blob {
  const { name, savedAt, bytes, machine, plugged } = info;
  const head = `${STATE_FILE_MAGIC}${JSON.stringify({ name, savedAt, bytes, machine, plugged })}\n`;
  return new Blob([head, packed], { type: "application/octet-stream" });
}

/** Rejects with a StateError. */
export async function readStateFile(file: Blob): Promise<{ readonly info: StateInfo; readonly packed: Blob }> {
  const head = new Uint8Array(await file.slice(0, HEAD_MAX).arrayBuffer());
  const magic = new TextEncoder().encode(STATE_FILE_MAGIC);
  const end = head.indexOf(0x0a, magic.length);
  if (!magic.every((byte, at) => head[at] === byte) || end < 0) throw new StateError(NO_STATE);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(head.subarray(magic.length, end)));
  } catch (cause) {
    throw new StateError(DAMAGED, { cause });
  }
  return { info: checkInfo(json), packed: file.slice(end + 1) };
}

/** Throws a StateError for what is no StateInfo. */
export function checkInfo(json: unknown): StateInfo {
  const { name, savedAt, bytes, machine, plugged } = (json ?? {}) as Partial<Record<keyof StateInfo, unknown>>;
  if (typeof name !== "string" || name.length > NAME_MAX) throw new StateError(DAMAGED);
  if (typeof savedAt !== "number" || !Number.isFinite(new Date(savedAt).getTime())) throw new StateError(DAMAGED);
  if (!Number.isSafeInteger(bytes) || (bytes as number) < 0 || (bytes as number) > BYTES_MAX)
    throw new StateError(DAMAGED);
  if (typeof plugged !== "object" || plugged === null) throw new StateError(DAMAGED);
  const ports = Object.entries(plugged);
  if (ports.length > PORTS_MAX || !ports.every(([, card]) => typeof card === "string")) throw new StateError(DAMAGED);
  return { name, savedAt, bytes: bytes as number, machine, plugged: plugged as StateInfo["plugged"] };
}
