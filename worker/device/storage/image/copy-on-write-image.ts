/** A disk that keeps what is written to it in memory, beside an image that stays as it is. */
import { Saved } from "../../../../asm/saved.ts";
import type { ImageSource } from "../../../protocol.ts";
import type { Request } from "../../../request.ts";
import { type Image, ImageError } from "../image.ts";
import { BlobImage } from "./blob-image.ts";

const BLOCK_SIZE = 1 << 16;
const MASK_SIZE = BLOCK_SIZE / 8;

interface Block {
  readonly bytes: Uint8Array;
  /** A bit for each byte that was written; undefined when all were. */
  mask: Uint8Array | undefined;
  /** How many were. */
  written: number;
  /** The last mark before it was written. */
  since: number;
}

export class CopyOnWriteImage implements Image {
  readonly size: number;
  readonly readOnly = false;
  readonly cached = false;
  readonly volatile = true;
  readonly notes: readonly string[];
  readonly source: ImageSource | string;
  #base: Image;
  #marks = 0;
  /** The mark of which the base is, and how often it was replaced. */
  #baseMark = 0;
  #replaced = 0;
  /** The base is being replaced. */
  #gate: Promise<void> | undefined;
  /** Those that were never written are missing: their bytes are the base's. */
  readonly #blocks = new Map<number, Block>();

  constructor(base: Image) {
    const { source } = base;
    this.#base = base;
    this.size = base.size;
    this.notes = base.notes;
    this.source = typeof source === "string" ? source : ({ ...source, writes: "memory" } as ImageSource);
  }

  read(offset: number, length: number, request: Request, at: number): Promise<Uint8Array> | undefined {
    const isAllHere = this.#isAllWritten(offset, length);
    if (this.#gate && !isAllHere) return this.#gate.then(() => this.bytes(offset, length));
    if (!this.#isWritten(offset, length)) return this.#base.read(offset, length, request, at);
    const promised = isAllHere ? undefined : this.#base.read(offset, length, request, at);
    if (promised) return promised.then((bytes) => this.#overlay(bytes, offset));
    for (let done = 0; done < length; ) {
      const window = request.window(at + done, length - done);
      this.#overlay(window, offset + done);
      done += window.length;
    }
    return undefined;
  }

  bytes(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    if (this.#isAllWritten(offset, length)) return this.#overlay(new Uint8Array(length), offset);
    const base = this.#gate?.then(() => this.#base.bytes(offset, length)) ?? this.#base.bytes(offset, length);
    if (base instanceof Uint8Array) return this.#overlay(base, offset);
    const now = new Map<number, Block>();
    for (const [index, block] of this.#within(offset, length)) {
      now.set(index, { ...block, bytes: block.bytes.slice(), mask: block.mask?.slice() });
    }
    return base.then((bytes) => this.#overlay(bytes, offset, now));
  }

  write(offset: number, length: number, request: Request, at: number): void {
    for (let done = 0; done < length; ) {
      const within = (offset + done) % BLOCK_SIZE;
      const window = request.window(at + done, Math.min(length - done, BLOCK_SIZE - within));
      const block = this.#block(Math.floor((offset + done) / BLOCK_SIZE));
      block.bytes.set(window, within);
      block.since = this.#marks;
      mark(block, within, window.length);
      done += window.length;
    }
  }

  flush(): void {}

  mark(): number {
    return ++this.#marks;
  }

  replace(mark: number): (blob?: Blob) => void {
    if (this.#gate || mark <= this.#baseMark) {
      throw new ImageError("The drive is being saved to its file already, or was after this began. Save it again.");
    }
    let open: () => void = () => undefined;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return (blob) => {
      this.#gate = undefined;
      try {
        if (blob) this.#become(new BlobImage(blob), mark);
      } finally {
        open();
      }
    };
  }

  /** The base has now what was written before the mark. */
  #become(base: Image, mark: number): void {
    this.#base = base;
    this.#baseMark = mark;
    this.#replaced++;
    for (const [index, { since }] of this.#blocks) if (since < mark) this.#blocks.delete(index);
  }

  save(): unknown {
    const blocks = [...this.#blocks].map(([index, { bytes, mask }]) => ({
      at: index,
      bytes: bytes.slice(),
      mask: mask?.slice() ?? new Uint8Array(),
    }));
    return { base: this.#base.save(), replaced: this.#replaced, blocks };
  }

  restore(state: unknown): string | undefined {
    const saved = new Saved(state, "what was written to the disk");
    const count = Math.ceil(this.size / BLOCK_SIZE);
    const blocks = saved.records("blocks", count).map((block) => ({
      index: block.integer("at", count - 1),
      bytes: block.bytes("bytes", BLOCK_SIZE),
      mask: block.bytes("mask", MASK_SIZE, 0),
    }));
    if (blocks.some(({ mask }) => mask.length !== 0 && mask.length !== MASK_SIZE)) throw saved.wrong("blocks");
    if (saved.integer("replaced") !== this.#replaced) {
      throw new ImageError(
        "The drive was saved to its file after the state was saved, so it cannot be as it was then.",
      );
    }
    const note = this.#base.restore(saved.get("base"));
    this.#blocks.clear();
    for (const { index, bytes, mask } of blocks) {
      const all = mask.length === 0;
      this.#blocks.set(index, {
        bytes: bytes.slice(),
        mask: all ? undefined : mask.slice(),
        since: this.#marks,
        written: all ? BLOCK_SIZE : mask.reduce((sum, bits) => sum + ones(bits), 0),
      });
    }
    return note;
  }

  close(): void {
    this.#blocks.clear();
    this.#base.close();
  }

  *#within(offset: number, length: number): Iterable<[number, Block]> {
    for (let index = Math.floor(offset / BLOCK_SIZE); index * BLOCK_SIZE < offset + length; index++) {
      const block = this.#blocks.get(index);
      if (block) yield [index, block];
    }
  }

  /** Is there anything in the blocks of this range? */
  #isWritten(offset: number, length: number): boolean {
    for (let index = Math.floor(offset / BLOCK_SIZE); index * BLOCK_SIZE < offset + length; index++) {
      if (this.#blocks.has(index)) return true;
    }
    return false;
  }

  #isAllWritten(offset: number, length: number): boolean {
    for (let at = offset; at < offset + length; ) {
      const within = at % BLOCK_SIZE;
      const count = Math.min(BLOCK_SIZE - within, offset + length - at);
      const block = this.#blocks.get(Math.floor(at / BLOCK_SIZE));
      if (!block || (block.mask && firstBit(block.mask, within, within + count, 0) < within + count)) return false;
      at += count;
    }
    return true;
  }

