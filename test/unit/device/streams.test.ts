/** Bulk streams of an endpoint (USB 3.2 §8.12.1.4, §9.6.7): a queue for each, one halt for all. */
import { expect, test } from "vitest";
import { SPEED_SUPER, STATUS_CANCELLED, STATUS_INVALID, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import type { ActiveConfiguration } from "../../../worker/device/active-configuration.ts";
import type { DeviceFunction, DeviceModel } from "../../../worker/device/device-model.ts";
import type { Endpoint } from "../../../worker/device/endpoint.ts";
import { SoftwareDevice } from "../../../worker/device/software-device.ts";
import { Host, hex, now } from "./harness.ts";

const IN = 0x81;
const OUT = 0x02;
const SET_ENDPOINT_HALT = { bmRequestType: 0x02, bRequest: 3, wIndex: IN };

/** Answers nothing by itself and writes down what it is told. */
class Recorder implements DeviceFunction {
  readonly calls: string[] = [];
  endpoint: Endpoint | undefined;
  start(active: ActiveConfiguration): void {
    this.endpoint = active.endpoint(IN);
  }
  stop(): void {}
  control(): boolean {
    return false;
  }
  ready(endpoint: Endpoint, stream: number): void {
    this.calls.push(`ready ${hex(Uint8Array.of(endpoint.address))} ${stream}`);
  }
  withdrawn(endpoint: Endpoint): void {
    this.calls.push(`withdrawn ${hex(Uint8Array.of(endpoint.address))}`);
  }
}

const bulk = { attributes: 0x02, maxPacketSize: 1024 };
/** Bulk IN with 2^4 streams; OUT without. */
const MODEL: DeviceModel = {
  speed: SPEED_SUPER,
  device: { usbVersion: 0x0300, maxPacketSize0: 9, vendorId: 0x1234, productId: 0x5678, deviceVersion: 0x0100 },
  configurations: [
    {
      value: 1,
      attributes: 0,
      maxPower: 1,
      interfaces: [
        {
          ...{ number: 0, interfaceClass: 0xff, subclass: 0, protocol: 0 },
          endpoints: [
            { ...bulk, address: IN, companion: { maxBurst: 0, attributes: 4 } },
            { ...bulk, address: OUT, companion: { maxBurst: 0 } },
          ],
        },
      ],
    },
  ],
  strings: [],
};

async function plug() {
  const conduct = new Recorder();
  const host = await Host.plug(new SoftwareDevice(MODEL, conduct));
  host.configure();
  const { endpoint } = conduct;
  if (!endpoint) throw new Error("not started");
  return { host, conduct, endpoint, queue: (stream: number) => host.bulk(IN, stream, 64) };
}

test("a stream that the endpoint does not have is invalid, and so is stream 0 of an endpoint with streams", async () => {
  const { host, conduct, queue } = await plug();
  for (const stream of [0, 17, 0xffff, 0x80000000, 0xffffffff]) {
    expect(now(queue(stream)), `IN ${stream}`).toMatchObject({ status: STATUS_INVALID, actual: 0 });
  }
  expect(now(host.bulk(OUT, 1, new Uint8Array(4))).status).toBe(STATUS_INVALID);
  expect(conduct.calls).toEqual([]);
  queue(1);
  queue(16);
  host.out(OUT, new Uint8Array(4));
  expect(conduct.calls).toEqual(["ready 81 1", "ready 81 16", "ready 02 0"]);
});

test("each stream is a queue of its own, answered in any order of the streams", async () => {
  const { conduct, host, endpoint, queue } = await plug();
  const [first, second, other] = [queue(3), queue(3), queue(5)];
  expect(conduct.calls).toEqual(["ready 81 3", "ready 81 5"]);
  endpoint.complete(STATUS_OK, 7, 5);
  endpoint.complete(STATUS_OK, 1, 3);
  await host.settle(1);
  expect([first, second, other].map(({ answer }) => answer?.actual)).toEqual([1, undefined, 7]);
  endpoint.complete(STATUS_OK, 2, 3);
  endpoint.complete(STATUS_OK, 9, 4);
  await host.settle(1);
  expect(now(second).actual).toBe(2);
});

test("a cancel takes one transfer and leaves the other streams alone", async () => {
  const { conduct, host, queue } = await plug();
  const [head, behind, other] = [queue(1), queue(1), queue(2)];
  host.cancel(behind);
  expect(now(behind)).toMatchObject({ status: STATUS_CANCELLED, actual: 0 });
  expect(conduct.calls.slice(2)).toEqual([]);
  host.cancel(head);
  expect(now(head)).toMatchObject({ status: STATUS_CANCELLED, actual: 0 });
  expect(conduct.calls.slice(2)).toEqual(["withdrawn 81"]);
  expect(other.answer).toBeUndefined();
  expect(host.owned).toBe(1);
});

test("a halt is of the whole endpoint: one transfer sees the STALL, no other stream goes on", async () => {
  const { conduct, host, endpoint, queue } = await plug();
  const [one, two, three] = [queue(2), queue(4), queue(4)];
  endpoint.stall(0, 4);
  await host.settle(1);
  expect([one, two, three].map((each) => now(each).status)).toEqual([STATUS_CANCELLED, STATUS_STALL, STATUS_CANCELLED]);
  expect([1, 2, 16].map((stream) => now(queue(stream)).status)).toEqual([STATUS_STALL, STATUS_STALL, STATUS_STALL]);
  host.clearHalt(IN);
  conduct.calls.length = 0;
  const waits = queue(2);
  host.control(SET_ENDPOINT_HALT);
  expect(now(waits).status).toBe(STATUS_STALL);
  expect(conduct.calls).toEqual(["ready 81 2", "withdrawn 81"]);
  expect(host.isHalted(IN)).toBe(true);
});

test("a configuration that ends takes the transfers of all streams with it", async () => {
  const { host, queue } = await plug();
  const waiting = [1, 2, 16].map(queue);
  host.configure(0);
  expect(waiting.map((each) => now(each).status)).toEqual(waiting.map(() => STATUS_CANCELLED));
  expect(host.clean).toBe(true);
});
