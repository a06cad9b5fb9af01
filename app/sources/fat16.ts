/**
 * Formats a disk image as FAT16 without a partition table, as a camera's card may be: boot sector, two FATs, root directory,
 * clusters. Field names are those of Microsoft's FAT specification (fatgen103).
 */

export interface FatFile {
  /** An 8.3 name in capitals: `README.TXT`. */
  readonly name: string;
  readonly content: Uint8Array;
}

export interface FatOptions {
  /** Bytes of the whole image; a multiple of 512, 4 MiB to 1 GiB. */
  readonly size: number;
  /** At most 11 characters. */
  readonly label: string;
  readonly files: readonly FatFile[];
  /** The date of the files and of the label. */
  readonly date: Date;
  readonly serial: number;
}

const SECTOR = 512;
const RESERVED_SECTORS = 1;
const FAT_COUNT = 2;
const ROOT_ENTRIES = 512;
const ENTRY_SIZE = 32;
const ROOT_SECTORS = (ROOT_ENTRIES * ENTRY_SIZE) / SECTOR;
/** With fewer clusters a driver reads the FAT as FAT12, with more as FAT32. */
const CLUSTERS_MIN = 4085;
const CLUSTERS_MAX = 65524;
const MEDIA_FIXED = 0xf8;
const END_OF_CHAIN = 0xffff;
const ATTR_VOLUME_ID = 0x08;
const ATTR_ARCHIVE = 0x20;

interface Geometry {
  readonly sectors: number;
  readonly sectorsPerCluster: number;
  readonly sectorsPerFat: number;
}

/** Smallest clusters that keep the number of clusters a FAT16's. */
function geometry(size: number): Geometry {
  const sectors = size / SECTOR;
  if (!Number.isInteger(sectors)) throw new RangeError("A disk's size must be a multiple of 512 bytes.");
  for (let sectorsPerCluster = 1; sectorsPerCluster <= 64; sectorsPerCluster *= 2) {
    const rest = sectors - RESERVED_SECTORS - ROOT_SECTORS;
    const sectorsPerFat = Math.ceil((rest / sectorsPerCluster + 2) / (SECTOR / 2));
    const clusters = Math.floor((rest - FAT_COUNT * sectorsPerFat) / sectorsPerCluster);
    if (clusters >= CLUSTERS_MIN && clusters <= CLUSTERS_MAX) return { sectors, sectorsPerCluster, sectorsPerFat };
  }
  throw new RangeError("FAT16 fits disks of 4 MiB to 1 GiB.");
}

/**
 * Answers the disk up to the end of its last file; behind that it is all zeros.
 * @throws RangeError for a size, a name or an amount of content that FAT16 cannot hold
 */
export function formatFat16(options: FatOptions): Uint8Array<ArrayBuffer> {
  const shape = geometry(options.size);
  const { sectorsPerCluster, sectorsPerFat } = shape;
  const fat = RESERVED_SECTORS * SECTOR;
  const root = fat + FAT_COUNT * sectorsPerFat * SECTOR;
  const data = root + ROOT_SECTORS * SECTOR;
  const clusterSize = sectorsPerCluster * SECTOR;
  const clustersOf = ({ content }: FatFile) => Math.ceil(content.length / clusterSize);
  const end = data + options.files.reduce((sum, file) => sum + clustersOf(file), 0) * clusterSize;
  if (end > options.size) throw new RangeError("The files do not fit the disk.");
  const image = new Uint8Array(end);
  const view = new DataView(image.buffer);
  writeBootSector(view, image, shape, options);

  const setFat = (cluster: number, value: number) => view.setUint16(fat + cluster * 2, value, true);
  setFat(0, 0xff00 | MEDIA_FIXED);
  setFat(1, END_OF_CHAIN);

  writeEntry(view, root, { name: padded(options.label, 11), attributes: ATTR_VOLUME_ID, date: options.date });
  let next = 2;
  options.files.forEach((file, index) => {
    const count = clustersOf(file);
    const start = data + (next - 2) * clusterSize;
    image.set(file.content, start);
    for (let n = 0; n < count; n++) setFat(next + n, n === count - 1 ? END_OF_CHAIN : next + n + 1);
    writeEntry(view, root + (index + 1) * ENTRY_SIZE, {
      name: shortName(file.name),
      attributes: ATTR_ARCHIVE,
      date: options.date,
      cluster: count === 0 ? 0 : next,
      size: file.content.length,
    });
    next += count;
  });
  image.copyWithin(fat + sectorsPerFat * SECTOR, fat, fat + sectorsPerFat * SECTOR);
  return image;
}

