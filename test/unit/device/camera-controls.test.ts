import { describe, expect, test } from "vitest";
import { STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { agree, alternate, asked, COMMIT, GET_CUR, get, PROBE, plugCamera, SET_CUR, set } from "./camera.ts";
import { bytes, type Host, hex } from "./harness.ts";

const GET_MIN = 0x82;
const GET_MAX = 0x83;
const GET_RES = 0x84;
const GET_LEN = 0x85;
const GET_INFO = 0x86;
const GET_DEF = 0x87;
const STREAM_ERROR = 6;

const golden = (text: string): string => hex(bytes(text));
/** UVC 1.1 table 4-47, the fields that a camera without compression has. */
const parameters = (hint: string, frame: string, interval: string, size: string, payload: string): string =>
  golden(`${hint} 01 ${frame} ${interval} 0000 0000 0000 0000 0000 ${size} ${payload} 40420f00 03 01 01 01`);
const probe = (host: Host): string => hex(get(host, GET_CUR, PROBE, 34).bytes);
/** Request Error Code Control. */
const whyNot = (host: Host): number | undefined => get(host, GET_CUR, 2, 1, 0).bytes[0];

describe("Probe (UVC 1.1 §4.3.1.1)", () => {
  test("says its length, what it can, and its defaults before anything is set", async () => {
    const host = await plugCamera({});
    const fresh = parameters("0000", "02", "2a2c0a00", "00580200", "00020000");
    expect(hex(get(host, GET_LEN, PROBE, 2).bytes)).toBe("2200");
    expect(hex(get(host, GET_INFO, PROBE, 1).bytes)).toBe("03");
    expect(hex(get(host, GET_DEF, PROBE, 34).bytes)).toBe(fresh);
    expect(probe(host)).toBe(fresh);
    expect(hex(get(host, GET_CUR, PROBE, 26).bytes), "as a host of UVC 1.0 asks").toBe(fresh.slice(0, 52));
    expect(hex(get(host, GET_MIN, PROBE, 34).bytes)).toBe(parameters("0000", "01", "15160500", "00960000", "00010000"));
    expect(hex(get(host, GET_MAX, PROBE, 34).bytes)).toBe(parameters("0000", "03", "80841e00", "00600900", "000c0000"));
    expect(hex(get(host, GET_RES, PROBE, 34).bytes)).toBe(golden(`0000 01 01 ${"00".repeat(30)}`));
  });

  test.each([
    ["160x120 at 30", 1, 333_333, "01", "15160500", "00960000", "00010000"],
    ["160x120 at 5", 1, 2_000_000, "01", "80841e00", "00960000", "00010000"],
    ["320x240 at 30", 2, 333_333, "02", "15160500", "00580200", "00040000"],
    ["640x480 at 5", 3, 2_000_000, "03", "80841e00", "00600900", "00020000"],
    ["640x480 at 15", 3, 666_666, "03", "2a2c0a00", "00600900", "00080000"],
    ["640x480 at 30, three packets a microframe", 3, 333_333, "03", "15160500", "00600900", "000c0000"],
  ] as const)(
    "%s names the smallest alternate that takes it",
    async (_, frame, interval, index, time, size, payload) => {
      const host = await plugCamera({});
      expect(set(host, PROBE, asked(frame, interval)).status).toBe(STATUS_OK);
      expect(probe(host)).toBe(parameters("0100", index, time, size, payload));
    },
  );

  test("what it cannot do becomes what is nearest, and nothing becomes the default", async () => {
    const host = await plugCamera({});
    const outcome = (data: Uint8Array) => {
      expect(set(host, PROBE, data).status).toBe(STATUS_OK);
      return probe(host);
    };
    expect(outcome(asked(1, 400_000)), "25 a second").toBe(
      parameters("0100", "01", "15160500", "00960000", "00010000"),
    );
    expect(outcome(asked(1, 0xffff_ffff))).toBe(parameters("0100", "01", "80841e00", "00960000", "00010000"));
    const standard = parameters("0100", "02", "2a2c0a00", "00580200", "00020000");
    for (const [frame, format] of [
      [0, 1],
      [4, 1],
      [255, 1],
      [0, 7],
    ] as const) {
      expect(outcome(asked(frame, 0, format))).toBe(standard);
    }
    expect(outcome(new Uint8Array(34).fill(0xff))).toBe(parameters("ffff", "02", "80841e00", "00580200", "00010000"));
    expect(outcome(asked(3, 333_333).subarray(0, 26)), "as a host of UVC 1.0 sets it").toBe(
      parameters("0100", "03", "15160500", "00600900", "000c0000"),
    );
    expect(hex(get(host, GET_DEF, PROBE, 34).bytes), "the default stays").toBe(
      parameters("0000", "02", "2a2c0a00", "00580200", "00020000"),
    );
  });

  test("bulk names 32 packets, whatever the video", async () => {
    for (const [speed, payload] of [
      ["full", "00080000"],
      ["high", "00400000"],
      ["super", "00800000"],
    ] as const) {
      const host = await plugCamera({ transfer: "bulk", speed });
      expect(probe(host)).toContain(`${golden(payload)}40420f00`);
    }
  });

  test("too few and too many bytes are stalled", async () => {
    const host = await plugCamera({});
    for (const length of [0, 25, 27, 33, 35, 48]) {
      expect(set(host, PROBE, new Uint8Array(length)).status, `${length}`).toBe(STATUS_STALL);
      expect(whyNot(host)).toBe(4);
    }
  });
});

describe("Commit (UVC 1.1 §4.3.1.1)", () => {
  test("takes what was agreed on and shows it", async () => {
    const host = await plugCamera({});
    expect(hex(get(host, GET_LEN, COMMIT, 2).bytes)).toBe("2200");
    expect(hex(get(host, GET_INFO, COMMIT, 1).bytes)).toBe("03");
    const agreed = agree(host, 3, 333_333);
    expect(hex(get(host, GET_CUR, COMMIT, 34).bytes)).toBe(hex(agreed));
    set(host, PROBE, asked(1, 0));
    expect(hex(get(host, GET_CUR, COMMIT, 34).bytes), "a later probe changes nothing").toBe(hex(agreed));
    for (const request of [GET_MIN, GET_MAX, GET_RES, GET_DEF]) {
      expect(get(host, request, COMMIT, 34).status).toBe(STATUS_STALL);
      expect(whyNot(host)).toBe(7);
    }
  });

  test.each([
    ["another format", 2, 2],
    ["no such size", 3, 9],
    ["an interval between two", 4, 0x16],
    ["another size of picture", 18, 1],
    ["another payload", 22, 1],
  ])("stalls %s: out of range", async (_, at, value) => {
    const host = await plugCamera({});
    const agreed = agree(host, 2, 333_333);
    const other = agreed.slice();
    other[at] = value;
    expect(set(host, COMMIT, other).status).toBe(STATUS_STALL);
    expect(whyNot(host)).toBe(4);
    expect(hex(get(host, GET_CUR, COMMIT, 34).bytes)).toBe(hex(agreed));
  });

  test("stalls while an isochronous alternate runs: wrong state", async () => {
    const host = await plugCamera({});
    const agreed = agree(host, 2, 333_333);
    alternate(host, 5);
    expect(set(host, COMMIT, agreed).status).toBe(STATUS_STALL);
    expect(whyNot(host)).toBe(2);
    alternate(host, 0);
    expect(set(host, COMMIT, agreed).status).toBe(STATUS_OK);
  });

  test("a configuration and a reset forget it", async () => {
    const host = await plugCamera({});
    const fresh = probe(host);
    agree(host, 3, 333_333);
    host.configure();
    expect(probe(host)).toBe(fresh);
    agree(host, 3, 333_333);
    await host.reset();
    expect(get(host, GET_CUR, PROBE, 34).status, "not configured").toBe(STATUS_STALL);
    host.configure();
    expect(hex(get(host, GET_CUR, COMMIT, 34).bytes)).toBe(fresh);
  });
});

describe("why a request failed (UVC 1.1 §4.2.1.2)", () => {
  const failing: [string, number, (host: Host) => { status: number }][] = [
    ["a terminal has no controls", 6, (host) => get(host, GET_CUR, 1, 1, 0x0100)],
    ["nor has the processing unit", 6, (host) => get(host, GET_CUR, 2, 2, 0x0200)],
    ["there is no unit 7", 5, (host) => get(host, GET_CUR, 1, 1, 0x0700)],
    ["there are no units of the streaming interface", 5, (host) => get(host, GET_CUR, 1, 34, 0x0101)],
    ["there is no interface 2", 5, (host) => get(host, GET_CUR, 1, 34, 2)],
    ["no power mode", 6, (host) => get(host, GET_CUR, 1, 1, 0)],
    ["no still pictures", 6, (host) => get(host, GET_CUR, 3, 11, 1)],
    ["an error code cannot be set", 7, (host) => set(host, 2, new Uint8Array(1), 0)],
    ["nor has it a maximum", 7, (host) => get(host, GET_MAX, STREAM_ERROR, 1)],
    ["there is no request 0", 7, (host) => get(host, 0, PROBE, 34)],
    [
      "selectors are in the high byte",
      6,
      (host) => host.control({ bmRequestType: 0xa1, bRequest: GET_CUR, wValue: 0x0101, wIndex: 1, wLength: 34 }),
    ],
  ];
  test.each(failing)("%s: %d", async (_, code, fail) => {
    const host = await plugCamera({});
    expect(fail(host).status).toBe(STATUS_STALL);
    expect(whyNot(host)).toBe(code);
    expect(whyNot(host), "reading it makes it good").toBe(0);
    fail(host);
    probe(host);
    expect(whyNot(host), "as does any request that succeeds").toBe(0);
  });

  test("can be read only", async () => {
    const host = await plugCamera({});
    expect(hex(get(host, GET_INFO, 2, 1, 0).bytes)).toBe("01");
    expect(hex(get(host, GET_INFO, STREAM_ERROR, 1).bytes)).toBe("01");
    expect(hex(get(host, GET_CUR, STREAM_ERROR, 1).bytes)).toBe("00");
  });

  test("requests that are none of the video class are stalled, and are no matter of it", async () => {
    const host = await plugCamera({});
    for (const bmRequestType of [0xa2, 0x22, 0xc1, 0x41, 0xa0]) {
      expect(host.control({ bmRequestType, bRequest: SET_CUR, wValue: 0x100, wIndex: 1 }).status).toBe(STATUS_STALL);
    }
    expect(whyNot(host)).toBe(0);
  });
});
