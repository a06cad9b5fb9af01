import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STATUS_BABBLE, STATUS_CANCELLED, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { createSerial } from "../../../worker/device/serial/serial.ts";
import type { DeviceInput, SerialOutput, SerialSource } from "../../../worker/protocol.ts";
import { type Answer, bytes, Host, hex, now, pattern, type Transfer } from "./harness.ts";
import { again } from "./saved.ts";

const IN = 0x81;
const OUT = 0x02;
const SOURCE = { kind: "serial", loopback: true, serial: "A1B2C3D4" } as const satisfies SerialSource;
const CTS = 0x10;
const DSR_DCD = 0xa0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function plug(options: Partial<SerialSource> = { loopback: true }): Promise<Host> {
  const host = await Host.plug(createSerial({ serial: "A1B2C3D4", ...options }));
  host.configure();
  return host;
}

/** A vendor request out. */
function ask(host: Host, bRequest: number, wValue = 0, wIndex = 0): number {
  return host.control({ bmRequestType: 0x40, bRequest, wValue, wIndex }).status;
}

function get(host: Host, bRequest: number, wLength: number, wIndex = 0): string {
  return hex(host.control({ bmRequestType: 0xc0, bRequest, wIndex, wLength }).bytes);
}

function output(host: Host): SerialOutput {
  return host.device.output?.() as SerialOutput;
}

async function input(host: Host, message: DeviceInput): Promise<void> {
  host.device.input?.(message);
  await host.settle(2);
}

/** What is answered when so many milliseconds are over, and not before. */
async function later(host: Host, ms: number, transfer: Transfer): Promise<Answer> {
  vi.advanceTimersByTime(ms - 1);
  await host.settle(2);
  expect(transfer.answer).toBeUndefined();
  vi.advanceTimersByTime(1);
  await host.settle(2);
  return now(transfer);
}

/** The data of an IN transfer, without the two bytes in front of each packet. */
function dataOf(transfer: Uint8Array): Uint8Array {
  return transfer.filter((_, at) => at % 64 >= 2);
}

test("descriptors are an FT232R's, and so is the EEPROM, with a checksum that holds", async () => {
  const host = await plug();
  const descriptor = (wValue: number) =>
    hex(host.control({ bmRequestType: 0x80, bRequest: 6, wValue, wLength: 255 }).bytes);
  expect(descriptor(0x0100)).toBe(hex(bytes("12 01 0002 00 00 00 08 0304 0160 0006 01 02 03 01")));
  expect(descriptor(0x0200)).toBe(
    hex(bytes("09 02 2000 01 01 00 80 2d  09 04 00 00 02 ff ff ff 02  07 05 81 02 4000 00  07 05 02 02 4000 00")),
  );
  expect(descriptor(0x0303)).toBe(hex(bytes("12 03 4100 3100 4200 3200 4300 3300 4400 3400")));
  expect([0, 1, 2, 3, 0x0a, 0x0b].map((word) => get(host, 0x90, 2, word))).toEqual([
    ...["0040", "0304", "0160", "0006"],
    ...["2310", "0500"], // CBUS
  ]);
  let sum = 0xaaaa;
  for (let word = 0; word < 63; word++) {
    sum ^= Number.parseInt(get(host, 0x90, 2, word).replace(/(..)(..)/, "$2$1"), 16);
    sum = ((sum << 1) | (sum >> 15)) & 0xffff;
  }
  expect(get(host, 0x90, 2, 63)).toBe(hex(Uint8Array.of(sum, sum >> 8)));
  expect(get(host, 0x90, 2, 64 + 1)).toBe("0304");
});

