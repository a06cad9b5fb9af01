import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UsbPort } from "../../dist/app/index.js";
import { COMPLAINTS, DISK } from "./disk.ts";
import { amount, type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
const REPLUGS = amount(6, 20);
/** Of a stick behind two hubs. */
const MEBIBYTES = amount(4, 16);
/** A device that is pulled out while it is enumerated is rightly complained of; one that stays is not. */
const ENUMERATION = /device descriptor read|unable to enumerate|cannot (enable|reset)/i;

describe.each(["worker", "thread"] as const)("hubs of a stock Linux guest, backend in a %s", (placement) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({ placement });
    // Stock usb-storage waits a second before it looks at a new disk.
    await bench.run("echo 0 > /sys/module/usb_storage/parameters/delay_use");
  });
  afterAll(() => bench?.stop());
  /** What does not depend on where the backend runs is tried once. */
  const once = (title: string, work: () => Promise<void>) => {
    if (placement === "thread") it(title, work);
  };

  const drive = (bytes: Uint8Array<ArrayBuffer>) => bench.host.device("flash-drive", { image: { bytes } });

  /** Plugs a hub, works with its port in the root hub, pulls it out, and sees that it is gone with all behind it. */
  async function withHub(options: object, work: (port: UsbPort) => Promise<void>): Promise<void> {
    const port = bench.controller.port(1);
    await port.plug(bench.host.device("hub", options));
    try {
      await work(port);
      if (port.plugged) expect(await bench.run("dmesg")).not.toMatch(ENUMERATION);
    } finally {
      await port.unplug();
    }
    await bench.until("! ls /sys/bus/usb/devices | grep -q '^[12]-[1-9]'");
    expect(await bench.run("dmesg -c")).not.toMatch(COMPLAINTS);
    expect(port.ports).toEqual([]);
    expect(await bench.host.stats()).toMatchObject({ devices: 0, owned: 0 });
    expect(bench.controller.inFlight).toBe(0);
  }

  once("a USB 3 hub has two halves, and lsusb -t shows each device behind the one of its speed", async () => {
    const { host, run, until } = bench;
    await withHub({ ports: 7 }, async (hub) => {
      await hub.port(2).plug(host.device("keyboard"));
      await hub.port(7).plug(drive(pattern(MIB)));
      await until("lsusb -t | grep -q usbhid");
      await run(DISK);
      expect(await run("lsusb -t")).toBe(
        "/:  Bus 02.Port 1: Dev 1, Class=root_hub, Driver=xhci_hcd/8p, 5000M\n" +
          "    |__ Port 1: Dev 2, If 0, Class=, Driver=hub/7p, 5000M\n" +
          "        |__ Port 7: Dev 3, If 0, Class=, Driver=usb-storage, 5000M\n" +
          "/:  Bus 01.Port 1: Dev 1, Class=root_hub, Driver=xhci_hcd/8p, 480M\n" +
          "    |__ Port 1: Dev 2, If 0, Class=, Driver=hub/7p, 480M\n" +
          "        |__ Port 2: Dev 3, If 0, Class=, Driver=usbhid, 12M\n",
      );
      expect(hub.port(2).status).toMatchObject({ enabled: true, speed: 1 });
      expect(hub.port(7).status.counters.errors).toBe(0);
      // The hubs' own words: descriptors and port status, as lsusb asks for them.
      const words = await run("lsusb -v -d 1209:000a");
      expect(words).toMatch(/bDescriptorType +42[\s\S]*Port 7: 0000.0203 5Gbps power U0 enable connect/);
      expect(words).toMatch(
        /bDescriptorType +41[\s\S]*TT think time 8 FS bits[\s\S]*Port 2: 0000.0103 power enable connect/,
      );
    });
  });

  once("keys come from a keyboard behind a hub, and it can be pulled out and plugged in again", async () => {
    const { host, run, until } = bench;
    await withHub({ usb: 2, multiTt: true }, async (hub) => {
      for (let round = 0; round < 2; round++) {
        await hub.port(3).plug(host.device("keyboard"));
        await until("grep -q 'pvusb Keyboard' /proc/bus/input/devices");
        const event = (await run("cd /sys/class/input; grep -l 'pvusb Keyboard' event*/device/name")).split("/")[0];
        // A press is three records of 16 bytes: scan code, key, end of report. A shell's job reads them meanwhile.
        await run(`exec 3< /dev/input/${event}; head -c 48 <&3 > /tmp/keys 2> /dev/null &`);
        await hub.port(3).input({ type: "key", code: "KeyA", pressed: true });
        await until("[ $(wc -c < /tmp/keys) -eq 48 ]");
        const bytes = Buffer.from(await run(`hexdump -ve '1/1 "%02x"' /tmp/keys`), "hex");
        const records = [8, 24, 40].map((at) => [
          bytes.readUInt16LE(at),
          bytes.readUInt16LE(at + 2),
          bytes.readInt32LE(at + 4),
        ]);
        expect(records).toEqual([
          [4, 4, 0x70004],
          [1, 30, 1],
          [0, 0, 0],
        ]);
        await hub.port(3).unplug();
        await until("! grep -q 'pvusb Keyboard' /proc/bus/input/devices");
      }
      // The hub driver has chosen the alternate with a translator for each port.
      expect(await run("cat /sys/bus/usb/devices/1-1:1.0/bAlternateSetting")).toBe(" 1\n");
    });
  });

  once("a hub that sleeps is woken by what is plugged into it", async () => {
    const { host, run, until } = bench;
    const asleep = (hub: string) => until(`grep -q suspended /sys/bus/usb/devices/${hub}/power/runtime_status`);
    await withHub({}, async (hub) => {
      await asleep("1-1");
      await asleep("2-1");
      await hub.port(1).plug(host.device("keyboard"));
      await until("grep -q 'pvusb Keyboard' /proc/bus/input/devices");
      await asleep("2-1");
      await hub.port(2).plug(drive(pattern(64 * 1024)));
      await run(DISK);
    });
  });

  it(`a stick behind a hub behind a hub reads ${MEBIBYTES} MiB with the host's checksum`, async () => {
    const { host, run } = bench;
    const bytes = pattern(MEBIBYTES * MIB);
    for (const usb of [2, 3] as const) {
      await withHub({ usb }, async (hub) => {
        await hub.port(4).plug(host.device("hub", { usb }));
        await hub.port(4).port(1).plug(drive(bytes));
        await run(DISK);
        expect(await run("dd if=/dev/sda bs=1M 2>/dev/null | md5sum")).toBe(`${md5(bytes)}  -\n`);
        expect(await run("ls -d /sys/bus/usb/devices/*-1.4.1")).toContain(`/${usb === 2 ? 1 : 2}-1.4.1`);
        expect(hub.port(4).port(1).path).toBe("1.4.1");
      });
    }
  });

  once(`a stick behind a hub is pulled out and plugged in again ${REPLUGS} times, another one each time`, async () => {
    const { run, until } = bench;
    await withHub({}, async (hub) => {
      for (let round = 0; round < REPLUGS; round++) {
        const bytes = pattern(64 * 1024, round + 1);
        await hub.port(2).plug(drive(bytes));
        await run(DISK);
        expect(await run("md5sum < /dev/sda")).toBe(`${md5(bytes)}  -\n`);
        await hub.port(2).unplug();
        await until("! test -e /dev/sda");
      }
    });
  });

  it("a hub pulled out in the middle of a dd takes all with it, and leaves nothing behind", async () => {
    const { controller, host, guest, run, until } = bench;
    const atRest = { inFlight: controller.inFlight, ...controller.free };
    for (const usb of [2, 3] as const) {
      await withHub({ usb }, async (hub) => {
        await hub.port(1).plug(host.device("keyboard"));
        await hub.port(3).plug(host.device("flash-drive", { image: { size: 64 * MIB } }));
        await run(DISK);
        await until("grep -q 'pvusb Keyboard' /proc/bus/input/devices");
        const dd = guest.exec("while dd if=/dev/sda of=/dev/null bs=256k iflag=direct 2>&1; do :; done; exit 1");
        const { bytesIn } = hub.port(3).status.counters;
        while (hub.port(3).status.counters.bytesIn < bytesIn + 2 * MIB) {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        await hub.unplug();
        expect((await dd).status).toBe(1);
      });
    }
    expect({ inFlight: controller.inFlight, ...controller.free }).toEqual(atRest);
  });
});
