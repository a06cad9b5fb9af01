/**
 * tshark, for tests: the machine's own, or Debian's, unpacked beside the guest image's packages. That needs neither root nor
 * an installation: its libraries are found by LD_LIBRARY_PATH.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { DebianArchive, unpackDeb } from "../dist/app/guest/image/debian.js";

/** apt wants whole paths. */
const CACHE = resolve("node_modules/.cache/pvusb/tshark");
/** The machine's own: its loader takes no other. And what has no library. */
const NOT_UNPACKED = new Set(["libc6", "debconf", "gcc-12-base", "libcap2-bin"]);
const OUTPUT_MAX = 1 << 28;

interface Program {
  readonly path: string;
  readonly libraries: string | undefined;
}

let program: Program | undefined;

/** What tshark prints about a capture; throws if it complains. */
export function tshark(capture: string, ...args: readonly string[]): string {
  program ??= installed() ?? unpacked();
  const { path, libraries } = program;
  const env = {
    ...process.env,
    LC_ALL: "C.UTF-8",
    // Nobody's preferences.
    WIRESHARK_CONFIG_DIR: join(CACHE, "no-preferences"),
    ...(libraries && { LD_LIBRARY_PATH: libraries }),
  };
  return execFileSync(path, ["-n", "-r", capture, ...args], {
    env,
    encoding: "utf8",
    maxBuffer: OUTPUT_MAX,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The values of fields, a row for each packet that passes the filter. */
export function tsharkFields(capture: string, filter: string, fields: readonly string[]): string[][] {
  const names = fields.flatMap((field) => ["-e", field]);
  const lines = tshark(capture, "-Y", filter, "-T", "fields", ...names).split("\n");
  return lines.slice(0, -1).map((line) => line.split("\t"));
}

function installed(): Program | undefined {
  const { PATH = "" } = process.env;
  const path = PATH.split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, "tshark"))
    .find(isProgram);
  return path === undefined ? undefined : { path, libraries: undefined };
}

function unpacked(): Program {
  const root = join(CACHE, "root");
  const path = join(root, "usr/bin/tshark");
  try {
    if (!existsSync(path)) unpack(root);
  } catch (cause) {
    throw new Error("The capture tests need tshark: install the package tshark, or put it into PATH.", { cause });
  }
  const libraries = ["usr/lib", "lib"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith("-linux-gnu"))
      .map((name) => join(root, folder, name)),
  );
  return { path, libraries: libraries.join(delimiter) };
}

function unpack(root: string): void {
  process.stderr.write("No tshark here: fetching Debian's.\n");
  mkdirSync(CACHE, { recursive: true });
  const architecture = execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
  const archive = new DebianArchive(CACHE, undefined, architecture);
  archive.update();
  const packages = archive.resolve(["tshark"]).filter(({ name }) => !NOT_UNPACKED.has(name));
  const scratch = `${root}-${process.pid}`;
  try {
    for (const deb of archive.fetch(packages).values()) unpackDeb(deb, scratch);
    renameSync(scratch, root);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A descriptor as a program shows it: its kind (DEVICE, CONFIGURATION, INTERFACE, ENDPOINT) and its fields by name. */
export interface ShownDescriptor {
  readonly kind: string;
  readonly fields: Record<string, number>;
}

const SHOWN = new Set(["DEVICE", "CONFIGURATION", "INTERFACE", "ENDPOINT"]);

/**
 * The device's descriptors as tshark decodes them, in their order: of each answer to GET_DESCRIPTOR the last one, which is
 * the whole one. An endpoint companion's bMaxBurst is counted to its endpoint.
 */
export function tsharkDescriptors(capture: string, address: number): ShownDescriptor[] {
  const answers = `usb.device_address == ${address} && usb.urb_type == 'C' && usb.bDescriptorType`;
  const found = new Map<string, ShownDescriptor[]>();
  for (const packet of tshark(capture, "-Y", answers, "-T", "pdml").split("</packet>")) {
    const shown = packetDescriptors(packet);
    const kind = shown[0]?.kind;
    if (kind) found.set(kind, shown);
  }
  return [...(found.get("DEVICE") ?? []), ...(found.get("CONFIGURATION") ?? [])];
}

/** PDML has a line for each field: its value is the bytes that it was read from. */
function packetDescriptors(packet: string): ShownDescriptor[] {
  const shown: ShownDescriptor[] = [];
  let kind = "";
  for (const line of packet.split("\n")) {
    const title = /^ {4}<field name="" show="([^"]*)"/.exec(line)?.[1];
    if (title !== undefined) {
      // "INTERFACE DESCRIPTOR (0.0): class HID"; those of a class are written otherwise.
      kind = title.replace(/ DESCRIPTOR\b.*/, "");
      if (SHOWN.has(kind)) shown.push({ kind, fields: {} });
      continue;
    }
    const [, field = "", value = ""] =
      /^ {6}<field name="usb\.(?:\w+\.)*(\w+)" .*\bvalue="([0-9a-f]+)"/.exec(line) ?? [];
    const last = shown.at(-1);
    if (!field || !last) continue;
    const isCompanion = kind === "SUPERSPEED ENDPOINT COMPANION";
    if (kind !== last.kind && !(isCompanion && field === "bMaxBurst")) continue;
    last.fields[field] = Number.parseInt(value.match(/../g)?.reverse().join("") ?? "", 16);
  }
  return shown;
}
