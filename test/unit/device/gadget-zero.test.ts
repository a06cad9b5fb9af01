import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_OK,
  STATUS_STALL,
  TYPE_CONTROL,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import { createGadgetZero, type GadgetZeroOptions } from "../../../worker/device/gadget-zero/gadget-zero.ts";
import { type Answer, bytes, Host, hex, now, pattern, type Transfer } from "./harness.ts";

const BULK_IN = 0x81;
const BULK_OUT = 0x01;
const ISOCHRONOUS_IN = 0x82;
const ISOCHRONOUS_OUT = 0x02;
const INTERRUPT_IN = 0x83;
const INTERRUPT_OUT = 0x03;
const SOURCE_SINK = 3;
const LOOPBACK = 2;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function plug(options: GadgetZeroOptions = {}, configuration = SOURCE_SINK, alternate = 0): Promise<Host> {
  const host = await Host.plug(createGadgetZero(options));
  host.configure(configuration);
  const set = host.control({ bmRequestType: 0x01, bRequest: 0x0b, wValue: alternate });
  expect(set.status).toBe(STATUS_OK);
  return host;
}

/** What comes a millisecond later. */
async function later(host: Host, transfer: Transfer): Promise<Answer> {
  expect(transfer.answer).toBeUndefined();
  vi.advanceTimersByTime(1);
  await host.settle(2);
  return now(transfer);
}

function descriptor(host: Host, value: number): string {
  return hex(host.control({ bmRequestType: 0x80, bRequest: 6, wValue: value, wLength: 255 }).bytes);
}

function golden(text: string): string {
  return hex(bytes(text));
}

/** A packet of pattern "mod63". */
function mod63(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at % 63);
}

test("for a benchmark it answers at once", async () => {
  const host = await plug({ atOnce: true, pattern: "mod63" });
  const transfer = host.in(0x81, 128);
  expect(now(transfer)).toEqual({ status: STATUS_OK, actual: 128, bytes: mod63(128) });
});

describe("descriptors", () => {
  test("at high speed: the source and sink first, three alternates of it, then the loopback", async () => {
    const host = await Host.plug(createGadgetZero({ speed: "high" }));
    expect(descriptor(host, 0x0100)).toBe(golden("12 01 0002 ff 00 00 40 2505 a0a4 0001 01 02 03 02"));
    expect(descriptor(host, 0x0200)).toBe(
      golden(`09 02 5c00 01 03 04 c0 01
        09 04 00 00 02 ff 00 00 04  07 05 81 02 0002 00  07 05 01 02 0002 00
        09 04 00 01 04 ff 00 00 04  07 05 81 02 0002 00  07 05 01 02 0002 00
                                    07 05 82 01 0004 04  07 05 02 01 0004 04
        09 04 00 02 02 ff 00 00 04  07 05 83 03 0004 04  07 05 03 03 0004 04`),
    );
    expect(descriptor(host, 0x0201)).toBe(
      golden(`09 02 2000 01 02 05 c0 01
        09 04 00 00 02 ff 00 00 05  07 05 81 02 0002 00  07 05 01 02 0002 00`),
    );
    expect(descriptor(host, 0x0600)).toBe(golden("0a 06 0002 ff 00 00 40 02 00"));
    expect(descriptor(host, 0x0303)).toBe(`4203${hex(Buffer.from("0123456789.0123456789.0123456789", "utf16le"))}`);
  });

  test("at full speed, with an interval: what a high-speed one says of its other speed", async () => {
    const host = await Host.plug(createGadgetZero({ speed: "full", interval: 1 }));
    const rest = `5c00 01 03 04 c0 01
      09 04 00 00 02 ff 00 00 04  07 05 81 02 4000 00  07 05 01 02 4000 00
      09 04 00 01 04 ff 00 00 04  07 05 81 02 4000 00  07 05 01 02 4000 00
                                  07 05 82 01 ff03 01  07 05 02 01 ff03 01
      09 04 00 02 02 ff 00 00 04  07 05 83 03 4000 04  07 05 03 03 4000 04`;
    expect(descriptor(host, 0x0200)).toBe(golden(`09 02 ${rest}`));
    expect(host.control({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0600, wLength: 10 }).status).toBe(STATUS_STALL);
    const high = await Host.plug(createGadgetZero({ speed: "high", interval: 1 }));
    expect(descriptor(high, 0x0700)).toBe(golden(`09 07 ${rest}`));
  });

  test("at SuperSpeed: companions and a BOS", async () => {
    const host = await Host.plug(createGadgetZero());
    expect(descriptor(host, 0x0100)).toBe(golden("12 01 0003 ff 00 00 09 2505 a0a4 0001 01 02 03 02"));
    const bulk = "07 05 81 02 0004 00 06 30 0f 00 0000  07 05 01 02 0004 00 06 30 0f 00 0000";
    expect(descriptor(host, 0x0200)).toBe(
      golden(`09 02 8c00 01 03 04 c0 01
        09 04 00 00 02 ff 00 00 04  ${bulk}
        09 04 00 01 04 ff 00 00 04  ${bulk}
          07 05 82 01 0004 04 06 30 00 00 0004  07 05 02 01 0004 04 06 30 00 00 0004
        09 04 00 02 02 ff 00 00 04
          07 05 83 03 0004 04 06 30 00 00 0004  07 05 03 03 0004 04 06 30 00 00 0004`),
    );
    expect(descriptor(host, 0x0f00)).toBe(golden("05 0f 1600 02  07 10 02 02000000  0a 10 03 00 0e00 01 00 0000"));
  });
});

