/** Reads a FAT16 disk as a file system checker does: every rule that is broken is an Error. Root directory only. */

export interface ReadFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly written: Date;
}

export interface ReadDisk {
  readonly label: string;
  readonly serial: number;
  readonly files: readonly ReadFile[];
}

function must(condition: boolean, words: string): void {
  if (!condition) throw new Error(`bad FAT16: ${words}`);
}

export function readFat16(image: Uint8Array): ReadDisk {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const ascii = (offset: number, length: number) => String.fromCharCode(...image.subarray(offset, offset + length));
  must(view.getUint16(510, true) === 0xaa55, "no boot signature");
  must(image[0] === 0xeb || image[0] === 0xe9, "no jump at the start");
  const bytesPerSector = view.getUint16(11, true);
  must(bytesPerSector === 512, "sectors of other than 512 bytes");
  const perCluster = view.getUint8(13);
  must(perCluster !== 0 && (perCluster & (perCluster - 1)) === 0, "cluster size is no power of two");
  const reserved = view.getUint16(14, true);
  const fats = view.getUint8(16);
  const rootEntries = view.getUint16(17, true);
  must(rootEntries % 16 === 0, "root directory ends inside a sector");
  const small = view.getUint16(19, true);
  const large = view.getUint32(32, true);
  must((small === 0) !== (large === 0), "two totals, or none");
  const sectors = small || large;
  must(sectors * 512 === image.length, "total sectors are not the image's");
  const fatSize = view.getUint16(22, true);
  const media = view.getUint8(21);
  const rootSector = reserved + fats * fatSize;
  const dataSector = rootSector + rootEntries / 16;
  const clusters = Math.floor((sectors - dataSector) / perCluster);
  must(clusters >= 4085 && clusters < 65525, `${clusters} clusters are no FAT16`);
  must(fatSize * 256 >= clusters + 2, "the FAT is too small for its clusters");
  must(ascii(54, 5) === "FAT16", "file system type");

  const fatAt = reserved * 512;
  for (let copy = 1; copy < fats; copy++) {
    const at = fatAt + copy * fatSize * 512;
    const equal = Buffer.compare(image.subarray(fatAt, fatAt + fatSize * 512), image.subarray(at, at + fatSize * 512));
    must(equal === 0, "the FATs differ");
  }
  const fat = (cluster: number) => view.getUint16(fatAt + cluster * 2, true);
  must(fat(0) === (0xff00 | media), "FAT[0] does not repeat the media byte");
  must(fat(1) >= 0xfff8, "FAT[1] is no end of chain");

  const used = new Set<number>();
  const files: ReadFile[] = [];
  let label = "";
  for (let n = 0; n < rootEntries; n++) {
    const entry = rootSector * 512 + n * 32;
    if (image[entry] === 0) break;
    const attributes = view.getUint8(entry + 11);
    if (attributes & 0x08) {
      must(label === "", "two volume labels");
      label = ascii(entry, 11).trimEnd();
      continue;
    }
    const size = view.getUint32(entry + 28, true);
    const content = new Uint8Array(size);
    let cluster = view.getUint16(entry + 26, true);
    must((size === 0) === (cluster === 0), "an empty file has clusters, or a full one has none");
    for (let done = 0; done < size; done += perCluster * 512) {
      must(cluster >= 2 && cluster < clusters + 2, "a chain leaves the disk");
      must(!used.has(cluster), "two chains share a cluster");
      used.add(cluster);
      const at = (dataSector + (cluster - 2) * perCluster) * 512;
      content.set(image.subarray(at, at + Math.min(perCluster * 512, size - done)), done);
      cluster = fat(cluster);
    }
    must(size === 0 || cluster >= 0xfff8, "a chain does not end with its file");
    const extension = ascii(entry + 8, 3).trimEnd();
    files.push({ name: ascii(entry, 8).trimEnd() + (extension && `.${extension}`), content, written: stamp(entry) });
  }
  for (let cluster = 2; cluster < clusters + 2; cluster++) {
    must(used.has(cluster) || fat(cluster) === 0, "a lost cluster");
  }
  must(label === ascii(43, 11).trimEnd(), "the boot sector and the root directory have different labels");
  return { label, serial: view.getUint32(39, true), files };

  function stamp(entry: number): Date {
    const time = view.getUint16(entry + 22, true);
    const day = view.getUint16(entry + 24, true);
    return new Date(1980 + (day >> 9), ((day >> 5) & 15) - 1, day & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2);
  }
}
