/** What the builder needs to read and change in 32-bit little-endian ELF object files. */

const SHDR_NAME = 0x00;
const SHDR_OFFSET = 0x10;
const SHDR_SIZE = 0x14;
const SHDR_LINK = 0x18;
const SHDR_INFO = 0x1c;
const SHDR_TYPE = 0x04;
const SHT_REL = 9;
const SYM_BYTES = 16;
const REL_BYTES = 8;

const decoder = new TextDecoder("latin1");

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly isRelocations: boolean;
  /** The string table of a symbol table, the symbol table of relocations. */
  readonly link: number;
  /** The section that relocations apply to. */
  readonly info: number;
}

export interface ElfRelocation {
  readonly offset: number;
  readonly type: number;
  readonly symbol: string;
}

export class ElfObject {
  readonly sections: readonly ElfSection[];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** @param bytes - used in place: changes show in it */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#view.getUint32(0, false) !== 0x7f454c46 || bytes[4] !== 1 || bytes[5] !== 1) {
      throw new Error("not a 32-bit little-endian ELF file");
    }
    const names = this.data(this.#view.getUint16(0x32, true));
    this.sections = Array.from({ length: this.#view.getUint16(0x30, true) }, (_, index) => ({
      index,
      name: textAt(names, this.#field(index, SHDR_NAME)),
      isRelocations: this.#field(index, SHDR_TYPE) === SHT_REL,
      link: this.#field(index, SHDR_LINK),
      info: this.#field(index, SHDR_INFO),
    }));
  }

  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  data(index: number): Uint8Array {
    const offset = this.#field(index, SHDR_OFFSET);
    return this.#bytes.subarray(offset, offset + this.#field(index, SHDR_SIZE));
  }

  /** The section keeps its place in the file and loses its content. */
  empty(index: number): void {
    this.#view.setUint32(this.#header(index) + SHDR_SIZE, 0, true);
  }

  /** Drops the relocations of one section for which `keep` is false. */
  filterRelocations(section: ElfSection, keep: (relocation: ElfRelocation) => boolean): void {
    const symbols = this.data(section.link);
    const symbolView = new DataView(symbols.buffer, symbols.byteOffset, symbols.byteLength);
    const names = this.data(this.#field(section.link, SHDR_LINK));
    const entries = this.data(section.index);
    const entryView = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
    let kept = 0;
    for (let at = 0; at < entries.length; at += REL_BYTES) {
      const info = entryView.getUint32(at + 4, true);
      const symbol = textAt(names, symbolView.getUint32((info >>> 8) * SYM_BYTES, true));
      if (keep({ offset: entryView.getUint32(at, true), type: info & 0xff, symbol })) {
        entries.copyWithin(kept, at, at + REL_BYTES);
        kept += REL_BYTES;
      }
    }
    this.#view.setUint32(this.#header(section.index) + SHDR_SIZE, kept, true);
  }

  #header(index: number): number {
    return this.#view.getUint32(0x20, true) + index * this.#view.getUint16(0x2e, true);
  }

  #field(index: number, field: number): number {
    return this.#view.getUint32(this.#header(index) + field, true);
  }
}

function textAt(table: Uint8Array, start: number): string {
  return decoder.decode(table.subarray(start, table.indexOf(0, start)));
}