describe("source and sink", () => {
  test.each([
    ["full", 64],
    ["high", 512],
    ["super", 1024],
  ] as const)(
    "at %s speed a source fills whatever it is asked for with packets of the pattern",
    async (speed, size) => {
      const host = await plug({ speed, pattern: "mod63" });
      const packets = (length: number) => Buffer.concat(Array(Math.ceil(length / size)).fill(mod63(size)), length);
      for (const length of [0, 1, size, 3 * size + 7, 100_000]) {
        const { status, bytes } = await later(host, host.in(BULK_IN, length));
        expect(status).toBe(STATUS_OK);
        expect(Buffer.compare(bytes, packets(length))).toBe(0);
        expect(await later(host, host.out(BULK_OUT, packets(length)))).toMatchObject({
          status: STATUS_OK,
          actual: length,
        });
      }
      expect(host.clean).toBe(true);
    },
  );

  test("zeros are the pattern that is not asked for, over whatever lay in the payload", async () => {
    const host = await plug();
    expect((await later(host, host.in(BULK_IN, 70_000))).bytes).toEqual(new Uint8Array(70_000));
    expect((await later(host, host.out(BULK_OUT, new Uint8Array(70_000)))).status).toBe(STATUS_OK);
  });

  test("a sink that is sent something else halts before that packet, and is cleared by the host", async () => {
    const host = await plug({ speed: "high" });
    const wrong = new Uint8Array(40_000);
    wrong[39_000] = 1;
    const first = host.out(BULK_OUT, wrong);
    const second = host.out(BULK_OUT, new Uint8Array(512));
    expect(await later(host, first)).toMatchObject({ status: STATUS_STALL, actual: 76 * 512 });
    expect(now(second)).toMatchObject({ status: STATUS_CANCELLED, actual: 0 });
    expect(host.isHalted(BULK_OUT)).toBe(true);
    expect(now(host.out(BULK_OUT, new Uint8Array(512))).status).toBe(STATUS_STALL);
    host.clearHalt(BULK_OUT);
    expect((await later(host, host.out(BULK_OUT, new Uint8Array(512)))).status).toBe(STATUS_OK);
    expect(host.isHalted(BULK_IN)).toBe(false);
  });

  test("the host can take a transfer back, and the ones around it go on", async () => {
    const host = await plug();
    const [first, second, third] = [host.in(BULK_IN, 512), host.in(BULK_IN, 512), host.in(BULK_IN, 512)];
    host.cancel(second);
    expect(now(second)).toMatchObject({ status: STATUS_CANCELLED, actual: 0 });
    expect((await later(host, first)).actual).toBe(512);
    expect(now(third).actual).toBe(512);
    expect(host.clean).toBe(true);
  });

  test("a reset in between leaves nothing to answer", async () => {
    const host = await plug();
    const waiting = host.in(BULK_IN, 512);
    expect(vi.getTimerCount()).toBe(1);
    await host.device.reset();
    await host.settle(2);
    expect(now(waiting).status).toBe(STATUS_CANCELLED);
    expect(vi.getTimerCount()).toBe(0);
    expect(host.clean).toBe(true);
  });

  test("isochronous endpoints answer at once, a packet an interval, and never halt", async () => {
    const host = await plug({ speed: "full", pattern: "mod63" }, SOURCE_SINK, 1);
    const read = now(host.in(ISOCHRONOUS_IN, 3000, TYPE_ISOCHRONOUS));
    expect(read).toMatchObject({ status: STATUS_OK, actual: 1023 });
    expect(Buffer.compare(read.bytes, mod63(1023))).toBe(0);
    const wrong = now(host.out(ISOCHRONOUS_OUT, Uint8Array.of(9), TYPE_ISOCHRONOUS));
    expect(wrong).toMatchObject({ status: STATUS_OK, actual: 1 });
  });

  test("interrupt endpoints are sources and sinks too", async () => {
    const host = await plug({ speed: "full", pattern: "mod63" }, SOURCE_SINK, 2);
    const { bytes } = await later(host, host.in(INTERRUPT_IN, 64, TYPE_INTERRUPT));
    expect(Buffer.compare(bytes, mod63(64))).toBe(0);
    expect((await later(host, host.out(INTERRUPT_OUT, bytes, TYPE_INTERRUPT))).status).toBe(STATUS_OK);
    expect((await later(host, host.out(INTERRUPT_OUT, Uint8Array.of(9), TYPE_INTERRUPT))).status).toBe(STATUS_STALL);
  });
});

