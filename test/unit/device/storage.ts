/** A bulk-only host: what usb-storage does, one step at a time. */
import { STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import type { DriveSpeed } from "../../../worker/device/storage/drive-model.ts";
import { createFlashDrive } from "../../../worker/device/storage/flash-drive.ts";
import { openImage } from "../../../worker/device/storage/image/open-image.ts";
import { Medium } from "../../../worker/device/storage/medium.ts";
import type { Device } from "../../../worker/device.ts";
import type { ImageSource } from "../../../worker/protocol.ts";
import { type Answer, Host, now } from "./harness.ts";

export const IN = 0x81;
export const OUT = 0x02;

export interface Csw {
  readonly tag: number;
  readonly residue: number;
  readonly status: number;
}

export interface Outcome extends Csw {
  readonly data: Uint8Array;
  /** Did the data stage end with a STALL? */
  readonly stalled: boolean;
}

let tag = 0x11223344;

export async function flashDrive(
  image: ImageSource,
  options: { readOnly?: boolean; serial?: string; speed?: DriveSpeed; rate?: number } = {},
): Promise<Device> {
  return createFlashDrive({ ...options, medium: new Medium(await openImage(image, options.readOnly)) });
}

/** A configured drive whose unit attention was read. */
export async function plugDrive(
  image: ImageSource,
  options: { readOnly?: boolean; serial?: string; speed?: DriveSpeed; rate?: number } = {},
): Promise<Host> {
  const host = await Host.plug(await flashDrive(image, options));
  host.configure();
  command(host, cdb(0x00, 6), 0);
  command(host, cdb(0x03, 6, { 4: 18 }), 18);
  return host;
}

/** A command block of `length` bytes with some of them set. */
export function cdb(operation: number, length: number, fields: Record<number, number> = {}): Uint8Array {
  const block = new Uint8Array(length);
  block[0] = operation;
  for (const [at, value] of Object.entries(fields)) block[Number(at)] = value;
  return block;
}

export function rw10(operation: number, lba: number, blocks: number): Uint8Array {
  const block = cdb(operation, 10);
  const view = new DataView(block.buffer);
  view.setUint32(2, lba);
  view.setUint16(7, blocks);
  return block;
}

export function rw16(operation: number, lba: bigint, blocks: number): Uint8Array {
  const block = cdb(operation, 16);
  const view = new DataView(block.buffer);
  view.setBigUint64(2, lba);
  view.setUint32(10, blocks);
  return block;
}

export function cbw(block: Uint8Array, length: number, isIn: boolean, unit = 0): Uint8Array {
  const wrapper = new Uint8Array(31);
  const view = new DataView(wrapper.buffer);
  tag = (tag + 1) >>> 0;
  view.setUint32(0, 0x43425355, true);
  view.setUint32(4, tag, true);
  view.setUint32(8, length, true);
  wrapper[12] = isIn ? 0x80 : 0;
  wrapper[13] = unit;
  wrapper[14] = block.length;
  wrapper.set(block, 15);
  return wrapper;
}

export function parseCsw(answer: Answer): Csw {
  if (answer.status !== STATUS_OK || answer.actual !== 13) throw new Error(`no CSW: ${JSON.stringify(answer)}`);
  const view = new DataView(answer.bytes.buffer);
  if (view.getUint32(0, true) !== 0x53425355) throw new Error("no CSW signature");
  return { tag: view.getUint32(4, true), residue: view.getUint32(8, true), status: answer.bytes[12] ?? 0xff };
}

/** Fetches the CSW; a STALL of it is cleared once, as BOT 1.0 figure 2 says. */
export function status(host: Host): Csw {
  let answer = now(host.in(IN, 13));
  if (answer.status === STATUS_STALL) {
    host.clearHalt(IN);
    answer = now(host.in(IN, 13));
  }
  const csw = parseCsw(answer);
  if (csw.tag !== tag) throw new Error("a CSW of another command");
  return csw;
}

/** One command, all of it answered at once: data in when `data` is a length, out when it is bytes. */
export function command(host: Host, block: Uint8Array, data: number | Uint8Array, unit = 0): Outcome {
  const isIn = typeof data === "number";
  const length = isIn ? data : data.length;
  const sent = now(host.out(OUT, cbw(block, length, isIn, unit)));
  if (sent.status !== STATUS_OK) throw new Error(`the CBW ended with status ${sent.status}`);
  let moved: Answer | undefined;
  if (length > 0) moved = now(isIn ? host.in(IN, length) : host.out(OUT, data));
  const stalled = moved?.status === STATUS_STALL;
  if (stalled) host.clearHalt(isIn ? IN : OUT);
  return { ...status(host), data: moved?.bytes ?? new Uint8Array(), stalled };
}

/** Key, code and qualifier of REQUEST SENSE. */
export function sense(host: Host): string {
  const { data } = command(host, cdb(0x03, 6, { 4: 18 }), 18);
  return [data[2], data[12], data[13]].map((each) => (each ?? 0).toString(16).padStart(2, "0")).join("/");
}

export function bulkOnlyReset(host: Host): Answer {
  return host.control({ bmRequestType: 0x21, bRequest: 0xff });
}

/** Reset Recovery (BOT 1.0 §5.3.4). */
export function resetRecovery(host: Host): void {
  for (const answer of [bulkOnlyReset(host), host.clearHalt(IN), host.clearHalt(OUT)]) {
    if (answer.status !== STATUS_OK) throw new Error(`Reset Recovery ended with status ${answer.status}`);
  }
}
