/** What a browser that settles its promises out of order would do to an IN queue. */
import { expect, test } from "vitest";
import { STATUS_CANCELLED, STATUS_OK, STATUS_STALL, TYPE_BULK } from "../../../asm/layout.ts";
import { createEndpointQueue } from "../../../worker/create-endpoint-queue.ts";
import { FlightCount } from "../../../worker/flight.ts";
import type { Request } from "../../../worker/request.ts";
import { UsbManners } from "../../../worker/usb-manners.ts";

interface Pending {
  readonly length: number;
  resolve(result: USBInTransferResult): void;
  reject(error: DOMException): void;
}

function setUp() {
  const pending: Pending[] = [];
  const flights = new FlightCount();
  const queue = createEndpointQueue(
    {
      transferIn: (_, length) => new Promise((resolve, reject) => pending.push({ length, resolve, reject })),
      transferOut: () => Promise.reject(new Error("no OUT here")),
      isochronousTransferIn: () => Promise.reject(new Error("not isochronous")),
      isochronousTransferOut: () => Promise.reject(new Error("not isochronous")),
      statusOf: async () => STATUS_STALL,
      manners: new UsbManners(),
      flights,
    },
    { address: 0x81, type: TYPE_BULK, packetSize: 64, highBandwidth: false, interval: 0 },
  );
  /** A request, as far as a queue sees it, and what it was answered. */
  const submit = (length: number) => {
    const bytes = new Uint8Array(length);
    const answers: [number, number[]][] = [];
    const request = {
      length,
      write(source: Uint8Array, offset = 0) {
        const count = Math.min(source.length, length - offset);
        bytes.set(source.subarray(0, count), offset);
        return count;
      },
      complete: (status: number, actual: number) => void answers.push([status, [...bytes.subarray(0, actual)]]),
    } as Request;
    queue.submit(request);
    return { answers, request };
  };
  const land = async (index: number, ...bytes: number[]) => {
    pending[index]?.resolve({ status: "ok", data: new DataView(Uint8Array.from(bytes).buffer) });
    await Promise.resolve();
  };
  const fail = async (index: number, error: DOMException) => {
    pending[index]?.reject(error);
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  };
  return { queue, pending, flights, submit, land, fail };
}

test("whole packets are asked for", () => {
  const { pending, submit } = setUp();
  for (const length of [0, 1, 64, 65]) submit(length);
  expect(pending.map(({ length }) => length)).toEqual([64, 64, 64, 128]);
});

test("results that come out of order are dealt out in order", async () => {
  const { submit, land } = setUp();
  const [first, second] = [submit(64), submit(64)];
  await land(1, 3, 4);
  expect([first.answers, second.answers]).toEqual([[], []]);
  await land(0, 1, 2);
  expect([first.answers, second.answers]).toEqual([[[STATUS_OK, [1, 2]]], [[STATUS_OK, [3, 4]]]]);
});

test("forget() drops what has come for an orphan behind one that is open", async () => {
  const { queue, flights, submit, land } = setUp();
  const [first, second] = [submit(64), submit(64)];
  await land(1, 3, 4);
  queue.cancel(second.request);
  queue.cancel(first.request);
  expect(flights.orphans).toBe(1);
  queue.forget();
  const third = submit(64);
  await land(0, 5);
  expect(third.answers).toEqual([[STATUS_OK, [5]]]);
  expect(flights.orphans).toBe(0);
  const fourth = submit(64);
  expect(fourth.answers).toEqual([]);
  await land(2, 6);
  expect(fourth.answers).toEqual([[STATUS_OK, [6]]]);
});

test("discard() makes late results harmless", async () => {
  const { queue, flights, pending, submit, land } = setUp();
  const first = submit(64);
  queue.discard();
  expect(first.answers).toEqual([[STATUS_CANCELLED, []]]);
  const second = submit(64);
  await land(0, 1);
  expect([second.answers, flights.orphans]).toEqual([[], 0]);
  expect(pending.length).toBe(2);
  await land(1, 2);
  expect(second.answers).toEqual([[STATUS_OK, [2]]]);
});

test("a transfer of nothing ends with any packet, which stays for the next", async () => {
  const { submit, land } = setUp();
  const [none, some] = [submit(0), submit(64)];
  await land(0, 1, 2);
  expect([none.answers, some.answers]).toEqual([[[STATUS_OK, []]], [[STATUS_OK, [1, 2]]]]);
});

const aborted = () => new DOMException("The transfer was cancelled.", "AbortError");

test("flights that the browser cancels are begun again in their order, and only some times", async () => {
  const { pending, submit, land, fail } = setUp();
  const [first, second] = [submit(64), submit(64)];
  await fail(0, aborted());
  await fail(1, aborted());
  expect(pending.length).toBe(4);
  await land(2, 1);
  await land(3, 2);
  expect([first.answers, second.answers]).toEqual([[[STATUS_OK, [1]]], [[STATUS_OK, [2]]]]);
  const third = submit(64);
  for (const index of [4, 5, 6]) await fail(index, aborted());
  expect([third.answers, pending.length]).toEqual([[], 8]);
  await fail(7, aborted());
  expect(third.answers).toEqual([[STATUS_STALL, []]]);
});

test("an orphan that the browser cancels is not begun again", async () => {
  const { queue, flights, pending, submit, land, fail } = setUp();
  const given = submit(64);
  queue.cancel(given.request);
  const next = submit(64);
  await fail(0, aborted());
  expect(flights.orphans).toBe(0);
  expect(pending.length).toBe(2);
  await land(1, 7);
  expect(next.answers).toEqual([[STATUS_OK, [7]]]);
});

test("what is in flight is counted until its promise settles, whoever it belongs to", async () => {
  const { queue, flights, submit, land } = setUp();
  submit(65);
  submit(64);
  expect(flights.bytes).toBe(192);
  queue.discard();
  expect(flights).toMatchObject({ bytes: 192, orphans: 2 });
  await land(0, 1);
  await land(1, 2);
  expect(flights).toMatchObject({ bytes: 0, orphans: 0 });
});
