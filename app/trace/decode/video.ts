/** Video class requests (UVC 1.1 §4) and the headers of its payloads (UVC 1.1 §2.4.3.3). */
import { bits, count, hex, hexBytes, u8, u16, u32 } from "./bytes.ts";
import { type Description, field, named, type Role, type Setup, say, type Transfer } from "./description.ts";

const REQUESTS: Readonly<Record<number, string>> = {
  1: "SET_CUR",
  129: "GET_CUR",
  130: "GET_MIN",
  131: "GET_MAX",
  132: "GET_RES",
  133: "GET_LEN",
  134: "GET_INFO",
  135: "GET_DEF",
};
const SUBCLASS_STREAMING = 0x02;
const STREAMING_CONTROLS: Readonly<Record<number, string>> = {
  1: "VS_PROBE_CONTROL",
  2: "VS_COMMIT_CONTROL",
  3: "VS_STILL_PROBE_CONTROL",
  4: "VS_STILL_COMMIT_CONTROL",
  6: "VS_STREAM_ERROR_CODE_CONTROL",
};
const COMMIT = 2;
/** Of probe and commit, UVC 1.0's. */
const PROBE_LENGTH = 26;

export function describeVideoRequest(setup: Setup, { data, role }: Transfer): Description {
  const { index, request, value } = setup;
  const name = named(REQUESTS, request, "video request");
  const arrow = setup.type & 0x80 ? " →" : ":";
  const selector = value >>> 8;
  if (role?.subclass !== SUBCLASS_STREAMING || index >>> 8 !== 0) {
    return say(`${name} control ${hex(selector)} of unit ${index >>> 8}${arrow} ${hexBytes(data)}`);
  }
  const what = `${name} ${named(STREAMING_CONTROLS, selector, "control")}${arrow}`;
  if (selector > COMMIT || data.length < PROBE_LENGTH) return say(`${what} ${hexBytes(data)}`);
  const interval = u32(data, 4);
  const rate = interval
    ? `${(1e7 / interval).toLocaleString("en", { maximumFractionDigits: 2 })} pictures/s`
    : "any rate";
  return say(
    `${what} format ${u8(data, 2)}, frame ${u8(data, 3)}, ${rate}`,
    field("bFormatIndex", u8(data, 2)),
    field("bFrameIndex", u8(data, 3)),
    field("dwFrameInterval", interval),
    field("dwMaxVideoFrameSize", u32(data, 18)),
    field("dwMaxPayloadTransferSize", u32(data, 22)),
  );
}

const HEADER_FLAGS = ["FID", "EOF", "PTS", "SCR", "RES", "STI", "ERR", "EOH"];

/** A bulk payload. */
export function describePayload({ actual, data, role }: Transfer): Description | undefined {
  const length = u8(data, 0);
  if (!isStreaming(role) || length < 2 || length > Math.min(12, data.length)) return undefined;
  const flags = bits(u8(data, 1), HEADER_FLAGS);
  return say(
    `video payload, ${count(actual, "byte")}${flags.includes("EOF") ? ", end of picture" : ""}`,
    field("bmHeaderInfo", flags.join(", ")),
    ...(flags.includes("PTS") && length >= 6 ? [field("dwPresentationTime", u32(data, 2))] : []),
    ...(flags.includes("SCR") && length >= 12 ? [field("SCR", `${u32(data, 6)}, frame ${u16(data, 10)}`)] : []),
  );
}

function isStreaming(role: Role | undefined): boolean {
  return role?.subclass === SUBCLASS_STREAMING;
}
