/** A CDC-ACM adapter as a host sees it: CDC 1.2, PSTN 1.2. */
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STATUS_BABBLE, STATUS_CANCELLED, STATUS_OK, STATUS_STALL, TYPE_INTERRUPT } from "../../../asm/layout.ts";
import { createSerial } from "../../../worker/device/serial/serial.ts";
import type { DeviceInput, SerialOutput, SerialSource } from "../../../worker/protocol.ts";
import { bytes, Host, hex, now, pattern, type Transfer } from "./harness.ts";
import { again } from "./saved.ts";

const NOTIFICATION = 0x81;
const IN = 0x82;
const OUT = 0x02;
const SOURCE = { kind: "serial", chip: "cdc-acm", loopback: true, serial: "A1B2C3D4" } as const satisfies SerialSource;

/** SERIAL_STATE of interface 0, with these bits. */
const state = (bits: string) => hex(bytes(`a1 20 0000 0000 0200 ${bits} 00`));
const READY = state("03"); // DCD and DSR

let told = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  told = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

async function plug(options: Partial<SerialSource> = { loopback: true }): Promise<Host> {
  const quiet = { gone: () => undefined, wake: () => undefined, hasOutput: () => told++ };
  const host = await Host.plug(createSerial({ chip: "cdc-acm", serial: "A1B2C3D4", ...options }, quiet));
  host.configure();
  return host;
}

const descriptor = (host: Host, wValue: number) =>
  hex(host.control({ bmRequestType: 0x80, bRequest: 6, wValue, wLength: 255 }).bytes);
const ask = (host: Host, bRequest: number, wValue = 0, data: Uint8Array = new Uint8Array(0), wIndex = 0) =>
  host.control({ bmRequestType: 0x21, bRequest, wValue, wIndex }, data).status;
const code = (host: Host, coding: string) => ask(host, 0x20, 0, bytes(coding));
const coding = (host: Host) => hex(host.control({ bmRequestType: 0xa1, bRequest: 0x21, wLength: 7 }).bytes);
const lines = (host: Host, wValue: number) => ask(host, 0x22, wValue);
const listen = (host: Host) => host.in(NOTIFICATION, 16, TYPE_INTERRUPT);
const notified = (transfer: Transfer) => hex(now(transfer).bytes);
const output = (host: Host) => host.device.output?.() as SerialOutput;
/** Puts a message in, and lets what it answered come back. */
async function input(host: Host, message: DeviceInput): Promise<void> {
  host.device.input?.(message);
  await host.settle(1);
}

test("descriptors: a Communications interface with its notifications, a Data interface, at both speeds", async () => {
  const host = await plug();
  expect(descriptor(host, 0x0100)).toBe(hex(bytes("12 01 0002 02 00 00 40 0912 0d00 0001 01 02 03 01")));
  const configuration = (type: string, interval: string, bulk: string) =>
    hex(
      bytes(`09 ${type} 4300 02 01 00 80 32
        09 04 00 00 01 02 02 00 00
          05 24 00 2001  05 24 01 00 01  04 24 02 06  05 24 06 00 01
          07 05 81 03 1000 ${interval}
        09 04 01 00 02 0a 00 00 00
          07 05 82 02 ${bulk} 00  07 05 02 02 ${bulk} 00`),
    );
  expect(descriptor(host, 0x0200)).toBe(configuration("02", "08", "0002"));
  expect(descriptor(host, 0x0700)).toBe(configuration("07", "10", "4000"));
  expect(descriptor(host, 0x0303)).toBe(hex(bytes("12 03 4100 3100 4200 3200 4300 3300 4400 3400")));
});

test.each([
  ["00c20100 00 00 08", { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 }],
  ["2c010000 01 01 07", { baudRate: 300, dataBits: 7, parity: "odd", stopBits: 1.5 }],
  ["ffffffff 02 04 08", { baudRate: 4_294_967_295, dataBits: 8, parity: "space", stopBits: 2 }],
])("line coding %s is set and read back", async (given, expected) => {
  const host = await plug();
  expect(coding(host)).toBe(hex(bytes("80250000 00 00 08"))); // 9600 8N1
  expect(code(host, given)).toBe(STATUS_OK);
  expect(coding(host)).toBe(hex(bytes(given)));
  expect(output(host)).toMatchObject(expected);
});

