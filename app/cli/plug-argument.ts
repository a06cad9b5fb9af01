/**
 * `--plug [NAME=]KIND[:ARGS][@PORT]`, where ARGS are `key=value` or `key`, separated by commas, and PORT is a number, or `1.2` for
 * port 2 of the hub in port 1. Of a real device, the first of ARGS is its name (real-device.ts).
 * A plug with a NAME needs no PORT: its hotplug rule has one.
 */
import { resolve } from "node:path";
import type {
  CdDriveSource,
  DeviceSource,
  DriveSource,
  EthernetSource,
  HubSource,
  MidiSource,
  SerialSource,
  WebUsbSource,
} from "../../worker/protocol.ts";
import { type DeviceName, parseDeviceName } from "./real-device.ts";
import { UsageError } from "./usage-error.ts";

export const PORTS = 8;
const HUB_PORTS_MAX = 15;
/** Of a hub that does not say. */
const HUB_PORTS_DEFAULT = 4;

export interface PlugArgument {
  /** As it was given, for messages. */
  readonly text: string;
  /** What rules call it. */
  readonly name?: string;
  /** The port of the controller, then those of hubs; empty if a rule is to tell. */
  readonly path: readonly number[];
  readonly device: Exclude<DeviceSource, WebUsbSource> | RealDevicePlug;
}

/** A device of the computer, which is found when it is plugged. */
export interface RealDevicePlug {
  readonly kind: "usb";
  readonly name: DeviceName;
  readonly detach: boolean;
}

type Settings = Map<string, string | true>;

/** What can be plugged, for `--list`. */
export const KINDS = {
  "flash-drive":
    "a USB flash drive: image=FILE or size=64M, readonly, writes=memory, serial=TEXT, speed=high, rate=33M bytes a second",
  "uas-drive":
    "a USB disk with USB Attached SCSI: image=FILE or size=64M, readonly, writes=memory, serial=TEXT, speed=high, rate=33M",
  cdrom: "a USB CD drive: image=FILE, serial=TEXT, speed=high",
  hub: "a USB hub: ports=4, usb=2 or 3, multi-tt; its ports are 1.1, 1.2 and so on",
  ethernet: "a USB Ethernet adapter: class=ncm or ecm, cable=NAME, mac=ADDRESS, speed=high, rate=100M bits a second",
  serial: "a USB serial adapter: chip=ft232r or cdc-acm, loopback, serial=TEXT",
  midi: "a USB MIDI adapter: name=TEXT",
  keyboard: "a USB keyboard",
  mouse: "a USB mouse",
  tablet: "a USB tablet: a pointer with a place on the screen",
  gamepad: "a USB gamepad",
  speaker: "a USB speaker: speed=full or high",
  microphone: "a USB microphone that hears a tone: tone=HERTZ, speed=full or high",
  "gadget-zero": "the device of Linux's usbtest: speed=full|high|super, pattern=zero|mod63, interval=1…16",
  camera: "a USB camera with a test card: size=640x480, fps=N, transfer=isochronous or bulk, speed=full, high or super",
  usb: "a real device: VID:PID, VID:PID/SERIAL or its place, such as 1-2.3; detach",
} as const;

const SPEEDS = ["full", "high", "super"] as const;

/** Throws a UsageError. */
export function parsePlug(text: string): PlugArgument {
  const [prefix = "", name] = /^([^=:@,]+)=/.exec(text) ?? [];
  const [port] = name === undefined ? [] : (/@\d+(\.\d+)*$/.exec(text) ?? [""]);
  const at = port === undefined ? text.lastIndexOf("@") : text.length - port.length;
  if (at < 0) {
    throw new UsageError(
      `--plug ${text} does not say which port: end it with @1, or another number, or name it for a rule: NAME=${text}.`,
    );
  }
  const path = port === "" ? [] : parsePath(text, text.slice(at + 1));
  const what = text.slice(prefix.length, at);
  const colon = what.indexOf(":");
  const kind = colon < 0 ? what : what.slice(0, colon);
  const settings = parseSettings(text, colon < 0 ? "" : what.slice(colon + 1));
  const device = kind === "usb" ? realDevice(text, settings) : describe(text, kind, settings);
  for (const name of settings.keys()) throw new UsageError(`--plug ${text}: a ${kind} has no setting ${name}.`);
  return { text, ...(name !== undefined && { name }), path, device };
}

function parsePath(text: string, written: string): number[] {
  const path = written.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : 0));
  if ((path[0] ?? 0) < 1 || (path[0] ?? 0) > PORTS) {
    throw new UsageError(`--plug ${text}: a port is a number from 1 to ${PORTS}.`);
  }
  if (path.some((port) => port < 1 || port > HUB_PORTS_MAX)) {
    throw new UsageError(`--plug ${text}: a port of a hub is a number from 1 to ${HUB_PORTS_MAX}, as in 1.2.`);
  }
  return path;
}

/**
 * The order to plug in: hubs before what is plugged into them. Throws a UsageError for two devices in a port, and for a port
 * of a hub that is not there.
 */
