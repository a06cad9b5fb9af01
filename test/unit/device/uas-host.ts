/** A strict host of USB Attached SCSI: what a driver does, and every rule of the order that the device must keep. */
import { SPEED_SUPER, STATUS_CANCELLED, STATUS_OK } from "../../../asm/layout.ts";
import type { DriveSpeed } from "../../../worker/device/storage/drive-model.ts";
import { openImage } from "../../../worker/device/storage/image/open-image.ts";
import type { Image } from "../../../worker/device/storage/image.ts";
import { Medium } from "../../../worker/device/storage/medium.ts";
import { createUasDrive } from "../../../worker/device/storage/uas-drive.ts";
import type { ImageSource } from "../../../worker/protocol.ts";
import { Host, now, type Transfer } from "./harness.ts";
import { cdb } from "./storage.ts";

export const COMMAND = 0x04;
export const STATUS = 0x83;
export const DATA_IN = 0x81;
export const DATA_OUT = 0x02;
/** A SENSE IU with all the sense data there can be. */
export const STATUS_ROOM = 16 + 96;

export const GOOD = 0;
export const CHECK_CONDITION = 2;

export interface Outcome {
  /** Of a SENSE IU. */
  readonly status?: number;
  /** Key, code and qualifier, when there are any. */
  readonly sense?: string;
  /** Of a RESPONSE IU. */
  readonly response?: number;
  /** The bytes that came in, or the number that went out. */
  readonly data: Uint8Array;
  readonly moved: number;
}

export interface How {
  readonly attribute?: number;
  readonly unit?: number;
}

/** One tag on its way. */
export class Tag {
  readonly tag: number;
  readonly isIn: boolean;
  readonly payload: number | Uint8Array;
  /** A host that has no data transfer to queue yet. */
  held: boolean;
  /** Without streams: a READY IU has come. */
  announced = false;
  /** Task management: the tags that its response ends. */
  aborts: readonly Tag[] = [];
  data: Transfer | undefined;
  outcome: Outcome | undefined;

  constructor(tag: number, payload: number | Uint8Array, held: boolean) {
    this.tag = tag;
    this.payload = payload;
    this.held = held;
    this.isIn = typeof payload === "number";
  }

  get length(): number {
    return typeof this.payload === "number" ? this.payload : this.payload.length;
  }
}

export class UasHost {
  readonly host: Host;
  readonly streams: boolean;
  readonly #open = new Map<number, Tag>();
  readonly #statuses = new Set<{ readonly transfer: Transfer; readonly stream: number }>();
  #nextTag = 1;

  private constructor(host: Host) {
    this.host = host;
    this.streams = host.device.speed === SPEED_SUPER;
  }

  /** A drive in its alternate 1, whose unit attention was read. */
  static async plug(image: ImageSource | Image, speed: DriveSpeed = "super"): Promise<UasHost> {
    const opened = "flush" in image ? image : await openImage(image);
    const host = await Host.plug(createUasDrive({ medium: new Medium(opened), speed, serial: "AB12" }));
    host.configure();
    const uas = new UasHost(host);
    uas.choose(1);
    await uas.run(cdb(0x00, 6), 0);
    return uas;
  }

  /** SET_INTERFACE: what is under way is over, and the device must have answered it. */
  choose(alternate: number): void {
    const { status } = this.host.control({ bmRequestType: 0x01, bRequest: 11, wValue: alternate });
    if (status !== STATUS_OK) throw new Error(`SET_INTERFACE(${alternate}) ended with status ${status}`);
    this.forget();
  }

  forget(): void {
    this.#statuses.clear();
    this.#open.clear();
  }

