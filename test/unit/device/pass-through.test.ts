/** A HID device of the page: reports both ways, and control transfers that wait for it. */
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STATUS_CANCELLED, STATUS_OK, STATUS_STALL, TYPE_CONTROL, TYPE_INTERRUPT } from "../../../asm/layout.ts";
import { createPassThrough } from "../../../worker/device/hid/pass-through.ts";
import type { DeviceInput, HidOutput, HidSource } from "../../../worker/protocol.ts";
import { bytes, hex, now, type Transfer } from "./harness.ts";
import { plugHid, VENDOR_REPORTS } from "./hid.ts";
import { quiet } from "./saved.ts";

const OUT = 0x01;
const SOURCE: HidSource = {
  kind: "hid",
  vendorId: 0x1d50,
  productId: 0x6018,
  product: "Meter",
  reportDescriptor: VENDOR_REPORTS,
};
/** Without ids: 3 bytes in, 2 out. */
const PLAIN = bytes("0600ff 0901 a101 1500 26ff00 7508 9503 0902 8102 9502 0903 9102 c0");

async function plug(source: Partial<HidSource> = {}) {
  const hasOutput = vi.fn();
  const hid = await plugHid(createPassThrough({ ...SOURCE, ...source }, { ...quiet, hasOutput }));
  const { host } = hid;
  return {
    hid,
    host,
    hasOutput,
    get: (type: number, id: number, length: number): Transfer =>
      host.submit(0, TYPE_CONTROL, length, { bmRequestType: 0xa1, bRequest: 1, wValue: (type << 8) | id }),
    set: (type: number, id: number, data: Uint8Array): Transfer =>
      host.submit(0, TYPE_CONTROL, data, { bmRequestType: 0x21, bRequest: 9, wValue: (type << 8) | id }),
    requests: () => (host.device.output?.() as HidOutput | undefined)?.requests ?? [],
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("is what its source says: ids, name, report descriptor, endpoints for its longest reports", async () => {
  const { hid } = await plug();
  expect(hid.host.device.identity).toMatchObject({ vendorId: 0x1d50, productId: 0x6018, product: "Meter" });
  expect(hid.descriptor(1)).toBe("1201100100000040501d1860000101020001");
  expect(hid.descriptor(2)).toBe("09022900010100a032090400000203000000092111010001222f000705810308000107050103110001");
  expect(hid.descriptor(0x22, 0x81)).toBe(hex(VENDOR_REPORTS));
});

describe("input reports", () => {
  test("come with their ids, as long as they are described", async () => {
    const { hid } = await plug();
    hid.do({ type: "hid-report", id: 1, bytes: bytes("11223344556677") });
    hid.do({ type: "hid-report", id: 1, bytes: bytes("88") });
    hid.do({ type: "hid-report", id: 1, bytes: bytes("99".repeat(20)) });
    hid.do({ type: "hid-report", id: 2, bytes: bytes("99") });
    for (const message of [{}, { id: 1 }, { id: 1, bytes: "11" }, { id: "1", bytes: bytes("11") }]) {
      hid.do({ type: "hid-report", ...message } as DeviceInput);
    }
    expect(hid.drain()).toEqual(["0111223344556677", "0188000000000000", "0199999999999999"]);
    expect(hex(hid.report(1, 1).bytes)).toBe("0199999999999999");
    expect(hid.report(1, 2).status).toBe(STATUS_STALL);
  });

  test("come without one where there are none", async () => {
    const { hid } = await plug({ reportDescriptor: PLAIN });
    expect(hex(hid.report(1, 0).bytes)).toBe("000000");
    hid.do({ type: "hid-report", id: 0, bytes: bytes("112233") });
    expect(hid.drain()).toEqual(["112233"]);
  });
});

describe("feature reports", () => {
  test("are the page's to bring: the guest's request waits for it", async () => {
    const { hid, host, get, requests, hasOutput } = await plug();
    const transfer = get(3, 3, 64);
    await host.settle();
    expect(transfer.answer).toBeUndefined();
    expect(hasOutput).toHaveBeenCalledTimes(1);
    const [request] = requests();
    expect(request).toEqual({ is: "receive", report: "feature", id: 3, answer: expect.any(Number) });
    hid.do({ type: "hid-answer", answer: request?.answer ?? 0, bytes: bytes("03aabbccdd") });
    expect(await host.wait(transfer)).toMatchObject({ status: STATUS_OK, bytes: bytes("03aabbccdd") });
  });

  test("go to the page, and the guest hears what came of it", async () => {
    const { hid, host, set, requests } = await plug();
    for (const [answer, status] of [[new Uint8Array(0), STATUS_OK] as const, [undefined, STATUS_STALL] as const]) {
      const transfer = set(3, 4, bytes("04010203"));
      const [request] = requests();
      expect(request).toMatchObject({ is: "send", report: "feature", id: 4 });
      expect(request?.is === "send" && hex(request.bytes)).toBe(`010203${"00".repeat(67)}`);
      hid.do({ type: "hid-answer", answer: request?.answer ?? 0, ...(answer && { bytes: answer }) });
      expect((await host.wait(transfer)).status).toBe(status);
    }
  });

  test("that nobody brings are stalled after four seconds, and what comes too late is nobody's", async () => {
    const { hid, host, get, requests } = await plug();
    const transfer = get(3, 3, 64);
    const answer = requests()[0]?.answer ?? 0;
    vi.advanceTimersByTime(3999);
    await host.settle();
    expect(transfer.answer).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect((await host.wait(transfer)).status).toBe(STATUS_STALL);
    const next = get(3, 3, 64);
    hid.do({ type: "hid-answer", answer, bytes: bytes("03aabbccdd") });
    await host.settle();
    expect(next.answer).toBeUndefined();
    host.cancel(next);
    expect(now(next).status).toBe(STATUS_CANCELLED);
    hid.do({ type: "hid-answer", answer: requests()[0]?.answer ?? 0, bytes: bytes("03aabbccdd") });
    expect(host.clean).toBe(true);
    await host.device.close();
  });

  test("that the guest has given up are not asked of the page any more", async () => {
    const { hid, host, get, requests } = await plug();
    for (let count = 0; count < 1000; count++) host.cancel(get(3, 3, 64));
    const last = get(3, 4, 71);
    const asked = requests();
    expect(asked).toMatchObject([{ id: 4 }]);
    hid.do({ type: "hid-answer", answer: asked[0]?.answer ?? 0, bytes: bytes("04".repeat(71)) });
    expect((await host.wait(last)).actual).toBe(71);
  });

  test("that there are none of are stalled at once", async () => {
    const { get, set, requests } = await plug();
    for (const transfer of [
      get(3, 1, 8),
      get(3, 0, 8),
      get(2, 2, 17),
      set(3, 2, bytes("02")),
      set(1, 1, bytes("01")),
    ]) {
      expect(now(transfer).status).toBe(STATUS_STALL);
    }
    expect(requests()).toEqual([]);
  });

  test("end with a reset of the port and with the unplug", async () => {
    const { host, get } = await plug();
    const first = get(3, 3, 64);
    await host.reset(first);
    expect(now(first).status).toBe(STATUS_CANCELLED);
    host.configure();
    const second = get(3, 3, 64);
    host.cancel(second);
    await host.device.close();
    expect(host.clean).toBe(true);
  });
});

describe("output reports", () => {
  test("go by interrupt OUT, in order, and by SET_REPORT", async () => {
    const { hid, host, set, requests, hasOutput } = await plug();
    const sent = ["02aabb", "02cc", "01ff", ""].map((text) => host.out(OUT, bytes(text), TYPE_INTERRUPT));
    for (const each of sent) expect(now(each).status).toBe(STATUS_OK);
    expect(hasOutput).toHaveBeenCalled();
    const transfer = set(2, 2, bytes(`02${"11".repeat(16)}`));
    const asked = requests();
    const zeros = (count: number) => "00".repeat(count);
    expect(asked.map((each) => each.is === "send" && [each.report, each.id, hex(each.bytes)])).toEqual([
      ["output", 2, `aabb${zeros(14)}`],
      ["output", 2, `cc${zeros(15)}`],
      ["output", 2, "11".repeat(16)],
    ]);
    expect(asked.map(({ answer }) => answer !== undefined)).toEqual([false, false, true]);
    hid.do({ type: "hid-answer", answer: asked[2]?.answer ?? 0, bytes: new Uint8Array(0) });
    expect((await host.wait(transfer)).status).toBe(STATUS_OK);
    expect(requests()).toEqual([]);
  });

  test("wait at the endpoint when the page does not take them", async () => {
    const { host, requests } = await plug({ reportDescriptor: PLAIN });
    const sent = Array.from({ length: 70 }, (_, at) => host.out(OUT, Uint8Array.of(at, 0), TYPE_INTERRUPT));
    expect(sent.filter(({ answer }) => answer)).toHaveLength(64);
    const first = requests();
    await host.settle();
    expect(sent.filter(({ answer }) => answer)).toHaveLength(70);
    const all = [...first, ...requests()].map((each) => (each.is === "send" ? each.bytes[0] : undefined));
    expect(all).toEqual(Array.from({ length: 70 }, (_, at) => at));
  });
});

test("idle rates but never are stalled, and so are protocols", async () => {
  const { host } = await plug();
  const set = (wValue: number) => host.control({ bmRequestType: 0x21, bRequest: 0x0a, wValue }).status;
  expect([set(0), set(1), set(0x0100), set(2)]).toEqual([STATUS_OK, STATUS_OK, STATUS_STALL, STATUS_STALL]);
  expect(host.control({ bmRequestType: 0x21, bRequest: 0x0b }).status).toBe(STATUS_STALL);
});

test.each([
  ["nothing", ""],
  ["an item without its data", "0600"],
  ["a long item without its data", "a101 7508 9501 8102 c0 fe05 00"],
  ["a collection that does not end", "a101 7508 9501 8102"],
  ["an end without a beginning", "a101 7508 9501 8102 c0 c0"],
  ["an item in no collection", "7508 9501 8102"],
  ["no report", "a101 c0"],
  ["report id 0", "a101 8500 7508 9501 8102 c0"],
  ["a report without id beside one that has it", "a101 7508 9501 8102 8501 8102 c0"],
  ["a report of 4 GiB", "a101 77ffffffff 97ffffffff 8102 c0"],
  ["a pop too many", "a101 7508 9501 8102 b4 c0"],
  ["more than 4096 bytes", `a101 7508 9501 ${"8102".repeat(2046)} c0`],
])("a report descriptor with %s is refused with a sentence", (_, descriptor) => {
  expect(() => createPassThrough({ ...SOURCE, reportDescriptor: bytes(descriptor) })).toThrow(/no guest understands/);
});

test("globals are pushed and popped, and long items are left out", async () => {
  const { hid } = await plug({ reportDescriptor: bytes("a101 7508 9502 a4 9505 b4 fe02001122 8102 c0") });
  expect(hex(hid.report(1, 0).bytes)).toBe("0000");
});

test("any bytes are a report descriptor or none, and any source a device or none", () => {
  const items = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0xa1, 1, 0xc0, 0x75, 8, 0x95, 0x81, 2, 0x85, 0xfe)));
  fc.assert(
    fc.property(items, fc.anything(), fc.anything(), (descriptor, vendorId, product) => {
      const reportDescriptor = Uint8Array.from(descriptor);
      try {
        createPassThrough({ ...SOURCE, reportDescriptor, product } as HidSource);
        createPassThrough({ ...SOURCE, vendorId, reportDescriptor: descriptor } as unknown as HidSource);
      } catch (error) {
        expect(String(error)).toMatch(/no guest understands/);
      }
    }),
  );
});