function writeBootSector(view: DataView, image: Uint8Array, shape: Geometry, { label, serial }: FatOptions): void {
  image.set([0xeb, 0x3c, 0x90]); // BS_jmpBoot
  text(image, 3, "MSWIN4.1"); // BS_OEMName
  view.setUint16(11, SECTOR, true); // BPB_BytsPerSec
  view.setUint8(13, shape.sectorsPerCluster); // BPB_SecPerClus
  view.setUint16(14, RESERVED_SECTORS, true); // BPB_RsvdSecCnt
  view.setUint8(16, FAT_COUNT); // BPB_NumFATs
  view.setUint16(17, ROOT_ENTRIES, true); // BPB_RootEntCnt
  if (shape.sectors < 0x10000)
    view.setUint16(19, shape.sectors, true); // BPB_TotSec16
  else view.setUint32(32, shape.sectors, true); // BPB_TotSec32
  view.setUint8(21, MEDIA_FIXED); // BPB_Media
  view.setUint16(22, shape.sectorsPerFat, true); // BPB_FATSz16
  view.setUint16(24, 63, true); // BPB_SecPerTrk
  view.setUint16(26, 255, true); // BPB_NumHeads
  view.setUint8(36, 0x80); // BS_DrvNum
  view.setUint8(38, 0x29); // BS_BootSig: the next three fields are there
  view.setUint32(39, serial, true); // BS_VolID
  text(image, 43, padded(label, 11)); // BS_VolLab
  text(image, 54, "FAT16   "); // BS_FilSysType
  view.setUint16(510, 0xaa55, true);
}

interface Entry {
  /** 11 characters, as on the disk. */
  readonly name: string;
  readonly attributes: number;
  readonly date: Date;
  readonly cluster?: number;
  readonly size?: number;
}

function writeEntry(view: DataView, offset: number, entry: Entry): void {
  const image = new Uint8Array(view.buffer);
  const { date } = entry;
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  text(image, offset, entry.name); // DIR_Name
  view.setUint8(offset + 11, entry.attributes); // DIR_Attr
  view.setUint16(offset + 14, time, true); // DIR_CrtTime
  view.setUint16(offset + 16, day, true); // DIR_CrtDate
  view.setUint16(offset + 18, day, true); // DIR_LstAccDate
  view.setUint16(offset + 22, time, true); // DIR_WrtTime
  view.setUint16(offset + 24, day, true); // DIR_WrtDate
  view.setUint16(offset + 26, entry.cluster ?? 0, true); // DIR_FstClusLO
  view.setUint32(offset + 28, entry.size ?? 0, true); // DIR_FileSize
}

function shortName(name: string): string {
  const match = /^([A-Z0-9_-]{1,8})(?:\.([A-Z0-9_-]{1,3}))?$/.exec(name);
  if (!match) throw new RangeError(`${name} is not an 8.3 name in capitals.`);
  return padded(match[1] ?? "", 8) + padded(match[2] ?? "", 3);
}

function padded(value: string, length: number): string {
  if (value.length > length) throw new RangeError(`${value} is longer than ${length} characters.`);
  return value.padEnd(length, " ");
}

function text(image: Uint8Array, offset: number, value: string): void {
  for (let n = 0; n < value.length; n++) image[offset + n] = value.charCodeAt(n);
}
