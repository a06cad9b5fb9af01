/** Batches of isochronous packets: how many, how many ahead, and whose what is when some are given up. */
import { expect, test } from "vitest";
import { STATUS_CANCELLED, STATUS_OK, STATUS_TRANSACTION_ERROR, TYPE_ISOCHRONOUS } from "../../../asm/layout.ts";
import { createEndpointQueue } from "../../../worker/create-endpoint-queue.ts";
import { FlightCount } from "../../../worker/flight.ts";
import type { Request } from "../../../worker/request.ts";
import { isochronousKills, UsbManners } from "../../../worker/usb-manners.ts";

interface Pending {
  readonly lengths: readonly number[];
  readonly sent: number[];
  resolve(...packets: number[][]): void;
  reject(): void;
}

function setUp(address: number, manners = new UsbManners()) {
  const pending: Pending[] = [];
  const flights = new FlightCount();
  const start = <T>(lengths: number[], sent: number[], make: (packets: number[][]) => T) =>
    new Promise<T>((resolve, reject) => {
      pending.push({
        lengths,
        sent,
        resolve: (...packets) => resolve(make(packets)),
        reject: () => reject(new DOMException("A transfer error has occurred.", "NetworkError")),
      });
    });
  const never = () => Promise.reject(new Error("not for an isochronous endpoint"));
  const queue = createEndpointQueue(
    {
      transferIn: never,
      transferOut: never,
      isochronousTransferIn: (_, lengths) =>
        start(lengths, [], (packets) => ({
          data: new DataView(new ArrayBuffer(0)),
          packets: packets.map((bytes) => ({ status: "ok", data: new DataView(Uint8Array.from(bytes).buffer) })),
        })),
      isochronousTransferOut: (_, data, lengths) =>
        start(lengths, [...(data as Uint8Array)], (packets) => ({
          packets: packets.map((bytes) => ({ status: "ok", bytesWritten: bytes.length })),
        })),
      statusOf: async () => STATUS_TRANSACTION_ERROR,
      manners,
      flights,
    },
    { address, type: TYPE_ISOCHRONOUS, packetSize: 1024, highBandwidth: false, interval: 1 },
  );
  const submit = (length: number, interval = 125, first = 0) => {
    const bytes = Uint8Array.from({ length }, (_, index) => first + index);
    const answers: [number, number[]][] = [];
    const request = {
      length,
      interval,
      write(source: Uint8Array) {
        bytes.set(source.subarray(0, length));
        return Math.min(source.length, length);
      },
      read(target: Uint8Array) {
        target.set(bytes);
        return length;
      },
      complete: (status: number, actual: number) => void answers.push([status, [...bytes.subarray(0, actual)]]),
    } as Request;
    queue.submit(request);
    return { answers, request };
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { queue, pending, flights, submit, turn };
}

test("packets of one burst go in batches of 2 ms", async () => {
  const { pending, submit, turn } = setUp(0x81);
  for (let count = 0; count < 40; count++) submit(100);
  expect(pending).toEqual([]);
  await turn();
  // Two batches are ahead: the last eight wait for company.
  expect(pending.map(({ lengths }) => lengths.length)).toEqual([16, 16]);
  for (let count = 0; count < 8; count++) submit(100);
  await turn();
  expect(pending.map(({ lengths }) => lengths.length)).toEqual([16, 16, 16]);
});

test("a full-speed endpoint has two packets in a batch, and less than that rather than none ahead", async () => {
  const { pending, submit, turn } = setUp(0x81);
  submit(1023, 1000);
  await turn();
  submit(1023, 1000);
  submit(1023, 1000);
  submit(1023, 1000);
  await turn();
  expect(pending.map(({ lengths }) => lengths)).toEqual([[1023], [1023, 1023]]);
  pending[0]?.resolve([1]);
  await turn();
  expect(pending.map(({ lengths }) => lengths.length)).toEqual([1, 2, 1]);
});

test("each packet's bytes are its request's", async () => {
  const { pending, submit, turn } = setUp(0x81);
  const all = [submit(4), submit(4), submit(4)];
  await turn();
  pending[0]?.resolve([0x11, 0x22], [], [0x33, 0x44, 0x55, 0x66]);
  await turn();
  expect(all.map(({ answers }) => answers)).toEqual([
    [[STATUS_OK, [0x11, 0x22]]],
    [[STATUS_OK, []]],
    [[STATUS_OK, [0x33, 0x44, 0x55, 0x66]]],
  ]);
});

test("OUT packets leave in one piece with their lengths", async () => {
  const { pending, submit, turn } = setUp(0x02);
  const all = [submit(2, 125, 0x11), submit(0), submit(3, 125, 0x44)];
  await turn();
  expect(pending).toMatchObject([{ lengths: [2, 0, 3], sent: [0x11, 0x12, 0x44, 0x45, 0x46] }]);
  pending[0]?.resolve([1, 2], [], [1, 2, 3]);
  await turn();
  expect(all.flatMap(({ answers }) => answers.map(([status, bytes]) => [status, bytes.length]))).toEqual([
    [STATUS_OK, 2],
    [STATUS_OK, 0],
    [STATUS_OK, 3],
  ]);
});

test("a rejected batch fails each of its packets, and the next goes on", async () => {
  const { pending, submit, turn } = setUp(0x81);
  const [one, two] = [submit(4), submit(4)];
  await turn();
  pending[0]?.reject();
  await turn();
  expect([one.answers, two.answers]).toEqual([[[STATUS_TRANSACTION_ERROR, []]], [[STATUS_TRANSACTION_ERROR, []]]]);
  const three = submit(4);
  await turn();
  pending[1]?.resolve([7]);
  await turn();
  expect(three.answers).toEqual([[STATUS_OK, [7]]]);
});

test("a packet that is given up is answered once, and its neighbours get theirs", async () => {
  const { queue, pending, submit, turn, flights } = setUp(0x81);
  const all = [submit(4), submit(4), submit(4)];
  await turn();
  queue.cancel(all[1]?.request as Request);
  expect(all[1]?.answers).toEqual([[STATUS_CANCELLED, []]]);
  pending[0]?.resolve([1], [2], [3]);
  await turn();
  expect(all.map(({ answers }) => answers)).toEqual([[[STATUS_OK, [1]]], [[STATUS_CANCELLED, []]], [[STATUS_OK, [3]]]]);
  expect(flights.orphans).toBe(0);
});

test("all that is given up is answered once; the batch is an orphan until it settles", async () => {
  const { queue, pending, submit, turn, flights } = setUp(0x81);
  const flown = [submit(4), submit(4)];
  await turn();
  const waiting = Array.from({ length: 2 }, () => submit(4));
  queue.cancelAll();
  for (const { answers } of [...flown, ...waiting]) expect(answers).toEqual([[STATUS_CANCELLED, []]]);
  expect(flights.orphans).toBe(1);
  await turn();
  expect(pending.length).toBe(1);
  pending[0]?.resolve([1], [2]);
  await turn();
  expect(flights.orphans).toBe(0);
  for (const { answers } of flown) expect(answers.length).toBe(1);
});

test("batches that settle out of order are answered in order", async () => {
  const { pending, submit, turn } = setUp(0x81);
  const first = submit(4, 1000);
  await turn();
  const second = submit(4, 1000);
  await turn();
  pending[1]?.resolve([2]);
  await turn();
  expect(second.answers).toEqual([]);
  pending[0]?.resolve([1]);
  await turn();
  expect([first.answers, second.answers]).toEqual([[[STATUS_OK, [1]]], [[STATUS_OK, [2]]]]);
});

test("where isochronous transfers would end the browser, none is made, and each packet has failed", async () => {
  const { queue, pending, submit } = setUp(0x81, new UsbManners(true));
  const packets = [submit(8), submit(8)];
  await Promise.resolve();
  expect(pending).toHaveLength(0);
  expect(packets.map(({ answers }) => answers)).toEqual([
    [[STATUS_TRANSACTION_ERROR, []]],
    [[STATUS_TRANSACTION_ERROR, []]],
  ]);
  queue.discard();
});

test.each([
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
    true,
  ],
  [
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    true,
  ],
  [
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
    true,
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    false,
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    false,
  ],
  ["Node.js/22", false],
])("a browser that calls itself %s: %s", (userAgent, kills) => {
  expect(isochronousKills({ userAgent })).toBe(kills);
});
