import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SPEED_FULL, SPEED_HIGH, SPEED_SUPER } from "../../asm/layout.ts";
import { type Bench, startGuest } from "./harness.ts";

/** Every device of the guest but the root hubs: its raw descriptors, as the kernel read them from the device. */
const RAW =
  "for d in /sys/bus/usb/devices/[0-9]-[0-9]*; do case $d in *:*) ;; *) hexdump -ve '1/1 \"%02x\"' $d/descriptors;; esac; done";

describe("descriptors in a stock Linux guest", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest();
  });
  afterAll(() => bench?.stop());

  /** What goes over the ring as answers to GET_DESCRIPTOR: the device's own bytes. */
  async function answers(work: () => Promise<void>): Promise<Map<string, string>> {
    const heard = new Map<string, string>();
    const stop = bench.controller.trace({
      urbs({ phase, setup, data }) {
        if (phase !== "complete" || !setup || setup[0] !== 0x80 || setup[1] !== 6) return;
        const key = `${setup[3]}:${setup[2]}`;
        const bytes = Buffer.from(data).toString("hex");
        if (bytes.length > (heard.get(key) ?? "").length) heard.set(key, bytes);
      },
    });
    await work();
    stop();
    return heard;
  }

  it.each([
    ["flash-drive", { image: { size: 1 << 20 } }, SPEED_SUPER],
    ["uas-drive", { image: { size: 1 << 20 } }, SPEED_SUPER],
    ["keyboard", {}, SPEED_FULL],
    ["camera", {}, SPEED_HIGH],
    ["speaker", {}, SPEED_FULL],
    ["microphone", { speed: "high" }, SPEED_HIGH],
  ] as const)("of the %s are shown byte for byte, and lsusb -v reads them", async (kind, options, speed) => {
    const { controller, host, run, until } = bench;
    const heard = await answers(async () => {
      const report = await controller.port(3).plug(host.device(kind, options as never));
      expect(report.speed).toBe(speed);
      await until("ls /sys/bus/usb/devices/ | grep -q '^[0-9]-[1-9]:1.0$'");
    });
    const raw = (await run(RAW)).trim();
    expect(raw).toBe(`${heard.get("1:0")}${heard.get("2:0")}`);
    const shown = await run("lsusb -v -d 1209: 2>/dev/null || lsusb -v 2>/dev/null");
    const report = controller.port(3).plugged;
    expect(shown).toContain(`iManufacturer           1 ${report?.manufacturer}`);
    expect(shown).toContain(report?.product);
    const descriptor = Buffer.from(heard.get("1:0") ?? "", "hex");
    expect(shown).toMatch(new RegExp(`idVendor +0x${descriptor.readUInt16LE(8).toString(16).padStart(4, "0")}`));
    expect(shown).toMatch(new RegExp(`idProduct +0x${descriptor.readUInt16LE(10).toString(16).padStart(4, "0")}`));
    await controller.port(3).unplug();
    await until("! ls /sys/bus/usb/devices/ | grep -q '^[0-9]-[1-9]:1.0$'");
  });
});
