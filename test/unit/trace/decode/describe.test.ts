/** What Linux's drivers and our devices do not show: written by hand from the specifications. */
import { expect, test } from "vitest";
import { describe } from "../../../../app/trace/decode/describe.ts";
import { TransferLog } from "../../../../app/trace/decode/transfer-log.ts";
import { SPEED_FULL } from "../../../../asm/layout.ts";
import { readTrace, say } from "./transfers.ts";

/** GET_DESCRIPTOR of a configuration with these interfaces and endpoints. */
function configuration(...descriptors: string[]): string {
  const body = descriptors.join("");
  const length = 9 + body.length / 2;
  const low = length.toString(16).padStart(2, "0");
  return `1 1 full control 80 800600020000${low}00 ok ${length}/${length} 0902${low}000101008032${body}`;
}

const MOUSE = configuration("090400000103010200", "07058103040008");
const KEYBOARD = configuration("090400000103010100", "0705810308000a");
const ACM = configuration(
  "090400000102020100",
  "0705830308000a",
  "09040100020a000000",
  "07058102400000",
  "07050202400000",
);
const MIDI = configuration("090401000201030000", "07050202400000", "07058102400000");

test("a boot mouse", () => {
  expect(
    say(MOUSE, "1 1 full interrupt 81 - ok 4/4 0105fe01", "1 1 full interrupt 81 - ok 3/4 000000").slice(1),
  ).toEqual(["mouse: left, moved 5, -2, wheel 1", "mouse: no button, moved 0, 0"]);
});

test("keys, and too many of them", () => {
  const report = (data: string) => `1 1 full interrupt 81 - ok 8/8 ${data}`;
  expect(say(KEYBOARD, report("4100282a53ff0000"), report("0000010101010101")).slice(1)).toEqual([
    "keyboard: Ctrl + right Alt + Enter + Backspace + Num Lock + key 0xff",
    "keyboard: too many keys + too many keys + too many keys + too many keys + too many keys + too many keys",
  ]);
});

test("a serial line: its coding, its lines, its text", () => {
  const said = say(
    ACM,
    "1 1 full control 00 2120000000000700 ok 7/7 00c20100000208",
    "1 1 full control 00 2122030000000000 ok 0/0 -",
    "1 1 full control 00 2123ffff00000000 ok 0/0 -",
    "1 1 full interrupt 83 - ok 10/10 a1200000000002000300",
    "1 1 full bulk 02 - ok 4/4 68690d0a",
  );
  expect(said.slice(1)).toEqual([
    "SET_LINE_CODING: 115200 8E1",
    "SET_CONTROL_LINE_STATE DTR, RTS",
    "SEND_BREAK on",
    "SERIAL_STATE: DCD, DSR",
    '4 characters: "hi··"',
  ]);
});

test("MIDI events", () => {
  expect(
    say(MIDI, "1 1 full bulk 02 - ok 4/4 09903c64", "1 1 full bulk 81 - ok 12/64 08803c400bb0077f00000000").slice(1),
  ).toEqual(["MIDI: note on C4, velocity 100, channel 1", "MIDI: note off C4, channel 1, and 1 more event"]);
});

test("what is not known is shown: its first 16 bytes, and requests as numbers", () => {
  const bytes = Array.from({ length: 17 }, (_, at) => (at + 0x11).toString(16)).join("");
  expect(
    say(
      `1 1 high bulk 81 - ok 17/512 ${bytes}`,
      "1 1 high control 80 c051010203040000 ok 0/0 -",
      "1 1 high control 00 2155020103000000 ok 0/0 -",
      "1 1 high interrupt 02 - error 0/8 1122",
    ),
  ).toEqual([
    "bulk in, 17 bytes: 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 …",
    "vendor request 0x51, wValue 0x0201, wIndex 0x0403, 0 bytes",
    "class request 0x55, wValue 0x0102, wIndex 0x0003, 0 bytes",
    "interrupt out → error on the bus",
  ]);
});

test("a link of a USB 3 hub's port", () => {
  expect(say("1 1 super control 80 a300000002000400 ok 4/4 03121000")).toEqual([
    "GetPortStatus port 2 → connected, enabled, powered, U0, C_PORT_RESET",
  ]);
});

test("isochronous packets of a second are one, and the next second's another", () => {
  const log = new TransferLog();
  const packet = readTrace("1 1 full isochronous 81 - ok 96/100 1122");
  for (let frame = 0; frame < 1500; frame++) log.hear({ ...packet, time: frame * 1000 });
  log.hear({ ...packet, time: 1_500_000, status: 3, actual: 0 });
  const texts = [1, 2].map((number) => {
    const transfer = log.at(number);
    return transfer && describe(transfer).text;
  });
  expect(log.last).toBe(2);
  expect(texts).toEqual([
    "isochronous in, 1,001 packets, 96,096 bytes",
    "isochronous in, 500 packets, 47,904 bytes, 1 error: error on the bus",
  ]);
});

test("the log keeps the last ones, and knows the device when all that it said is gone", () => {
  const log = new TransferLog(4);
  log.hear(readTrace(MOUSE));
  for (let count = 0; count < 10; count++) log.hear(readTrace("1 1 full interrupt 81 - ok 3/3 000100"));
  expect([log.first, log.last]).toEqual([8, 11]);
  expect(log.at(7)).toBeUndefined();
  expect([8, 9, 10, 11].map((number) => log.at(number)?.number)).toEqual([8, 9, 10, 11]);
  const last = log.at(11);
  expect(last && describe(last).text).toBe("mouse: no button, moved 1, 0");
  log.clear();
  expect([log.first, log.last]).toEqual([12, 11]);
  log.hear(readTrace("1 2 full interrupt 81 - ok 3/3 000100"));
  const other = log.at(12);
  expect(other && describe(other).text).toBe("interrupt in, 3 bytes: 00 01 00");
});

test("a device that was plugged before anybody listened is known when its descriptors are given", () => {
  const log = new TransferLog();
  const { data } = readTrace(MOUSE);
  log.learn("2.3", { speed: SPEED_FULL, plug: 7, descriptors: data, alternates: [] });
  log.hear(readTrace("2.3 7 full interrupt 81 - ok 3/3 000100"));
  log.hear(readTrace("2.3 8 full interrupt 81 - ok 3/3 000100"));
  const texts = [1, 2].map((number) => log.at(number)).map((transfer) => transfer && describe(transfer).text);
  expect(texts).toEqual(["mouse: no button, moved 1, 0", "interrupt in, 3 bytes: 00 01 00"]);
});

test("an OUT's bytes come with its submission, and the time between is told", () => {
  const log = new TransferLog();
  const out = readTrace("1 1 high bulk 02 - ok 2/2 -");
  log.hear({ ...out, phase: "submit", time: 1000, data: Uint8Array.of(0x11, 0x22) });
  log.hear({ ...out, time: 1250 });
  expect(log.at(1)).toMatchObject({ data: Uint8Array.of(0x11, 0x22), duration: 250 });
});