// wValue and wIndex by hand: 24 MHz over the divisor in eighths; fractions 0 4 2 1 3 5 6 7 by their code.
test.each([
  [0x2710, 0, 300],
  [0x09c4, 0, 1200],
  [0x04e2, 0, 2400],
  [0x4138, 0, 9600], // 312 1/2
  [0x809c, 0, 19200], // 156 1/4
  [0xc04e, 0, 38400], // 78 1/8
  [0xc034, 0, 57554], // 52 1/8
  [0x001a, 0, 115385],
  [0x000d, 0, 230769],
  [0x4006, 0, 461538], // 6 1/2
  [0x8003, 0, 923077], // 3 1/4
  [0x0003, 0, 1_000_000],
  [0x0001, 0, 2_000_000],
  [0x4001, 0, 2_000_000],
  [0x0000, 0, 3_000_000],
  [0xc000, 1, 3_000_000],
  [0x0064, 1, 29_888], // 100 3/8
  [0x4064, 1, 29_814], // 100 5/8
  [0x8064, 1, 29_777], // 100 6/8
  [0xc064, 1, 29_740], // 100 7/8
  [0x3fff, 0, 183],
])("divisor %i, %i is %i bits a second", async (wValue, wIndex, rate) => {
  const host = await plug();
  expect(ask(host, 3, wValue, wIndex)).toBe(STATUS_OK);
  expect(output(host).baudRate).toBe(rate);
});

test.each([
  [0x0008, { dataBits: 8, parity: "none", stopBits: 1 }],
  [0x0907, { dataBits: 7, parity: "odd", stopBits: 1.5 }],
  [0x1208, { dataBits: 8, parity: "even", stopBits: 2 }],
  [0x0308, { dataBits: 8, parity: "mark", stopBits: 1 }],
  [0x0408, { dataBits: 8, parity: "space", stopBits: 1 }],
])("data characteristics %i", async (wValue, expected) => {
  const host = await plug();
  expect(ask(host, 4, wValue)).toBe(STATUS_OK);
  expect(output(host)).toMatchObject(expected);
});

test("what there is not is stalled, and changes nothing", async () => {
  const host = await plug();
  const before = output(host);
  for (const [bRequest, wValue, wIndex] of [
    [0x00, 3, 0],
    [0x02, 0, 0x0300], // two handshakes
    [0x04, 0x0006, 0],
    [0x04, 0x0508, 0],
    [0x04, 0x1808, 0],
    [0x0b, 0x2001, 0], // bits of the CBUS
    [0x91, 0, 0],
    [0x5b, 0, 0],
  ] as const) {
    expect(ask(host, bRequest, wValue, wIndex), `${bRequest}`).toBe(STATUS_STALL);
  }
  expect(host.control({ bmRequestType: 0xc1, bRequest: 5, wLength: 2 }).status).toBe(STATUS_STALL);
  expect(output(host)).toEqual(before);
  expect(ask(host, 0x07, 0x01ff)).toBe(STATUS_OK);
  expect(ask(host, 0x0b, 0x0000)).toBe(STATUS_OK);
});

describe("modem lines", () => {
  test("a loopback plug leads RTS to CTS, and DTR to DSR and DCD", async () => {
    const host = await plug();
    expect(get(host, 5, 2)).toBe("0160");
    ask(host, 1, 0x0202);
    expect(get(host, 5, 2)).toBe("1160");
    ask(host, 1, 0x0101);
    expect(get(host, 5, 2)).toBe("b160");
    ask(host, 1, 0x0202 ^ 0x0002);
    expect(get(host, 5, 2)).toBe("a160");
    ask(host, 1, 0x0003); // enables neither
    expect(get(host, 5, 1)).toBe("a1");
    expect(output(host)).toMatchObject({ dtr: true, rts: false });
  });

  test("of the far end are on until it says something else; ring too", async () => {
    const host = await plug({});
    expect(get(host, 5, 2)).toBe("b160");
    await input(host, { type: "serial-lines", cts: false, ri: true });
    expect(get(host, 5, 2)).toBe("e160");
    await input(host, { type: "serial-lines", ri: false, dsr: false, dcd: false });
    expect(get(host, 5, 2)).toBe("0160");
  });

  test("tell of a change at once", async () => {
    const host = await plug();
    const waiting = host.in(IN, 512);
    expect(waiting.answer).toBeUndefined();
    ask(host, 1, 0x0202);
    expect(hex(now(waiting).bytes)).toBe("1160");
  });
});

