/** Communications: CDC 1.2 §6, its serial lines (PSTN 1.2 §6), and Ethernet (ECM 1.2 §6.2, NCM 1.0 §6.2). */
import { ascii, bits, count, hex, hexBytes, u8, u16, u32 } from "./bytes.ts";
import { PROTOCOL_NTB, SUBCLASS_ACM, SUBCLASS_ECM } from "./classes.ts";
import { type Description, field, named, type Setup, say, type Transfer } from "./description.ts";
import { describeFrame, frameWords } from "./ethernet.ts";

const SET_LINE_CODING = 0x20;
const GET_LINE_CODING = 0x21;
const SET_CONTROL_LINE_STATE = 0x22;
const SEND_BREAK = 0x23;
const SET_ETHERNET_PACKET_FILTER = 0x43;
const GET_NTB_PARAMETERS = 0x80;
const GET_NTB_INPUT_SIZE = 0x85;
const SET_NTB_INPUT_SIZE = 0x86;

const REQUESTS: Readonly<Record<number, string>> = {
  0: "SEND_ENCAPSULATED_COMMAND",
  1: "GET_ENCAPSULATED_RESPONSE",
  2: "SET_COMM_FEATURE",
  3: "GET_COMM_FEATURE",
  4: "CLEAR_COMM_FEATURE",
  [SET_LINE_CODING]: "SET_LINE_CODING",
  [GET_LINE_CODING]: "GET_LINE_CODING",
  [SET_CONTROL_LINE_STATE]: "SET_CONTROL_LINE_STATE",
  [SEND_BREAK]: "SEND_BREAK",
  64: "SET_ETHERNET_MULTICAST_FILTERS",
  65: "SET_ETHERNET_POWER_MANAGEMENT_PATTERN_FILTER",
  66: "GET_ETHERNET_POWER_MANAGEMENT_PATTERN_FILTER",
  [SET_ETHERNET_PACKET_FILTER]: "SET_ETHERNET_PACKET_FILTER",
  68: "GET_ETHERNET_STATISTIC",
  [GET_NTB_PARAMETERS]: "GET_NTB_PARAMETERS",
  129: "GET_NET_ADDRESS",
  130: "SET_NET_ADDRESS",
  131: "GET_NTB_FORMAT",
  132: "SET_NTB_FORMAT",
  [GET_NTB_INPUT_SIZE]: "GET_NTB_INPUT_SIZE",
  [SET_NTB_INPUT_SIZE]: "SET_NTB_INPUT_SIZE",
  135: "GET_MAX_DATAGRAM_SIZE",
  136: "SET_MAX_DATAGRAM_SIZE",
  137: "GET_CRC_MODE",
  138: "SET_CRC_MODE",
};

const STOP_BITS = ["1", "1.5", "2"];
const PARITIES = ["N", "O", "E", "M", "S"];
const LINES = ["DTR", "RTS"];
const FILTERS = ["promiscuous", "all multicast", "directed", "broadcast", "multicast"];

export function describeCommunicationsRequest(setup: Setup, { data }: Transfer): Description {
  const { request, value } = setup;
  const name = named(REQUESTS, request, "communications request");
  const arrow = setup.type & 0x80 ? " →" : ":";
  switch (request) {
    case SET_LINE_CODING:
    case GET_LINE_CODING:
      return say(`${name}${arrow} ${lineCoding(data)}`);
    case SET_CONTROL_LINE_STATE:
      return say(`${name} ${bits(value, LINES).join(", ") || "all off"}`);
    case SEND_BREAK:
      return say(`${name} ${value === 0xffff ? "on" : value === 0 ? "off" : `${value} ms`}`);
    case SET_ETHERNET_PACKET_FILTER:
      return say(`${name} ${bits(value, FILTERS).join(", ") || "nothing"}`);
    case GET_NTB_PARAMETERS:
      return say(
        `${name} → in ${u32(data, 4).toLocaleString("en")}, out ${u32(data, 16).toLocaleString("en")} bytes`,
        field("dwNtbInMaxSize", u32(data, 4)),
        field("dwNtbOutMaxSize", u32(data, 16)),
      );
    case GET_NTB_INPUT_SIZE:
    case SET_NTB_INPUT_SIZE:
      return say(`${name}${arrow} ${u32(data, 0).toLocaleString("en")}`);
  }
  return say(`${name}${value ? ` ${hex(value, 4)}` : ""}${data.length ? `${arrow} ${hexBytes(data)}` : ""}`);
}