test("what there is not is stalled, and changes nothing", async () => {
  const host = await plug();
  const before = output(host);
  for (const wrong of ["00000000 00 00 08", "00c20100 03 00 08", "00c20100 00 05 08", "00c20100 00 00 05"]) {
    expect(code(host, wrong), wrong).toBe(STATUS_STALL);
  }
  expect(code(host, "00c20100 00 00")).toBe(STATUS_STALL);
  expect(ask(host, 0x20, 0, bytes("00c20100 00 00 08"), 1)).toBe(STATUS_STALL); // the Data interface
  expect(ask(host, 0x00, 0, bytes("41540d"))).toBe(STATUS_STALL); // no AT commands
  expect(ask(host, 0x22, 3, bytes("00"))).toBe(STATUS_STALL);
  expect(ask(host, 0x23, 0xffff, bytes("00"))).toBe(STATUS_STALL);
  host.configure(0);
  expect(lines(host, 3)).toBe(STATUS_STALL);
  expect(output(host)).toEqual(before);
});

describe("SERIAL_STATE", () => {
  test("tells of a loopback plug's DTR, once a change, and of the last when nobody listened", async () => {
    const host = await plug();
    const waiting = listen(host);
    lines(host, 2); // RTS, which is CTS: the class has no word for that
    expect(waiting.answer).toBeUndefined();
    lines(host, 3);
    expect(notified(waiting)).toBe(READY);
    lines(host, 0);
    lines(host, 3);
    const next = listen(host);
    expect(next.answer).toBeUndefined();
    lines(host, 0);
    expect(notified(next)).toBe(state("00"));
  });

  test("tells of the far end's lines, ring and break", async () => {
    const host = await plug({});
    expect(notified(listen(host))).toBe(READY);
    const ring = listen(host);
    await input(host, { type: "serial-lines", ri: true, cts: false });
    expect(notified(ring)).toBe(state("0b"));
    const carrier = listen(host);
    await input(host, { type: "serial-lines", ri: false, dcd: false });
    expect(notified(carrier)).toBe(state("02"));
    const broken = listen(host);
    await input(host, { type: "serial-lines", break: true });
    expect(notified(broken)).toBe(state("06"));
    expect(host.in(IN, 512).answer).toBeUndefined(); // a break is no byte
  });

  test("of lines that were set before the configuration is of the lines", async () => {
    const host = await plug({});
    host.configure(0);
    await input(host, { type: "serial-lines", dcd: false });
    host.configure();
    expect(notified(listen(host))).toBe(state("02"));
  });

  test("is babble where there is no room for it", async () => {
    const host = await plug({});
    expect(now(host.in(NOTIFICATION, 8, TYPE_INTERRUPT))).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
    expect(notified(listen(host))).toBe(READY);
  });
});

