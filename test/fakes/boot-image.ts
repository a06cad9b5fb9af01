/**
 * Images that boot: a sector of code that sends a text to the first serial port, as a floppy or hard disk, and on a CD by El
 * Torito without emulation.
 */

/**
 *     xor ax,ax; mov ds,ax
 *     mov si,7C00h+TEXT_AT
 *     next: lodsb; test al,al; jz stop; mov dx,3F8h; out dx,al; jmp next
 *     stop: cli; hlt; jmp stop
 */
const TEXT_AT = 0x40;
const CODE = [
  ...[0x31, 0xc0, 0x8e, 0xd8, 0xbe, TEXT_AT, 0x7c, 0xac, 0x84, 0xc0, 0x74, 0x06],
  ...[0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5, 0xfa, 0xf4, 0xeb, 0xfd],
];

export function bootSector(text: string): Uint8Array<ArrayBuffer> {
  const sector = new Uint8Array(512);
  sector.set(CODE);
  sector.set(new TextEncoder().encode(text), TEXT_AT);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

/** A disk whose first sector says the text. 1474560 bytes are a floppy disk. */
export function bootDisk(text: string, size = 1_474_560): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(size);
  image.set(bootSector(text));
  return image;
}

const CD_SECTOR = 2048;
const CATALOG = 19;
const BOOT_IMAGE = 20;

/** Only what a BIOS looks at: no files, no path table. */
export function bootCd(text: string): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(32 * CD_SECTOR);
  const put = (sector: number, at: number, bytes: readonly number[] | string) => {
    image.set(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes, sector * CD_SECTOR + at);
  };
  // ECMA-119 §8.4: the primary volume descriptor; El Torito 1.0 §2: the boot record volume descriptor; then the terminator.
  put(16, 0, "\x01CD001\x01");
  put(17, 0, "\x00CD001\x01EL TORITO SPECIFICATION");
  put(17, 0x47, [CATALOG]);
  put(18, 0, [0xff]);
  put(18, 1, "CD001\x01");
  // §2.1, §2.3: the validation entry, whose 16-bit words add up to 0, and the initial entry: no emulation, four sectors of 512.
  put(CATALOG, 0, [0x01, 0x00]);
  put(CATALOG, 0x1c, [0xaa, 0x55, 0x55, 0xaa]);
  put(CATALOG, 0x20, [0x88, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, BOOT_IMAGE]);
  image.set(bootSector(text), BOOT_IMAGE * CD_SECTOR);
  return image;
}