/** PSTN 1.2 §6.3.11: "115200 8N1". */
function lineCoding(data: Uint8Array): string {
  if (data.length < 7) return hexBytes(data);
  const stop = STOP_BITS[u8(data, 4)] ?? "?";
  return `${u32(data, 0)} ${u8(data, 6)}${PARITIES[u8(data, 5)] ?? "?"}${stop}`;
}

const RESPONSE_AVAILABLE = 0x01;
const NETWORK_CONNECTION = 0x00;
const SERIAL_STATE = 0x20;
const CONNECTION_SPEED_CHANGE = 0x2a;
const SERIAL_STATES = ["DCD", "DSR", "break", "ring", "framing error", "parity error", "overrun"];

/** The interrupt endpoint (CDC 1.2 §6.3). */
export function describeNotification({ data }: Transfer): Description {
  switch (u8(data, 1)) {
    case NETWORK_CONNECTION:
      return say(`NETWORK_CONNECTION: ${u16(data, 2) ? "connected" : "disconnected"}`);
    case RESPONSE_AVAILABLE:
      return say("RESPONSE_AVAILABLE");
    case SERIAL_STATE:
      return say(`SERIAL_STATE: ${bits(u16(data, 8), SERIAL_STATES).join(", ") || "nothing set"}`);
    case CONNECTION_SPEED_CHANGE:
      return say(`CONNECTION_SPEED_CHANGE: down ${speed(u32(data, 8))}, up ${speed(u32(data, 12))}`);
    default:
      return say(`notification ${hex(u8(data, 1))}: ${hexBytes(data)}`);
  }
}

function speed(bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e6).toLocaleString("en")} Mb/s`;
}

/** The bulk endpoints of the data interface: an NTB, a frame, or a serial line's bytes. */
export function describeCommunicationsData({ actual, data, role }: Transfer): Description | undefined {
  if (role?.protocol === PROTOCOL_NTB) return describeNtb(data);
  if (role?.control === SUBCLASS_ECM) return describeFrame(data, actual);
  if (role?.control === SUBCLASS_ACM)
    return say(`${count(actual, "character")}: "${ascii(data.subarray(0, TEXT_SHOWN))}"`);
  return undefined;
}

const TEXT_SHOWN = 64;
const NTH16 = 0x484d434e;
const NDP16 = 0x304d434e;
const DATAGRAMS_MAX = 256;
const NDPS_MAX = 32;

/** NCM 1.0 §3: a header, lists of pointers, datagrams. A list that leads to itself has an end here. */
function describeNtb(data: Uint8Array): Description | undefined {
  if (u32(data, 0) !== NTH16) return undefined;
  const frames: string[] = [];
  let missing = 0;
  for (let at = u16(data, 10), seen = 0; at >= 12 && seen < NDPS_MAX; at = u16(data, at + 6), seen++) {
    if ((u32(data, at) & 0xfeffffff) >>> 0 !== NDP16) break;
    const end = Math.min(data.length, at + u16(data, at + 4));
    for (let pointer = at + 8; pointer + 4 <= end && frames.length + missing < DATAGRAMS_MAX; pointer += 4) {
      const [index, length] = [u16(data, pointer), u16(data, pointer + 2)];
      if (index === 0 || length === 0) break;
      const frame = data.subarray(index, index + length);
      if (frame.length < 14) missing++;
      else frames.push(frameWords(frame, length));
    }
  }
  const total = frames.length + missing;
  return say(
    `NTB ${u16(data, 6)}, ${count(total, "frame")}${frames.length ? `: ${kinds(frames)}` : ""}`,
    field("wSequence", u16(data, 6)),
    field("wBlockLength", u16(data, 8)),
    ...frames.map((words, index) => field(`frame ${index + 1}`, words)),
  );
}

/** What kinds there are, each once. */
function kinds(frames: readonly string[]): string {
  return [...new Set(frames.map((words) => words.split(",", 1)[0]))].join(", ");
}