describe("bytes", () => {
  test("come as soon as there are some, as many as fit", async () => {
    const host = await plug();
    const waiting = host.in(IN, 512);
    expect(waiting.answer).toBeUndefined();
    host.out(OUT, bytes("1122"));
    expect(hex(now(waiting).bytes)).toBe("1122");
    host.out(OUT, bytes("3344"));
    host.out(OUT, bytes("55"));
    expect(hex(now(host.in(IN, 2)).bytes)).toBe("3344");
    expect(now(host.in(IN, 0)).actual).toBe(0);
    expect(hex(now(host.in(IN, 512)).bytes)).toBe("55");
    expect(now(host.out(OUT, new Uint8Array(0))).status).toBe(STATUS_OK);
  });

  test("go 256 KiB through a loopback plug, each once and in order, whether RTS is on or not", async () => {
    const host = await plug();
    const sent = pattern(256 << 10);
    const back: Uint8Array[] = [];
    const waiting: Transfer[] = [];
    let at = 0;
    for (let read = 0; read < sent.length; read += back.at(-1)?.length ?? 0) {
      while (at < sent.length && waiting.filter(({ answer }) => !answer).length < 4) {
        const size = 1 + ((at * 7919) % 50_000);
        waiting.push(host.out(OUT, sent.subarray(at, at + size)));
        at += size;
      }
      back.push(now(host.in(IN, 1 + ((read * 31) % 3000))).bytes);
    }
    expect(Buffer.compare(Buffer.concat(back), sent)).toBe(0);
    expect(waiting.every(({ answer }) => answer?.status === STATUS_OK)).toBe(true);
    expect(listen(host).answer).toBeUndefined(); // no overrun
  });

  test("to a far end that has asked once wait for it, and are not lost; to one that never did, they are", async () => {
    const host = await plug({});
    for (let turn = 0; turn < 10; turn++) now(host.out(OUT, pattern(8000)));
    expect(output(host)).toMatchObject({ lost: 80_000 - 65_536 });
    const sent = pattern(100_000);
    const waiting = host.out(OUT, sent);
    expect(waiting.answer).toBeUndefined();
    const first = output(host);
    await host.settle(1);
    expect(now(waiting)).toMatchObject({ status: STATUS_OK, actual: 100_000 });
    const second = output(host);
    expect([first.lost, second.lost]).toEqual([0, 0]);
    expect(Buffer.compare(Buffer.concat([first.bytes, second.bytes]), sent)).toBe(0);
  });

  test("of the far end are taken when there is room, and before that its input is not over", async () => {
    const host = await plug({});
    host.configure(0);
    const sent = pattern(40_000);
    let over = false;
    const taken = host.device.input?.({ type: "serial", bytes: sent })?.then(() => {
      over = true;
    });
    expect(output(host).bytes.length).toBe(0);
    host.configure();
    const back = [now(host.in(IN, 10_000)).bytes, now(host.in(IN, 10_000)).bytes];
    await host.settle(1);
    expect(over).toBe(false);
    back.push(now(host.in(IN, 10_000)).bytes);
    await taken;
    back.push(now(host.in(IN, 16_384)).bytes);
    expect(Buffer.compare(Buffer.concat(back), sent)).toBe(0);
    const last = host.device.input?.({ type: "serial", bytes: sent });
    await host.device.close();
    await last;
  });
});

describe("what the far end sees", () => {
  test("is told in order with the bytes, each change where it was", async () => {
    const host = await plug({});
    output(host);
    told = 0;
    lines(host, 3);
    host.out(OUT, bytes("1122"));
    code(host, "00c20100 00 00 08");
    lines(host, 2);
    lines(host, 3);
    host.out(OUT, bytes("33"));
    ask(host, 0x23, 0xffff);
    ask(host, 0x23, 0);
    expect(told).toBeGreaterThan(0);
    const seen = output(host);
    expect(hex(seen.bytes)).toBe("112233");
    expect(seen.changes.map(({ at, baudRate, dtr, rts, break: held }) => [at, baudRate, dtr, rts, held])).toEqual([
      [0, 9600, true, true, false],
      [2, 115_200, true, true, false],
      [2, 115_200, false, true, false],
      [2, 115_200, true, true, false],
      [3, 115_200, true, true, true],
      [3, 115_200, true, true, false],
    ]);
    expect(seen).toMatchObject({ baudRate: 115_200, dtr: true, rts: true, break: false });
    lines(host, 3);
    expect(output(host).changes).toEqual([]);
  });

  test("is kept within bounds: of very many changes the last", async () => {
    const host = await plug({});
    for (let turn = 0; turn < 1001; turn++) lines(host, turn & 1);
    lines(host, 3);
    const { changes, dtr, rts } = output(host);
    expect([changes.length, dtr, rts]).toEqual([64, true, true]);
    expect(changes.at(-1)).toMatchObject({ dtr: true, rts: true });
  });
});

describe("a break", () => {
  test("lasts until it is ended, and holds back what is sent during it", async () => {
    const host = await plug({});
    ask(host, 0x23, 0xffff);
    const waiting = host.out(OUT, bytes("11"));
    expect([waiting.answer, output(host).break]).toEqual([undefined, true]);
    ask(host, 0x23, 0);
    expect([now(waiting).status, output(host).break]).toEqual([STATUS_OK, false]);
  });

  test("lasts the time it was given, in ms; a reset ends it", async () => {
    const host = await plug({});
    ask(host, 0x23, 250);
    vi.advanceTimersByTime(249);
    expect(output(host).break).toBe(true);
    vi.advanceTimersByTime(1);
    expect(output(host).break).toBe(false);
    ask(host, 0x23, 250);
    await host.reset();
    expect([vi.getTimerCount(), output(host).break]).toEqual([0, false]);
  });

  test("through a loopback plug is a notification", async () => {
    const host = await plug();
    const waiting = listen(host);
    ask(host, 0x23, 0xffff);
    expect(notified(waiting)).toBe(state("04"));
  });
});

