import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPLAINTS } from "./disk.ts";
import { type Bench, md5, pattern, startGuest } from "./harness.ts";
import { linked, plugEthernet, randomFile, receive, send, upAs } from "./network.ts";

const MIB = 1 << 20;
const [A, B] = ["10.0.0.1", "10.0.0.2"] as const;

describe("Ethernet adapters of two stock Linux guests", () => {
  let a: Bench;
  let b: Bench;

  const start = async (placement: "worker" | "thread") => {
    a = await startGuest({ placement });
    // With a network backend of v86, which costs nothing until somebody joins it.
    b = await startGuest(a.host, { v86: { net_device: { type: "ne2k", relay_url: "fetch" } } });
  };
  const stop = async () => {
    await b?.stop();
    await a?.stop();
  };
  const sends = async (from: Bench, to: Bench, address: string) => {
    const sum = await randomFile(from, "/tmp/out", MIB / 2);
    const received = await receive(to);
    await send(from, "cat /tmp/out", address);
    expect(await received()).toBe(sum);
  };

  describe("the backend on their thread", () => {
    beforeAll(() => start("thread"));
    afterAll(stop);

    it("TCP has the right checksum, and a saved state takes the adapter along with its place at the cable", async () => {
      const port = b.controller.port(1);
      await plugEthernet(a, a.controller.port(1), A);
      await plugEthernet(b, port, B);
      await linked(a, b);
      await sends(b, a, A);
      const serial = port.plugged?.serialNumber;
      const state = await b.guest.saveState();
      await b.stop();
      await a.until("grep -q 0 /sys/class/net/usb0/carrier");
      b = await startGuest(a.host, { states: { get: async () => state, set: async () => {}, delete: async () => {} } });
      expect(b.guest.resumed).toBe(true);
      expect(b.controller.port(1).plugged?.serialNumber).toBe(serial);
      await b.run(`ping -c 1 -W 20 ${A}`);
      await linked(a, b);
      expect(await b.run("dmesg")).not.toMatch(/USB disconnect/);
    });
  });

  describe("the backend in a worker", () => {
    beforeAll(() => start("worker"));
    afterAll(stop);

    it("NCM and ECM: the link follows the other end, and TCP has the right checksum both ways", async () => {
      await plugEthernet(a, a.controller.port(1), A);
      expect(await a.run("cat /sys/class/net/usb0/carrier")).toBe("0\n");
      await plugEthernet(b, b.controller.port(1), B, { class: "ecm", speed: "high" });
      await linked(a, b);
      expect(await a.run("dmesg")).toMatch(/cdc_ncm .*usb0: register 'cdc_ncm'/);
      expect(await b.run("dmesg")).toMatch(/cdc_ether .*usb0: register 'cdc_ether'/);
      await sends(a, b, B);
      await sends(b, a, A);
      await b.controller.port(1).unplug();
      await a.until("grep -q 0 /sys/class/net/usb0/carrier");
      await a.controller.port(1).unplug();
      await a.until("! test -e /sys/class/net/usb0");
    });

    it("TCP outlives an unplug and a plug in the middle of it", async () => {
      const mac = "02:00:00:00:00:0b";
      const port = b.controller.port(1);
      await plugEthernet(a, a.controller.port(1), A);
      await plugEthernet(b, port, B, { mac });
      await linked(a, b);
      const sum = await randomFile(a, "/tmp/out", 2 * MIB);
      const received = await receive(b);
      await send(a, "cat /tmp/out", B);
      while (port.status.counters.bytesIn < MIB / 4) await new Promise((resolve) => setTimeout(resolve, 1));
      await port.unplug();
      expect(await b.run("test -e /tmp/sum || echo not yet")).toBe("not yet\n");
      await b.until("! test -e /sys/class/net/usb0");
      await plugEthernet(b, b.controller.port(2), B, { mac });
      expect(await received()).toBe(sum);
      for (const bench of [a, b]) expect(await bench.run("dmesg")).not.toMatch(COMPLAINTS);
      await a.controller.port(1).unplug();
      await b.controller.port(2).unplug();
    });

    it("v86's own card and v86's own fetch are there for a guest with a USB adapter", async () => {
      const file = pattern(MIB);
      const server = createServer((_, response) => response.end(file)).listen(0);
      await expect(a.controller.joinNetwork("v86")).rejects.toThrow(/This machine has no network/);
      const leave = await b.controller.joinNetwork("v86");
      try {
        const { port } = server.address() as AddressInfo;
        await plugEthernet(a, a.controller.port(1), "192.168.86.50", { cable: "v86" });
        await upAs(b, "192.168.86.60", "eth0");
        await a.run("ping -c 1 -W 20 192.168.86.60");
        const got = await a.run(`wget -q -O- --header 'Host: ${port}.external' http://192.168.86.1/ | md5sum`);
        expect(got.split(" ")[0]).toBe(md5(file));
      } finally {
        leave();
        server.close();
        await a.controller.port(1).unplug();
      }
    });
  });
});