describe("loopback", () => {
  test("what was written is read, transfer by transfer, in either order", async () => {
    const host = await plug({}, LOOPBACK);
    const data = pattern(5000);
    const early = host.in(BULK_IN, 8192);
    for (const each of [data, data.subarray(0, 1024), new Uint8Array(0), data.subarray(7)]) {
      expect(now(host.out(BULK_OUT, each))).toMatchObject({ status: STATUS_OK, actual: each.length });
    }
    expect(Buffer.compare(now(early).bytes, data)).toBe(0);
    expect(Buffer.compare(now(host.in(BULK_IN, 1024)).bytes, data.subarray(0, 1024))).toBe(0);
    expect(now(host.in(BULK_IN, 1024))).toMatchObject({ status: STATUS_OK, actual: 0 });
    const parts = [now(host.in(BULK_IN, 2048)), now(host.in(BULK_IN, 8192))];
    expect(parts.map(({ actual }) => actual)).toEqual([2048, 2945]);
    expect(Buffer.compare(Buffer.concat(parts.map((each) => each.bytes)), data.subarray(7))).toBe(0);
    expect(host.in(BULK_IN, 1).answer).toBeUndefined();
  });

  test("a writer waits when nobody reads, and goes on with the bytes in order", async () => {
    const host = await plug({}, LOOPBACK);
    const data = pattern(1 << 20);
    const writing = host.out(BULK_OUT, data);
    expect(writing.answer).toBeUndefined();
    const read: Uint8Array[] = [];
    for (let at = 0; at < data.length; ) {
      const { bytes } = now(host.in(BULK_IN, 100_000));
      read.push(bytes);
      at += bytes.length;
    }
    expect(now(writing)).toMatchObject({ status: STATUS_OK, actual: data.length });
    expect(Buffer.compare(Buffer.concat(read), data)).toBe(0);
    const large = host.in(BULK_IN, 1 << 20);
    host.out(BULK_OUT, data);
    expect(now(large)).toMatchObject({ status: STATUS_OK, actual: 128 << 10 });
  });

  test("a transfer that is taken back is forgotten, or ends where it was", async () => {
    const host = await plug({}, LOOPBACK);
    const unread = host.in(BULK_IN, 512);
    host.cancel(unread);
    expect(now(unread).status).toBe(STATUS_CANCELLED);
    const data = pattern(200_000);
    const writing = host.out(BULK_OUT, data);
    host.cancel(writing);
    host.out(BULK_OUT, Uint8Array.of(7));
    expect(Buffer.compare(now(host.in(BULK_IN, 200_000)).bytes, data.subarray(0, 128 << 10))).toBe(0);
    expect(now(host.in(BULK_IN, 512)).bytes).toEqual(Uint8Array.of(7));
    expect(host.clean).toBe(true);
  });

  test("a thousand transfers without data are bounded", async () => {
    const host = await plug({}, LOOPBACK);
    let answered = 0;
    for (let count = 0; count < 1000; count++) {
      const sent = host.out(BULK_OUT, new Uint8Array(0));
      if (!sent.answer) host.cancel(sent);
      else answered++;
    }
    expect(answered).toBe(256);
  });
});

describe("vendor requests", () => {
  test.each([1, 512, 65535])("%i bytes written by 5b are read by 5c", async (length) => {
    const host = await plug();
    const data = pattern(length);
    expect(host.control({ bmRequestType: 0x40, bRequest: 0x5b }, data)).toMatchObject({
      status: STATUS_OK,
      actual: length,
    });
    const read = host.control({ bmRequestType: 0xc0, bRequest: 0x5c, wLength: length });
    expect(Buffer.compare(read.bytes, data)).toBe(0);
  });

  test("others are stalled, and so are these before a configuration", async () => {
    const host = await Host.plug(createGadgetZero());
    expect(host.control({ bmRequestType: 0xc0, bRequest: 0x5c, wLength: 1 }).status).toBe(STATUS_STALL);
    host.configure(SOURCE_SINK);
    expect(host.control({ bmRequestType: 0xc0, bRequest: 0x5c, wLength: 1 }).status).toBe(STATUS_OK);
    for (const setup of [
      { bmRequestType: 0xc0, bRequest: 0x5c, wValue: 1, wLength: 1 },
      { bmRequestType: 0xc0, bRequest: 0x5c, wIndex: 1, wLength: 1 },
      { bmRequestType: 0xc0, bRequest: 0x5b, wLength: 1 },
      { bmRequestType: 0x41, bRequest: 0x5b },
      { bmRequestType: 0xa0, bRequest: 0x5c, wLength: 1 },
    ]) {
      expect(now(host.submit(0, TYPE_CONTROL, setup.wLength ?? 0, setup)).status, JSON.stringify(setup)).toBe(
        STATUS_STALL,
      );
    }
  });
});

test("an endpoint of another alternate is not there", async () => {
  const host = await plug();
  expect(now(host.in(INTERRUPT_IN, 64, TYPE_INTERRUPT)).status).toBe(STATUS_INVALID);
  expect((await later(host, host.in(BULK_IN, 64))).status).toBe(STATUS_OK);
});