test("a reset of the port ends what waits, and nothing is left of what was set", async () => {
  const host = await plug();
  lines(host, 3);
  code(host, "00c20100 00 00 08");
  host.out(OUT, pattern(9));
  now(host.in(IN, 512));
  now(listen(host));
  const waiting = [host.in(IN, 512), listen(host)];
  await host.reset(...waiting);
  expect(waiting.map((each) => now(each).status)).toEqual([STATUS_CANCELLED, STATUS_CANCELLED]);
  expect(output(host)).toMatchObject({ dtr: false, rts: false, baudRate: 9600 });
  host.configure();
  expect(listen(host).answer).toBeUndefined();
});

test("goes on from a saved state in the middle of a transfer; a break of so many ms is over", async () => {
  const host = await plug(SOURCE);
  lines(host, 3);
  now(listen(host));
  code(host, "00c20100 00 00 08");
  const data = pattern(40_000);
  expect(host.out(OUT, data).answer).toBeUndefined();
  ask(host, 0x23, 1000);
  const other = await again(host, SOURCE);
  expect(coding(other)).toBe(hex(bytes("00c20100 00 00 08")));
  expect(output(other).break).toBe(false);
  const resent = other.out(OUT, data);
  const back: Uint8Array[] = [];
  for (let read = 0; read < data.length; read += back.at(-1)?.length ?? 0) back.push(now(other.in(IN, 4096)).bytes);
  expect(now(resent).status).toBe(STATUS_OK);
  expect(Buffer.compare(Buffer.concat(back), data)).toBe(0);
});

test("stands any request, any transfer and any message of the far end", () => {
  const byte = fc.nat(255);
  const setup = fc.tuple(
    fc.oneof(fc.constantFrom(0x21, 0xa1, 0x02), byte),
    fc.oneof(fc.constantFrom(0x20, 0x21, 0x22, 0x23, 1, 3), byte),
    fc.oneof(fc.constantFrom(0, 1, 2, 3, 0xffff), fc.nat(0xffff)),
    fc.oneof(fc.constantFrom(0, 0, 1, IN, OUT), fc.nat(0xffff)),
  );
  const message = fc.oneof(
    fc.record({ type: fc.constant("serial"), bytes: fc.oneof(fc.uint8Array({ maxLength: 20_000 }), fc.anything()) }),
    fc.record({ type: fc.constant("serial-lines"), break: fc.anything(), dcd: fc.anything(), cts: fc.boolean() }),
    fc.anything(),
  );
  return fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.tuple(setup, fc.oneof(fc.nat(9), fc.nat(70_000)), message, fc.nat(5)), { maxLength: 40 }),
      async (loopback, steps) => {
        const host = await plug({ loopback });
        const sent: Transfer[] = [];
        for (const [[bmRequestType, bRequest, wValue, wIndex], length, each, what] of steps) {
          if (host.owned > 100) break;
          sent.push(host.submit(0, 0, length & 0xffff, { bmRequestType, bRequest, wValue, wIndex }));
          if (what === 0) sent.push(host.in(IN, length));
          else if (what === 1) sent.push(host.out(OUT, pattern(length)));
          else if (what === 2) sent.push(host.in(NOTIFICATION, length, TYPE_INTERRUPT));
          else if (what === 3) host.device.input?.(each);
          else if (what === 4) host.device.output?.();
          else {
            const given = sent[length % sent.length];
            if (given && !given.answer) host.cancel(given);
          }
        }
        await host.device.close();
        await host.settle(2);
        for (const each of sent) expect(now(each).actual).toBeLessThanOrEqual(each.length);
        expect([host.clean, vi.getTimerCount()]).toEqual([true, 0]);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