export function inOrder(plugs: readonly PlugArgument[]): PlugArgument[] {
  const byPath = new Map<string, PlugArgument>();
  for (const plug of plugs.toSorted((a, b) => a.path.length - b.path.length)) {
    const name = plug.path.join(".");
    if (byPath.has(name)) throw new UsageError(`Two devices are to be plugged into port ${name}.`);
    byPath.set(name, plug);
    if (plug.path.length === 1) continue;
    const parent = plug.path.slice(0, -1).join(".");
    const hub = byPath.get(parent)?.device;
    if (hub?.kind !== "hub") throw new UsageError(`--plug ${plug.text}: there is no hub in port ${parent}.`);
    const ports = hub.ports ?? HUB_PORTS_DEFAULT;
    if ((plug.path.at(-1) ?? 0) > ports) {
      throw new UsageError(`--plug ${plug.text}: the hub in port ${parent} has ${ports} ports.`);
    }
  }
  return [...byPath.values()];
}

/** Bytes, from `4096`, `64K`, `64M` or `2G`. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text);
  if (!match) return undefined;
  const power = { "": 0, K: 1, M: 2, G: 3 }[match[2]?.toUpperCase() ?? ""] ?? 0;
  return Number(match[1]) * 1024 ** power;
}

/** Takes what it knows out of `settings`. */
function describe(text: string, kind: string, settings: Settings): Exclude<DeviceSource, WebUsbSource> {
  switch (kind) {
    case "flash-drive":
    case "uas-drive":
      return drive(text, kind, settings);
    case "cdrom":
      return cdDrive(text, settings);
    case "hub":
      return hub(text, settings);
    case "ethernet":
      return ethernet(text, settings);
    case "serial":
      return serial(text, settings);
    case "midi":
      return midi(text, settings);
    case "keyboard":
    case "mouse":
    case "tablet":
    case "gamepad":
      return { kind };
    case "speaker":
      return { kind, ...speed(text, settings, ["full", "high"]) };
    case "microphone":
      return { kind, ...tone(text, settings), ...speed(text, settings, ["full", "high"]) };
    case "gadget-zero":
      return gadgetZero(text, settings);
    case "camera":
      return camera(text, settings);
    default:
      throw new UsageError(`--plug ${text}: there is no device ${kind}; there are ${Object.keys(KINDS).join(", ")}.`);
  }
}

function realDevice(text: string, settings: Settings): RealDevicePlug {
  const [written = ""] = settings.keys();
  const value = settings.get(written);
  // A serial number may have an equals sign in it.
  const name = parseDeviceName(value === true || value === undefined ? written : `${written}=${value}`);
  if (!name) {
    throw new UsageError(
      `--plug ${text}: a real device is usb:VID:PID or usb:VID:PID/SERIAL, with up to four hexadecimal digits each, or its ` +
        "place, such as usb:1-2.3; pvusb --list shows what is there.",
    );
  }
  settings.delete(written);
  return { kind: "usb", name, detach: flag(text, settings, "detach") };
}

function drive(text: string, kind: DriveSource["kind"], settings: Settings): DriveSource {
  const path = take(text, settings, "image");
  const size = take(text, settings, "size");
  const serial = take(text, settings, "serial");
  const writes = choice(text, settings, "writes", ["memory"]);
  const more = {
    ...(flag(text, settings, "readonly") && { readOnly: true }),
    ...(serial && { serial }),
    ...speed(text, settings, SPEEDS),
    ...rate(text, settings),
  };
  if ((path === undefined) === (size === undefined)) {
    throw new UsageError(`--plug ${text}: a ${kind} has either image=FILE or size=64M.`);
  }
  if (path !== undefined) return { kind, image: { path: resolve(path), ...(writes && { writes }) }, ...more };
  const bytes = parseSize(size ?? "");
  if (!bytes) throw new UsageError(`--plug ${text}: ${size} is no size; write 64M, or 512K, or 2G.`);
  return { kind, image: { size: bytes }, ...more };
}

function cdDrive(text: string, settings: Settings): CdDriveSource {
  const path = take(text, settings, "image");
  const serial = take(text, settings, "serial");
  return {
    kind: "cdrom",
    ...(path !== undefined && { image: { path: resolve(path) } }),
    ...(serial && { serial }),
    ...speed(text, settings, SPEEDS),
  };
}

function hub(text: string, settings: Settings): HubSource {
  const ports = take(text, settings, "ports");
  const usb = choice(text, settings, "usb", ["2", "3"]);
  if (ports !== undefined && (!/^\d+$/.test(ports) || Number(ports) < 1 || Number(ports) > HUB_PORTS_MAX)) {
    throw new UsageError(`--plug ${text}: a hub has 1 to ${HUB_PORTS_MAX} ports, and not ${ports}.`);
  }
  return {
    kind: "hub",
    ...(ports !== undefined && { ports: Number(ports) }),
    ...(usb && { usb: usb === "2" ? 2 : 3 }),
    ...(flag(text, settings, "multi-tt") && { multiTt: true }),
  };
}