  /** Puts what was written over the base's bytes. */
  #overlay(target: Uint8Array, offset: number, blocks: ReadonlyMap<number, Block> = this.#blocks): Uint8Array {
    for (let done = 0; done < target.length; ) {
      const within = (offset + done) % BLOCK_SIZE;
      const count = Math.min(BLOCK_SIZE - within, target.length - done);
      const block = blocks.get(Math.floor((offset + done) / BLOCK_SIZE));
      if (block) overlayBlock(block, within, within + count, target, done);
      done += count;
    }
    return target;
  }

  #block(index: number): Block {
    let block = this.#blocks.get(index);
    if (!block) {
      block = { bytes: new Uint8Array(BLOCK_SIZE), mask: new Uint8Array(MASK_SIZE), written: 0, since: 0 };
      this.#blocks.set(index, block);
    }
    return block;
  }
}

/** Copies the written bytes from `begin` to `end` of a block into the target from `at` on. */
function overlayBlock({ bytes, mask }: Block, begin: number, end: number, target: Uint8Array, at: number): void {
  for (let from = begin; from < end; ) {
    const first = mask ? firstBit(mask, from, end, 1) : from;
    const last = mask ? firstBit(mask, first, end, 0) : end;
    if (first < last) target.set(bytes.subarray(first, last), at + first - begin);
    from = last;
  }
}

/** The first place from `begin` on whose bit is `bit`; `end` if there is none. */
function firstBit(mask: Uint8Array, begin: number, end: number, bit: 0 | 1): number {
  const none = bit === 1 ? 0x00 : 0xff;
  for (let at = begin; at < end; ) {
    const bits = mask[at >> 3] ?? 0;
    if (bits === none) at = (at | 7) + 1;
    else if (((bits >> (at & 7)) & 1) === bit) return at;
    else at++;
  }
  return end;
}

function mark(block: Block, begin: number, length: number): void {
  const { mask } = block;
  if (!mask) return;
  const end = begin + length;
  for (let at = begin; at < end; ) {
    const index = at >> 3;
    const next = Math.min(end, (index + 1) << 3);
    const before = mask[index] ?? 0;
    const after = before | (((1 << (next - at)) - 1) << (at & 7));
    mask[index] = after;
    block.written += ones(after) - ones(before);
    at = next;
  }
  if (block.written === BLOCK_SIZE) block.mask = undefined;
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
