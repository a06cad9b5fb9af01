/** An Ethernet adapter at the network of its guest's machine: joined while it is plugged, wherever that is. */
import { expect, test } from "vitest";
import { EthernetFeed } from "../../../app/sources/ethernet.ts";
import type { UsbPort } from "../../../app/usb-port.ts";

const log: string[] = [];

/** A port of a guest whose machine has a network, or has none. */
function port(guest: string, network = true): UsbPort {
  const joinNetwork = async (cable: string) => {
    await Promise.resolve();
    if (!network) throw new Error("This machine has no network.");
    log.push(`${guest} joins ${cable}`);
    return () => log.push(`${guest} leaves`);
  };
  return { controller: { joinNetwork } } as unknown as UsbPort;
}

/** What was done, once all is done. */
async function done(): Promise<string[]> {
  await new Promise((resolve) => setImmediate(resolve));
  return log.splice(0);
}

test("follows the adapter from guest to guest, and leaves with it", async () => {
  const feed = new EthernetFeed();
  const { cable } = feed.source;
  expect(new EthernetFeed().source.cable).not.toBe(cable);
  feed.plugged(port("a"));
  expect(await done()).toEqual([`a joins ${cable}`]);
  feed.plugged(port("b"));
  expect(await done()).toEqual(["a leaves", `b joins ${cable}`]);
  await feed.leaving(); // the guest is stopped, and started again
  feed.plugged(port("c"));
  expect(await done()).toEqual(["b leaves", `c joins ${cable}`]);
  await feed.close();
  expect(await done()).toEqual(["c leaves"]);
});

test("leaves also when it is pulled out before it has joined", async () => {
  const feed = new EthernetFeed();
  feed.plugged(port("a"));
  await feed.close();
  expect((await done()).at(-1)).toBe("a leaves");
});

test("ends with a sentence where the machine has no network", async () => {
  const feed = new EthernetFeed();
  const ends: string[] = [];
  feed.onEnd = (reason) => ends.push(reason);
  feed.plugged(port("a", false));
  await done();
  await feed.close();
  expect(ends).toEqual(["This machine has no network."]);
});
