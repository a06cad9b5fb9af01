/** Reads what `lsusb -v` prints, as fields by the names of the specification. */
import type { ShownDescriptor } from "../tshark.ts";

const SHOWN = new Set(["DEVICE", "CONFIGURATION", "INTERFACE", "ENDPOINT"]);

/** The specification's names of what lsusb calls otherwise. */
const SPECIFIED: Readonly<Record<string, string>> = { MaxPower: "bMaxPower", iSerial: "iSerialNumber" };

/** The descriptors of the device with those ids, in their order, and its strings. */
export function lsusbDevice(output: string, vendorId: number, productId: number) {
  const id = [vendorId, productId].map((each) => each.toString(16).padStart(4, "0")).join(":");
  const device = output.split(/^(?=Bus \d+ Device \d+: )/m).find((part) => part.includes(`: ID ${id} `));
  if (device === undefined) throw new Error(`lsusb does not show ${id}:\n${output}`);
  const descriptors: ShownDescriptor[] = [];
  const strings: string[] = [];
  let indent = -1;
  let isSuperSpeed = false;
  for (const line of device.split("\n")) {
    const depth = line.search(/\S/);
    const kind = /^ *(.*) Descriptor:$/.exec(line)?.[1]?.toUpperCase();
    if (kind !== undefined || /^ *\S.*(Capability|Status):/.test(line)) {
      indent = kind !== undefined && SHOWN.has(kind) ? depth + 2 : -1;
      if (kind !== undefined && indent >= 0) descriptors.push({ kind, fields: {} });
      continue;
    }
    // Deeper lines say what the bits of a field mean.
    if (depth !== indent) continue;
    const [, name = "", value = "", words] = /^ *(\S+) +(\S+) ?(.*)$/.exec(line) ?? [];
    if (!/^(b|bm|w|i|id|bcd)[A-Z]|^MaxPower$/.test(name)) continue;
    if (name === "bcdUSB") isSuperSpeed = value >= "3";
    const last = descriptors.at(-1);
    if (!last) continue;
    const number = name === "MaxPower" ? Number.parseInt(value, 10) / (isSuperSpeed ? 8 : 2) : numberOf(name, value);
    last.fields[SPECIFIED[name] ?? name] = number;
    if (/^i[A-Z]/.test(name) && words) strings.push(words.trim());
  }
  return { descriptors, strings };
}

/** 0x1209, 12, and binary-coded decimals such as 3.10. */
function numberOf(name: string, value: string): number {
  if (!name.startsWith("bcd")) return Number(value);
  const [whole = "", fraction = ""] = value.split(".");
  return Number.parseInt(whole.trim() + fraction, 16);
}
