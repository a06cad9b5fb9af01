/** Standard requests (USB 2.0 §9.4, USB 3.2 §9.4). */
import { bits, count, hex, hexBytes, u8, u16 } from "./bytes.ts";
import { type Description, field, named, type Setup, say, type Transfer } from "./description.ts";
import { DESCRIPTOR_WORDS, describeDescriptor, STRING } from "./descriptors.ts";

const GET_STATUS = 0;
const CLEAR_FEATURE = 1;
const SET_FEATURE = 3;
const SET_ADDRESS = 5;
const GET_DESCRIPTOR = 6;
const GET_CONFIGURATION = 8;
const SET_CONFIGURATION = 9;
const GET_INTERFACE = 10;
const SET_INTERFACE = 11;

const REQUESTS: Readonly<Record<number, string>> = {
  [GET_STATUS]: "GET_STATUS",
  [CLEAR_FEATURE]: "CLEAR_FEATURE",
  [SET_FEATURE]: "SET_FEATURE",
  [SET_ADDRESS]: "SET_ADDRESS",
  [GET_DESCRIPTOR]: "GET_DESCRIPTOR",
  7: "SET_DESCRIPTOR",
  [GET_CONFIGURATION]: "GET_CONFIGURATION",
  [SET_CONFIGURATION]: "SET_CONFIGURATION",
  [GET_INTERFACE]: "GET_INTERFACE",
  [SET_INTERFACE]: "SET_INTERFACE",
  12: "SYNCH_FRAME",
  48: "SET_SEL",
  49: "SET_ISOCH_DELAY",
};

/** By recipient: of the device, of an interface, of an endpoint (USB 2.0 table 9-6, USB 3.2 table 9-7). */
const FEATURES: readonly Readonly<Record<number, string>>[] = [
  { 1: "DEVICE_REMOTE_WAKEUP", 2: "TEST_MODE", 48: "U1_ENABLE", 49: "U2_ENABLE", 50: "LTM_ENABLE" },
  { 0: "FUNCTION_SUSPEND" },
  { 0: "ENDPOINT_HALT" },
];
const STATUSES: readonly (readonly string[])[] = [
  ["self-powered", "remote wake-up", "U1", "U2", "LTM"],
  ["can wake remotely", "may wake remotely"],
  ["halted"],
];

export function describeStandardRequest(setup: Setup, { data }: Transfer): Description {
  const { index, request, type, value } = setup;
  const recipient = type & 0x1f;
  const whose = ["", ` interface ${index & 0xff}`, ` endpoint ${hex(index & 0xff)}`][recipient] ?? "";
  const name = named(REQUESTS, request, "request");
  switch (request) {
    case GET_STATUS: {
      const words = data.length < 2 ? hexBytes(data) : bits(u16(data, 0), STATUSES[recipient] ?? [], 16).join(", ");
      return say(`${name}${whose} → ${words || "nothing set"}`);
    }
    case CLEAR_FEATURE:
    case SET_FEATURE:
      return say(`${name} ${named(FEATURES[recipient] ?? {}, value, "feature")}${whose}`);
    case SET_ADDRESS:
    case SET_CONFIGURATION:
      return say(`${name} ${value}`);
    case GET_CONFIGURATION:
    case GET_INTERFACE:
      return say(`${name}${whose} → ${u8(data, 0)}`);
    case SET_INTERFACE:
      return say(`${name} ${index}, alternate ${value}`);
    case GET_DESCRIPTOR: {
      const kind = value >>> 8;
      const which = kind === STRING || value & 0xff ? ` ${value & 0xff}` : "";
      const what = `${name} ${named(DESCRIPTOR_WORDS, kind, "descriptor")}${which}${recipient === 1 ? whose : ""}`;
      // The list of languages is no text.
      if (kind === STRING && (value & 0xff) === 0) return say(`${what} → ${languages(data)}`);
      const { fields, text } = describeDescriptor(kind, data);
      return say(`${what} → ${text}`, ...fields);
    }
  }
  const part = data.length > 0 ? `, ${count(data.length, "byte")}: ${hexBytes(data)}` : "";
  return say(`${name}${whose}, wValue ${hex(value, 4)}${part}`, field("bRequest", hex(request)));
}

function languages(data: Uint8Array): string {
  const list: string[] = [];
  for (let at = 2; at + 2 <= data.length && list.length < 16; at += 2) list.push(hex(u16(data, at), 4));
  return `languages ${list.join(", ") || "none"}`;
}