describe("packets", () => {
  test("begin with the status, and with nothing to say come after the latency timer", async () => {
    const host = await plug();
    expect(get(host, 0x0a, 1)).toBe("10");
    expect(hex((await later(host, 16, host.in(IN, 512))).bytes)).toBe("0160");
    ask(host, 9, 3);
    expect(get(host, 0x0a, 1)).toBe("03");
    expect(hex((await later(host, 3, host.in(IN, 64))).bytes)).toBe("0160");
    ask(host, 9, 0);
    expect(hex((await later(host, 1, host.in(IN, 2))).bytes)).toBe("0160");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("are full at once when there is enough, and the rest comes after the latency timer", async () => {
    const host = await plug();
    const data = pattern(8 * 62 + 70);
    now(host.out(OUT, data));
    const first = now(host.in(IN, 512));
    expect(first.actual).toBe(512);
    for (let at = 0; at < 512; at += 64) expect(hex(first.bytes.subarray(at, at + 2))).toBe("0160");
    expect(dataOf(first.bytes)).toEqual(data.subarray(0, 496));
    const second = await later(host, 16, host.in(IN, 512));
    expect(second.actual).toBe(64 + 2 + 8);
    expect(dataOf(second.bytes)).toEqual(data.subarray(496));
  });

  test("that just fill a packet are ended by one of the status alone", async () => {
    const host = await plug();
    host.out(OUT, pattern(62));
    expect((await later(host, 16, host.in(IN, 512))).actual).toBe(66);
  });

  test("that the host has no room for are babble", async () => {
    const host = await plug();
    host.out(OUT, pattern(20));
    expect(await later(host, 16, host.in(IN, 10))).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
    expect(await later(host, 16, host.in(IN, 0))).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
  });

  test("come at once with the event character", async () => {
    const host = await plug();
    ask(host, 6, 0x0100 | 0x0a);
    const waiting = host.in(IN, 512);
    host.out(OUT, Buffer.from("no"));
    expect(waiting.answer).toBeUndefined();
    host.out(OUT, Buffer.from("w\n"));
    expect(hex(now(waiting).bytes)).toBe(`0160${hex(Buffer.from("now\n"))}`);
    ask(host, 6, 0x000a);
    const next = host.in(IN, 512);
    host.out(OUT, Buffer.from("\n"));
    await later(host, 16, next);
  });

  test("carry 300 KiB through the loopback, each byte once and in order, however they are cut", async () => {
    const host = await plug();
    ask(host, 1, 0x0303);
    ask(host, 2, 0, 0x0100);
    const sent = pattern(300 << 10);
    const back: Uint8Array[] = [];
    let read = 0;
    let at = 0;
    const waiting: Transfer[] = [];
    while (read < sent.length) {
      while (at < sent.length && waiting.filter(({ answer }) => !answer).length < 4) {
        const size = 1 + ((at * 7919) % 5000);
        waiting.push(host.out(OUT, sent.subarray(at, at + size)));
        at += size;
      }
      const transfer = host.in(IN, 64 * (1 + (read % 40)));
      vi.advanceTimersByTime(16);
      await host.settle(1);
      const data = dataOf(now(transfer).bytes);
      for (const byte of [0, 1].map((each) => now(transfer).bytes[each] ?? 0)) expect(byte & 0x02).toBe(0);
      back.push(data);
      read += data.length;
    }
    expect(Buffer.compare(Buffer.concat(back), sent)).toBe(0);
    expect(waiting.every(({ answer }) => answer?.status === STATUS_OK)).toBe(true);
    expect(host.clean).toBe(true);
  });
});

describe("a host that does not read", () => {
  test("loses what there is no room for, is told so once, and keeps the oldest", async () => {
    const host = await plug();
    const data = pattern(20_000);
    expect(now(host.out(OUT, data)).actual).toBe(20_000);
    const all = (await later(host, 16, host.in(IN, 64 << 10))).bytes;
    expect(dataOf(all)).toEqual(data.subarray(0, 16384));
    expect([all[1], all[65]]).toEqual([0x62, 0x60]);
    host.out(OUT, pattern(9));
    expect(dataOf((await later(host, 16, host.in(IN, 512))).bytes)).toEqual(pattern(9));
  });

  test.each([
    ["RTS and CTS", 0x0100, CTS],
    ["DTR and DSR", 0x0200, DSR_DCD],
  ])("loses nothing with a handshake by %s: what is sent waits", async (_, handshake, line) => {
    const host = await plug();
    ask(host, 1, 0x0303);
    ask(host, 2, 0, handshake);
    const data = pattern(20_000);
    const waiting = host.out(OUT, data);
    expect(waiting.answer).toBeUndefined();
    expect(Number.parseInt(get(host, 5, 2), 16)).toBe((((0x01 | CTS | DSR_DCD) & ~line) << 8) | 0);
    const back: Uint8Array[] = [];
    for (let turn = 0; turn < 8; turn++) {
      const transfer = host.in(IN, 4096);
      vi.advanceTimersByTime(16);
      await host.settle(1);
      back.push(dataOf(now(transfer).bytes));
    }
    expect(now(waiting).status).toBe(STATUS_OK);
    expect(Buffer.compare(Buffer.concat(back), data)).toBe(0);
    expect(get(host, 5, 2)).toBe("b160");
  });

  test("has the far end stop by XOFF, and go on by XON", async () => {
    const host = await plug({});
    ask(host, 2, 0x1311, 0x0400);
    await input(host, { type: "serial", bytes: pattern(13_000).map((byte) => byte | 0x20) });
    expect(hex(output(host).bytes)).toBe("13");
    for (let turn = 0; turn < 24; turn++) now(host.in(IN, 512));
    expect(hex(output(host).bytes)).toBe("11");
  });
});

describe("the far end", () => {
  test("gets what is sent, and sends", async () => {
    const host = await plug({});
    expect(output(host)).toEqual({
      type: "serial",
      bytes: new Uint8Array(0),
      lost: 0,
      ...{ baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 },
      ...{ handshake: "none", dtr: false, rts: false, break: false },
      changes: [],
    });
    host.out(OUT, bytes("112233"));
    host.out(OUT, bytes("4455"));
    expect(hex(output(host).bytes)).toBe("1122334455");
    await input(host, { type: "serial", bytes: bytes("66778899") });
    expect(hex((await later(host, 16, host.in(IN, 512))).bytes)).toBe("b16066778899");
  });

  test("that does not ask loses the newest, or holds the host back by CTS", async () => {
    const host = await plug({});
    for (let turn = 0; turn < 10; turn++) now(host.out(OUT, pattern(8000)));
    expect(output(host)).toMatchObject({ lost: 80_000 - 65_536 });
    ask(host, 2, 0, 0x0100);
    const waiting = Array.from({ length: 10 }, () => host.out(OUT, pattern(8000)));
    expect(waiting.at(-1)?.answer).toBeUndefined();
    let got = 0;
    for (let turn = 0; turn < 4; turn++) got += output(host).bytes.length;
    await host.settle(2);
    expect(waiting.at(-1)?.answer?.status).toBe(STATUS_OK);
    expect([got, output(host).lost]).toEqual([80_000, 0]);
  });

  test("stops the adapter by XOFF and starts it by XON, which are no data", async () => {
    const host = await plug({});
    ask(host, 2, 0x1311, 0x0400);
    await input(host, { type: "serial", bytes: bytes("4113") });
    const waiting = host.out(OUT, bytes("55"));
    expect(waiting.answer).toBeUndefined();
    expect(get(host, 5, 2)).toBe("b100");
    await input(host, { type: "serial", bytes: bytes("4211") });
    expect(now(waiting).status).toBe(STATUS_OK);
    expect(hex((await later(host, 16, host.in(IN, 512))).bytes)).toBe("b1604142");
  });

  test("that sends rubbish harms nothing", async () => {
    const host = await plug({});
    for (const message of [
      undefined,
      null,
      7,
      "serial",
      {},
      { type: "serial" },
      { type: "serial", bytes: [1, 2] },
      { type: "serial-lines" },
      { type: "serial", bytes: new Uint8Array(1 << 20) },
    ]) {
      host.device.input?.(message as DeviceInput);
    }
    expect(dataOf((await later(host, 16, host.in(IN, 64 << 10))).bytes)).toEqual(new Uint8Array(16384));
  });
});

describe("a break", () => {
  test("is a packet of its own with BI, in its place, and holds back what is sent during it", async () => {
    const host = await plug();
    host.out(OUT, bytes("1122"));
    ask(host, 4, 0x4008);
    const waiting = host.out(OUT, bytes("3344"));
    expect(output(host).break).toBe(true);
    expect(hex(now(host.in(IN, 512)).bytes)).toBe("01001122");
    expect(hex(now(host.in(IN, 512)).bytes)).toBe("011000");
    expect(waiting.answer).toBeUndefined();
    ask(host, 4, 0x0008);
    expect(now(waiting).status).toBe(STATUS_OK);
    expect(hex((await later(host, 16, host.in(IN, 512))).bytes)).toBe("01603344");
  });

  test("of the far end is told at once", async () => {
    const host = await plug({});
    const waiting = host.in(IN, 512);
    await input(host, { type: "serial-lines", break: true });
    expect(hex(now(waiting).bytes)).toBe("b17000");
    for (let turn = 0; turn < 100; turn++) await input(host, { type: "serial-lines", break: true });
    let told = 0;
    for (; told < 100; told++) if (!host.in(IN, 64).answer) break;
    expect(told).toBe(16);
  });
});

test("a reset of the chip purges and lets go of lines and handshake; each direction can be purged alone", async () => {
  const host = await plug();
  ask(host, 1, 0x0303);
  now(host.in(IN, 64)); // the lines have changed
  ask(host, 3, 0x001a);
  host.out(OUT, pattern(9));
  expect(ask(host, 0, 1)).toBe(STATUS_OK);
  expect((await later(host, 16, host.in(IN, 512))).actual).toBe(11);
  host.out(OUT, pattern(9));
  expect(ask(host, 0, 2)).toBe(STATUS_OK);
  expect((await later(host, 16, host.in(IN, 512))).actual).toBe(2);
  ask(host, 2, 0, 0x0100);
  host.out(OUT, pattern(9));
  expect(ask(host, 0, 0)).toBe(STATUS_OK);
  expect(now(host.in(IN, 512)).bytes).toEqual(bytes("0160")); // and again
  expect(output(host)).toMatchObject({ dtr: false, rts: false, handshake: "none", baudRate: 115385 });
});

test("a reset of the port ends what waits, stops the clock, and nothing is left of what was set", async () => {
  const host = await plug();
  ask(host, 1, 0x0303);
  ask(host, 3, 0x001a);
  ask(host, 4, 0x4008);
  const waiting = [host.in(IN, 512), host.in(IN, 512), host.out(OUT, pattern(9))];
  now(waiting[0] as Transfer);
  await host.reset(...waiting.slice(1));
  expect(waiting.slice(1).map((each) => now(each).status)).toEqual([STATUS_CANCELLED, STATUS_CANCELLED]);
  expect(vi.getTimerCount()).toBe(0);
  expect(output(host)).toMatchObject({ dtr: false, rts: false, break: false, baudRate: 9600 });
  expect(host.clean).toBe(true);
});

test("a host that gives up all reads is not waited for, and what it gave up to send is not sent on", async () => {
  const host = await plug();
  const reads = [host.in(IN, 512), host.in(IN, 512)];
  for (const each of reads) host.cancel(each);
  expect(vi.getTimerCount()).toBe(0);
  ask(host, 2, 0, 0x0100); // RTS is off, and so is CTS
  const first = host.out(OUT, bytes("1111"));
  const second = host.out(OUT, bytes("2222"));
  host.cancel(first);
  ask(host, 1, 0x0202);
  expect(now(second).status).toBe(STATUS_OK);
  expect(hex(now(host.in(IN, 512)).bytes)).toBe("11602222");
});

test("goes on from a saved state with its bytes, breaks, lines and settings, in the middle of a transfer", async () => {
  const host = await plug(SOURCE);
  ask(host, 1, 0x0303);
  ask(host, 2, 0, 0x0100);
  ask(host, 3, 0x001a);
  ask(host, 9, 5);
  const data = pattern(20_000);
  const waiting = host.out(OUT, data);
  expect(waiting.answer).toBeUndefined();
  const other = await again(host, SOURCE);
  expect(output(other)).toEqual({ ...output(host), changes: [] });
  expect(get(other, 0x0a, 1)).toBe("05");
  const resent = other.out(OUT, data);
  const back: Uint8Array[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const transfer = other.in(IN, 4096);
    vi.advanceTimersByTime(16);
    await other.settle(1);
    back.push(dataOf(now(transfer).bytes));
  }
  expect(now(resent).status).toBe(STATUS_OK);
  expect(Buffer.compare(Buffer.concat(back), data)).toBe(0);
});
