/** What an OUT queue gives the browser to send, and when it takes the memory back. */
import { expect, test } from "vitest";
import { STATUS_OK, STATUS_STALL, TYPE_BULK } from "../../../asm/layout.ts";
import { BULK_DEPTH, createEndpointQueue } from "../../../worker/create-endpoint-queue.ts";
import { FlightCount } from "../../../worker/flight.ts";
import type { Request } from "../../../worker/request.ts";
import { UsbManners } from "../../../worker/usb-manners.ts";

function setUp() {
  const sent: { readonly data: Uint8Array; resolve(result: USBOutTransferResult): void }[] = [];
  const queue = createEndpointQueue(
    {
      transferIn: () => Promise.reject(new Error("no IN here")),
      transferOut: (_, data) => new Promise((resolve) => sent.push({ data: data as Uint8Array, resolve })),
      isochronousTransferIn: () => Promise.reject(new Error("not isochronous")),
      isochronousTransferOut: () => Promise.reject(new Error("not isochronous")),
      statusOf: async () => STATUS_STALL,
      manners: new UsbManners(),
      flights: new FlightCount(),
    },
    { address: 0x01, type: TYPE_BULK, packetSize: 64, highBandwidth: false, interval: 0 },
  );
  const submit = (...bytes: number[]) => {
    const answers: [number, number][] = [];
    const request = {
      length: bytes.length,
      flags: 0,
      read: (target: Uint8Array) => target.set(bytes),
      complete: (status: number, actual: number) => void answers.push([status, actual]),
    } as unknown as Request;
    queue.submit(request);
    return { answers, request };
  };
  const land = async (index: number, status: USBTransferStatus = "ok") => {
    sent[index]?.resolve({ status, bytesWritten: 0 });
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  };
  const bytes = () => sent.map(({ data }) => [...data]);
  return { queue, sent, submit, land, bytes };
}

test("a transfer's bytes stay as they are until the browser has done with it, also when the guest has given it up", async () => {
  const { queue, submit, land, bytes } = setUp();
  const { answers, request } = submit(1, 2, 3);
  queue.cancel(request);
  expect(answers).toHaveLength(1);
  submit(4, 5);
  submit(6);
  expect(bytes()).toEqual([[1, 2, 3], [4, 5], [6]]);
  await land(1);
  submit(7, 8);
  expect(bytes()[0]).toEqual([1, 2, 3]);
  expect(bytes()[2]).toEqual([6]);
  expect(bytes()[3]).toEqual([7, 8]);
});

test("memory is used again, for what fits into it and as long as it is", async () => {
  const { sent, submit, land, bytes } = setUp();
  submit(1, 2, 3, 4);
  await land(0);
  submit(5, 6);
  expect(sent[1]?.data.buffer).toBe(sent[0]?.data.buffer);
  expect(bytes()[1]).toEqual([5, 6]);
  await land(1);
  submit(1, 2, 3, 4, 5);
  expect(sent[2]?.data.buffer).not.toBe(sent[0]?.data.buffer);
  expect(bytes()[2]).toEqual([1, 2, 3, 4, 5]);
});

test("as many are in flight as the depth allows, and the next when one is back", async () => {
  const { sent, submit, land } = setUp();
  const all = Array.from({ length: BULK_DEPTH + 1 }, (_, index) => submit(index));
  expect(sent).toHaveLength(BULK_DEPTH);
  await land(0);
  expect(sent).toHaveLength(BULK_DEPTH + 1);
  expect(all[0]?.answers).toEqual([[STATUS_OK, 1]]);
});
