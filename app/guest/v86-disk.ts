/**
 * A disk or CD for v86's own drives whose bytes stay where they are: a file is read when the guest reads, and what the guest
 * writes is kept here. v86 has such a thing, too, but has no answer when the file cannot be read any more.
 *
 *     IDE ── get, set ──▶ V86Disk ─┬─ pages        4 KiB each, as written by the guest, with a bit for each sector
 *                                  └─ chunks       128 KiB each, as read from the blob; the last few are kept
 */

const SECTOR = 512;
const PAGE = 4096;
const SECTORS_IN_PAGE = PAGE / SECTOR;
const ALL_SECTORS = (1 << SECTORS_IN_PAGE) - 1;
const CHUNK = 128 * 1024;
const KEPT_CHUNKS = 64;
const CD_SECTOR = 2048;

type Done = (bytes: Uint8Array) => void;

interface Page {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Which of its sectors were written. */
  written: number;
}

export interface V86DiskOptions {
  /** A CD has sectors of 2048 bytes. */
  readonly cd?: boolean;
  /** A read has failed. The guest gets no answer, and its driver gives up after a while. */
  onError?(error: unknown): void;
}

/** What v86 takes for `hda` and `cdrom`: it knows such an object by `get`, `set` and `load`. */
export class V86Disk {
  /** Whole sectors; the last is filled up with zeros. */
  readonly byteLength: number;
  /** v86 puts a function here and then calls load(). */
  onload: ((event: object) => void) | undefined = undefined;
  readonly #blob: Blob | undefined;
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #pages = new Map<number, Page>();
  readonly #chunks = new Map<number, Uint8Array>();

  /** Of a file, or a blank one of so many bytes. */
  constructor(content: Blob | number, options: V86DiskOptions = {}) {
    const size = typeof content === "number" ? content : content.size;
    const sector = options.cd ? CD_SECTOR : SECTOR;
    this.byteLength = Math.ceil(size / sector) * sector;
    this.#blob = typeof content === "number" ? undefined : content;
    this.#onError = options.onError;
  }

  /** The guest has written to it. */
  get changed(): boolean {
    return this.#pages.size > 0;
  }

  /** Bytes as the guest has them. Rejects when the file cannot be read. */
  async read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks = new Map<number, Uint8Array>();
    if (this.#blob) {
      for (let number = Math.floor(start / CHUNK); number * CHUNK < start + length; number++) {
        chunks.set(number, this.#chunks.get(number) ?? (await readChunk(this.#blob, number)));
      }
    }
    for (const [number, chunk] of chunks) this.#keep(number, chunk);
    const bytes = new Uint8Array(length);
    this.#copy(chunks, start, bytes);
    return bytes;
  }

  load(): void {
    this.onload?.({});
  }

  get(start: number, length: number, done: Done): void {
    const there = this.get_from_cache(start, length);
    if (there) done(there);
    else this.read(start, length).then(done, (error: unknown) => this.#onError?.(error));
  }

  /** v86 asks for the first sector, for what the partition table says of the disk's geometry. */
  get_and_cache(start: number, length: number, done: Done): void {
    this.get(start, length, done);
  }

  /** Undefined while not all of it is here. */
  get_from_cache(start: number, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    return this.#copy(this.#chunks, start, bytes) ? bytes : undefined;
  }

  set(start: number, bytes: Uint8Array, done: () => void): void {
    for (let at = 0; at < bytes.length; at += SECTOR) {
      const offset = (start + at) % PAGE;
      const page = this.#page((start + at - offset) / PAGE);
      page.bytes.set(bytes.subarray(at, at + SECTOR), offset);
      page.written |= 1 << (offset / SECTOR);
    }
    done();
  }

  get_buffer(done: (buffer: undefined) => void): void {
    done(undefined);
  }

  /** In v86's saved states: what the guest has written. */
  get_state(): unknown[] {
    const pages = [...this.#pages];
    const bytes = new Uint8Array(pages.length * PAGE);
    pages.forEach(([, page], index) => {
      bytes.set(page.bytes, index * PAGE);
    });
    return [pages.map(([number]) => number), pages.map(([, { written }]) => written), bytes];
  }

  /** A state of a machine without such a disk has nothing for it. */
  set_state(state: unknown): void {
    this.#pages.clear();
    const [numbers, written, bytes] = (Array.isArray(state) ? state : []) as [number[]?, number[]?, Uint8Array?];
    if (!Array.isArray(numbers) || !Array.isArray(written) || !(bytes instanceof Uint8Array)) return;
    numbers.forEach((number, index) => {
      const page = this.#page(number);
      page.bytes.set(bytes.subarray(index * PAGE, (index + 1) * PAGE));
      page.written = (written[index] ?? 0) & ALL_SECTORS;
    });
  }

  #page(number: number): Page {
    let page = this.#pages.get(number);
    if (!page) {
      page = { bytes: new Uint8Array(PAGE), written: 0 };
      this.#pages.set(number, page);
    }
    return page;
  }

  /** The file's bytes, and over them what the guest has written. False when a chunk is missing. */
  #copy(chunks: ReadonlyMap<number, Uint8Array>, start: number, bytes: Uint8Array): boolean {
    for (let at = 0; this.#blob && at < bytes.length; ) {
      const offset = (start + at) % CHUNK;
      const chunk = chunks.get((start + at - offset) / CHUNK);
      if (!chunk) return false;
      bytes.set(chunk.subarray(offset, offset + bytes.length - at), at);
      at += CHUNK - offset;
    }
    this.#overlay(start, bytes);
    return true;
  }

  #overlay(start: number, bytes: Uint8Array): void {
    if (this.#pages.size === 0) return;
    for (let at = 0; at < bytes.length; at += SECTOR - ((start + at) % SECTOR)) {
      const offset = (start + at) % PAGE;
      const page = this.#pages.get((start + at - offset) / PAGE);
      if (!page || (page.written & (1 << Math.floor(offset / SECTOR))) === 0) continue;
      const end = Math.min(offset - (offset % SECTOR) + SECTOR, offset + bytes.length - at);
      bytes.set(page.bytes.subarray(offset, end), at);
    }
  }

  #keep(number: number, chunk: Uint8Array): void {
    this.#chunks.set(number, chunk);
    const [oldest] = this.#chunks.keys();
    if (this.#chunks.size > KEPT_CHUNKS && oldest !== undefined) this.#chunks.delete(oldest);
  }
}

async function readChunk(blob: Blob, number: number): Promise<Uint8Array> {
  const start = number * CHUNK;
  const bytes = new Uint8Array(CHUNK);
  bytes.set(new Uint8Array(await blob.slice(start, start + CHUNK).arrayBuffer()));
  return bytes;
}
