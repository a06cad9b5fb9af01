/**
 * A writer for the "newc" cpio format, which is what Linux unpacks into its first root file system.
 *
 *   member = header (110 ASCII characters) | name NUL | pad to 4 | data | pad to 4
 *   header = "070701" and thirteen 8-digit hexadecimal numbers
 *   the last member is called TRAILER!!!
 *
 * Archives can be put one behind another: Linux unpacks them in order, the later file wins. That is
 * how an overlay is added to the guest (see README.md). Nothing here needs Node.
 */

export type CpioEntry =
  | { readonly kind: "file"; readonly path: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | {
      readonly kind: "character-device";
      readonly path: string;
      readonly major: number;
      readonly minor: number;
      readonly mode?: number;
    };

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

const MAGIC = "070701";
const HEADER_BYTES = 110;
const TRAILER = "TRAILER!!!";

const encoder = new TextEncoder();
const nothing = new Uint8Array(0);

interface Member {
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly data: Uint8Array;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly name: Uint8Array;
}

function align4(n: number): number {
  return (n + 3) & ~3;
}

function memberBytes(member: Member): number {
  return align4(HEADER_BYTES + member.name.length + 1) + align4(member.data.length);
}

function describe(entry: CpioEntry): Pick<Member, "mode" | "nlink" | "data" | "rdevMajor" | "rdevMinor"> {
  const plain = { nlink: 1, data: nothing, rdevMajor: 0, rdevMinor: 0 };
  switch (entry.kind) {
    case "file":
      return { ...plain, mode: S_IFREG | (entry.mode ?? 0o644), data: entry.data };
    case "directory":
      return { ...plain, mode: S_IFDIR | (entry.mode ?? 0o755), nlink: 2 };
    case "symlink":
      return { ...plain, mode: S_IFLNK | 0o777, data: encoder.encode(entry.target) };
    case "character-device":
      return {
        ...plain,
        mode: S_IFCHR | (entry.mode ?? 0o600),
        rdevMajor: entry.major,
        rdevMinor: entry.minor,
      };
    default:
      return entry satisfies never;
  }
}

/** Writes one archive. Paths are relative to the root, with or without a leading slash. */
export function writeCpio(entries: Iterable<CpioEntry>): Uint8Array<ArrayBuffer> {
  const members: Member[] = [];
  let total = 0;
  const add = (member: Member): void => {
    members.push(member);
    total += memberBytes(member);
  };
  for (const entry of entries) {
    const path = entry.path.replace(/^\/+/, "");
    if (path === "" || path === TRAILER || path.includes("\0")) {
      throw new RangeError(`not a path for a cpio archive: ${JSON.stringify(entry.path)}`);
    }
    add({ ...describe(entry), ino: members.length + 1, name: encoder.encode(path) });
  }
  add({
    ino: 0,
    mode: 0,
    nlink: 1,
    data: nothing,
    rdevMajor: 0,
    rdevMinor: 0,
    name: encoder.encode(TRAILER),
  });

  const archive = new Uint8Array(total);
  let at = 0;
  for (const member of members) {
    const fields = [
      member.ino,
      member.mode,
      0, // uid
      0, // gid
      member.nlink,
      0, // mtime: the same input gives the same bytes
      member.data.length,
      0, // device, major
      0, // device, minor
      member.rdevMajor,
      member.rdevMinor,
      member.name.length + 1,
      0, // checksum, unused by newc
    ];
    const header = MAGIC + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    archive.set(encoder.encode(header), at);
    archive.set(member.name, at + HEADER_BYTES);
    at += align4(HEADER_BYTES + member.name.length + 1);
    archive.set(member.data, at);
    at += align4(member.data.length);
  }
  return archive;
}