  /** A tag that nothing uses. */
  freeTag(): number {
    for (;;) {
      const tag = this.#nextTag;
      this.#nextTag = (this.#nextTag % 32) + 1;
      if (!this.#open.has(tag)) return tag;
    }
  }

  /** Queues status and, with streams, data, then the command. */
  start(block: Uint8Array, payload: number | Uint8Array, how: How = {}, tag = this.freeTag()): Tag {
    const each = this.expect(tag, payload);
    if (this.streams && each.length > 0) this.queueData(each);
    this.send(commandIu(tag, block, how));
    this.poll();
    return each;
  }

  /** One command, to its end. */
  async run(block: Uint8Array, payload: number | Uint8Array, how: How = {}): Promise<Outcome> {
    return this.end(this.start(block, payload, how));
  }

  /** Task management: the response code. What it aborts is given up when the response comes, and not before. */
  manage(code: number, taskTag = 0, unit = 0, aborts: readonly Tag[] = []): number | undefined {
    const each = this.expect(this.freeTag(), 0);
    each.aborts = aborts;
    this.send(taskIu(each.tag, code, taskTag, unit));
    this.poll();
    return each.outcome?.response;
  }

  async end(each: Tag): Promise<Outcome> {
    for (let turn = 0; turn < 1000 && !each.outcome; turn++) {
      await this.host.settle(1);
      this.poll();
    }
    if (!each.outcome) throw new Error(`tag ${each.tag} was not answered`);
    return each.outcome;
  }

  /** A command whose data waits for `go`. */
  startHeld(block: Uint8Array, payload: number | Uint8Array, tag = this.freeTag()): Tag {
    const each = this.expect(tag, payload, true);
    this.send(commandIu(tag, block));
    this.poll();
    return each;
  }

  go(each: Tag): void {
    each.held = false;
    if (this.streams || each.announced) this.queueData(each);
    this.poll();
  }

  /** The tag is under way from now on, and a status transfer waits for it. */
  expect(tag: number, payload: number | Uint8Array, held = false): Tag {
    const each = new Tag(tag, payload, held);
    this.#open.set(tag, each);
    this.queueStatus(tag);
    return each;
  }

  /** Gives a tag up. */
  abandon(each: Tag): void {
    this.#open.delete(each.tag);
    if (each.data && !each.data.answer) this.host.cancel(each.data);
    for (const status of this.#statuses) {
      if (status.transfer.answer || (this.streams && status.stream !== each.tag)) continue;
      this.host.cancel(status.transfer);
      this.#statuses.delete(status);
      break;
    }
  }

  queueData(each: Tag): Transfer {
    each.data = this.host.bulk(each.isIn ? DATA_IN : DATA_OUT, this.streams ? each.tag : 0, each.payload);
    return each.data;
  }

  queueStatus(tag: number, room = STATUS_ROOM): Transfer {
    const stream = this.streams ? tag : 0;
    const transfer = this.host.bulk(STATUS, stream, room);
    this.#statuses.add({ transfer, stream });
    return transfer;
  }

  /** Puts an information unit on the command pipe. */
  send(unit: Uint8Array): Transfer {
    return this.host.out(COMMAND, unit);
  }

  /** Takes what has come on the status pipe. */
  poll(): void {
    for (let found = true; found; ) {
      found = false;
      for (const each of this.#statuses) {
        const { answer } = each.transfer;
        if (!answer) continue;
        found = true;
        this.#statuses.delete(each);
        if (answer.status !== STATUS_OK) throw new Error(`the status pipe ended with status ${answer.status}`);
        this.#take(answer.bytes, each.stream);
      }
    }
  }

  #take(bytes: Uint8Array, stream: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const id = view.getUint8(0);
    const tag = view.getUint16(2);
    const each = this.#open.get(tag);
    if (!each) throw new Error(`a unit ${id} of tag ${tag}, which is not under way`);
    if (this.streams && stream !== tag) throw new Error(`a unit of tag ${tag} came on stream ${stream}`);
    switch (id) {
      case 0x06:
      case 0x07:
        this.#transfer(each, id === 0x06, bytes.length);
        return;
      case 0x03: {
        const length = view.getUint16(14);
        if (bytes.length !== 16 + length)
          throw new Error(`a SENSE IU of ${bytes.length} bytes with ${length} of sense`);
        const sense = length > 0 ? [bytes[18], bytes[28], bytes[29]].map((b) => hex2(b ?? 0)).join("/") : undefined;
        const status = view.getUint8(6);
        if (status === GOOD && each.data && !each.data.answer) throw new Error(`tag ${tag} is good without its data`);
        this.#finish(each, { status, ...(sense && { sense }) });
        return;
      }
      case 0x04:
        if (bytes.length !== 8) throw new Error(`a RESPONSE IU of ${bytes.length} bytes`);
        this.#finish(each, { response: view.getUint8(7) });
        return;
      default:
        throw new Error(`a unit ${id} on the status pipe`);
    }
  }

  /** READ READY or WRITE READY. */
  #transfer(each: Tag, isIn: boolean, length: number): void {
    if (this.streams) throw new Error("a READY IU although there are streams");
    if (length !== 4) throw new Error(`a READY IU of ${length} bytes`);
    if (each.length === 0 || each.isIn !== isIn) throw new Error(`tag ${each.tag} has no such data`);
    for (const other of this.#open.values()) {
      if (other.isIn === isIn && other.announced && !other.data?.answer)
        throw new Error("the data pipe is another tag's");
    }
    each.announced = true;
    this.queueStatus(each.tag);
    if (!each.held) this.queueData(each);
  }

  #finish(each: Tag, end: Pick<Outcome, "status" | "sense" | "response">): void {
    this.#open.delete(each.tag);
    for (const aborted of each.aborts) this.abandon(aborted);
    const { data } = each;
    if (data && !data.answer) this.host.cancel(data);
    const moved = data && now(data);
    if (moved && moved.status !== STATUS_OK && moved.status !== STATUS_CANCELLED) {
      throw new Error(`the data of tag ${each.tag} ended with status ${moved.status}`);
    }
    each.outcome = { ...end, data: moved?.bytes ?? new Uint8Array(), moved: moved?.actual ?? 0 };
  }
}

export function commandIu(tag: number, block: Uint8Array, { attribute = 0, unit = 0 }: How = {}): Uint8Array {
  const unitBytes = new Uint8Array(32);
  unitBytes[0] = 0x01;
  unitBytes[2] = tag >> 8;
  unitBytes[3] = tag;
  unitBytes[4] = attribute;
  unitBytes[9] = unit;
  unitBytes.set(block, 16);
  return unitBytes;
}

export function taskIu(tag: number, code: number, taskTag: number, unit = 0): Uint8Array {
  return Uint8Array.of(0x05, 0, tag >> 8, tag, code, 0, taskTag >> 8, taskTag, 0, unit, 0, 0, 0, 0, 0, 0);
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, "0");
}