function ethernet(text: string, settings: Settings): EthernetSource {
  const cdcClass = choice(text, settings, "class", ["ncm", "ecm"]);
  const cable = take(text, settings, "cable");
  const mac = take(text, settings, "mac");
  return {
    kind: "ethernet",
    ...(cdcClass && { class: cdcClass }),
    ...(cable !== undefined && { cable }),
    ...(mac !== undefined && { mac }),
    ...speed(text, settings, SPEEDS),
    ...rate(text, settings),
  };
}

/** Of a second; rates have powers of 1000. */
function rate(text: string, settings: Settings): { rate?: number } {
  const value = take(text, settings, "rate");
  if (value === undefined) return {};
  const [, digits, unit = ""] = /^(\d+)([KMG]?)$/i.exec(value) ?? [];
  const each = Number(digits) * 1000 ** ["", "K", "M", "G"].indexOf(unit.toUpperCase());
  if (!(each >= 1)) throw new UsageError(`--plug ${text}: ${value} is no rate; write 33M, or 500K.`);
  return { rate: each };
}

function serial(text: string, settings: Settings): SerialSource {
  const chip = choice(text, settings, "chip", ["ft232r", "cdc-acm"]);
  const number = take(text, settings, "serial");
  return {
    kind: "serial",
    ...(chip && { chip }),
    ...(flag(text, settings, "loopback") && { loopback: true }),
    ...(number !== undefined && { serial: number }),
  };
}

function midi(text: string, settings: Settings): MidiSource {
  const name = take(text, settings, "name");
  return { kind: "midi", ...(name !== undefined && { name }) };
}

function tone(text: string, settings: Settings): { tone?: number } {
  const value = take(text, settings, "tone");
  if (value === undefined) return {};
  const hertz = Number(value);
  if (!Number.isInteger(hertz) || hertz < 1 || hertz > 20000) {
    throw new UsageError(`--plug ${text}: a tone is a whole number of Hz from 1 to 20000, and ${value} is not.`);
  }
  return { tone: hertz };
}

function gadgetZero(text: string, settings: Settings): Extract<DeviceSource, { kind: "gadget-zero" }> {
  const pattern = choice(text, settings, "pattern", ["zero", "mod63"]);
  const interval = take(text, settings, "interval");
  if (interval !== undefined && !/^([1-9]|1[0-6])$/.test(interval)) {
    throw new UsageError(`--plug ${text}: an interval is a number from 1 to 16, and ${interval} is not.`);
  }
  return {
    kind: "gadget-zero",
    ...speed(text, settings, SPEEDS),
    ...(pattern && { pattern }),
    ...(interval && { interval: Number(interval) }),
  };
}

function speed<T extends string>(text: string, settings: Settings, speeds: readonly T[]): { speed?: T } {
  const value = choice(text, settings, "speed", speeds);
  return value ? { speed: value } : {};
}

function choice<T extends string>(text: string, settings: Settings, name: string, words: readonly T[]): T | undefined {
  const value = take(text, settings, name);
  const found = words.find((each) => each === value);
  if (value !== undefined && !found) throw new UsageError(`--plug ${text}: the ${name} is ${words.join(" or ")}.`);
  return found;
}

function camera(text: string, settings: Settings): Extract<DeviceSource, { kind: "camera" }> {
  const size = choice(text, settings, "size", ["160x120", "320x240", "640x480"]);
  const transfer = choice(text, settings, "transfer", ["isochronous", "bulk"]);
  const rate = take(text, settings, "fps");
  const fps = Number(rate ?? 1);
  if (!(fps >= 1 && fps <= 60))
    throw new UsageError(`--plug ${text}: fps is a number from 1 to 60, and ${rate} is not.`);
  return {
    kind: "camera",
    ...(size && { size }),
    ...(transfer && { transfer }),
    ...speed(text, settings, ["full", "high", "super"]),
    ...(rate && { fps }),
  };
}

function parseSettings(text: string, written: string): Settings {
  const settings: Settings = new Map();
  if (written === "") return settings;
  for (const part of written.match(/(?:\\.|[^,])+/gs) ?? []) {
    const plain = part.replace(/\\([,\\])/g, "$1");
    const equals = plain.indexOf("=");
    const name = equals < 0 ? plain : plain.slice(0, equals);
    if (settings.has(name)) throw new UsageError(`--plug ${text}: ${name} is given twice.`);
    settings.set(name, equals < 0 ? true : plain.slice(equals + 1));
  }
  return settings;
}

function take(text: string, settings: Settings, name: string): string | undefined {
  const value = settings.get(name);
  if (value === true || value === "") throw new UsageError(`--plug ${text}: ${name} needs a value: ${name}=….`);
  settings.delete(name);
  return value;
}

function flag(text: string, settings: Settings, name: string): boolean {
  const value = settings.get(name);
  if (value !== undefined && value !== true) throw new UsageError(`--plug ${text}: ${name} takes no value.`);
  return settings.delete(name);
}
