/** Descriptors of real devices (test/vectors/) in a stock Linux guest, as WebUSB devices, many at once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../asm/layout.ts";
import { FakeUsb } from "../fakes/usb.ts";
import { differing, PLUGGED, PROTECTED, unprotected } from "../vectors/expected.ts";
import { readVector, type Vector, VectorFunction } from "../vectors/vector.ts";
import { type Bench, startGuest } from "./harness.ts";
import { lsusbDevice } from "./lsusb.ts";

/** A line for every device of the guest but the root hubs: its ids, its speed, its descriptors as the kernel read them. */
const DEVICES =
  "for d in /sys/bus/usb/devices/[0-9]-[0-9]*; do case $d in *:*) ;; *) " +
  "echo $(cat $d/idVendor):$(cat $d/idProduct) $(cat $d/speed) $(hexdump -ve '1/1 \"%02x\"' $d/descriptors);; esac; done";

const SPEEDS: Readonly<Record<number, string>> = {
  [SPEED_LOW]: "1.5",
  [SPEED_FULL]: "12",
  [SPEED_HIGH]: "480",
  [SPEED_SUPER]: "5000",
};

const hex = (bytes: Iterable<number>) => Buffer.from(Uint8Array.from(bytes)).toString("hex");
const word = (bytes: Uint8Array, at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

/** What of a set of descriptors lsusb must show, in its order. */
function facts(bytes: readonly number[]) {
  const shown: { kind: string; fields: Record<string, number> }[] = [];
  for (let at = 0; at < bytes.length; at += bytes[at] || bytes.length) {
    const [, type, , third = 0, , fifth = 0] = bytes.slice(at, at + 9);
    const [, , second = 0, , fourth = 0, , sixth = 0] = bytes.slice(at, at + 9);
    if (type === 2)
      shown.push({
        kind: "CONFIGURATION",
        fields: { wTotalLength: second | (third << 8), bConfigurationValue: fifth },
      });
    if (type === 4) {
      const fields = {
        bInterfaceNumber: second,
        bAlternateSetting: third,
        bNumEndpoints: fourth,
        bInterfaceClass: fifth,
      };
      shown.push({ kind: "INTERFACE", fields });
    }
    if (type === 5) {
      const fields = { bEndpointAddress: second, wMaxPacketSize: fourth | (fifth << 8), bInterval: sixth };
      shown.push({ kind: "ENDPOINT", fields });
    }
  }
  return shown;
}

describe("descriptors of real devices in a stock Linux guest", () => {
  const usb = new FakeUsb();
  let bench: Bench;
  let port = 0;
  beforeAll(async () => {
    bench = await startGuest({ placement: "thread", usb: usb as unknown as USB });
  });
  afterAll(() => bench?.stop());

  async function plug(vector: Vector, unrestricted: boolean) {
    const { vendorId, productId, serialNumber } = usb.plug(new VectorFunction(vector), { unrestricted });
    const source = { kind: "webusb", vendorId, productId, serialNumber: serialNumber ?? "", ordinal: 0 } as const;
    port++;
    await bench.controller.port(port).plug(source);
  }

  /** Each device's line of DEVICES, once all are there. */
  async function enumerated(count: number): Promise<Map<string, string>> {
    const { run, until } = bench;
    await until(`cat /sys/bus/usb/devices/*/idVendor | grep -vc 1d6b | grep -qx ${count}`);
    const lines = (await run(DEVICES)).trim().split("\n");
    return new Map(lines.map((line) => [line.slice(0, 9), line.slice(10)]));
  }

  async function unplugAll(): Promise<void> {
    for (; port > 0; port--) await bench.controller.port(port).unplug();
    await bench.until("! cat /sys/bus/usb/devices/*/idVendor | grep -qv 1d6b");
  }

  const idsOf = ({ device }: Vector) => [8, 10].map((at) => word(device, at).toString(16).padStart(4, "0")).join(":");

  /** Of each kind of page some, a controller full at a time. */
  const all = [
    ...Object.keys(PLUGGED).map((name) => ({ name, unrestricted: false })),
    ...Object.keys(PROTECTED).map((name) => ({ name, unrestricted: true })),
  ];
  it.each([0, 1, 2])("are read byte for byte, and shown by lsusb -v: every third from %i on", async (group) => {
    const devices = all
      .filter((_, index) => index % 3 === group)
      .map((device) => ({ ...device, vector: readVector(device.name) }));
    for (const { vector, unrestricted } of devices) await plug(vector, unrestricted);
    const found = await enumerated(devices.length);
    const shown = await bench.run("lsusb -v 2>/dev/null");
    for (const { name, vector, unrestricted } of devices) {
      const { speed = 0 } = PLUGGED[name] ?? PROTECTED[name] ?? {};
      const [raw = new Uint8Array(0)] = vector.configurations;
      const bytes = unrestricted ? unprotected(raw) : differing(raw, PLUGGED[name]?.configuration);
      expect([name, found.get(idsOf(vector))]).toEqual([name, `${SPEEDS[speed]} ${hex(vector.device)}${hex(bytes)}`]);
      const { descriptors, strings } = lsusbDevice(shown, word(vector.device, 8), word(vector.device, 10));
      expect(descriptors.slice(1)).toMatchObject(facts(bytes));
      for (const index of vector.device.subarray(14, 17)) {
        const text = vector.strings.get(index);
        if (text !== undefined) expect(strings).toContain(text);
      }
    }
    await unplugAll();
  });

  it("of 65535 bytes, longer than any real one, are read to the last", async () => {
    const filler = (length: number) => [length, 0x24, ...new Array(length - 2).fill(0x5a)];
    const { device } = readVector("cp2102n");
    const configuration = Uint8Array.of(
      ...[9, 2, 0xff, 0xff, 1, 1, 0, 0x80, 50],
      ...[9, 4, 0, 0, 0, 0xff, 0, 0, 0],
      ...new Array(256).fill(filler(255)).flat(),
      ...filler(237),
    );
    const vector = { device, configurations: [configuration], strings: new Map() };
    await plug(vector, false);
    const found = await enumerated(1);
    expect(found.get(idsOf(vector))?.slice(3)).toBe(hex(device) + hex(configuration));
    await unplugAll();
  });

  it("leave nothing behind in the guest's log that is the controller's or the backend's", async () => {
    const log = (await bench.run("dmesg")).split("\n");
    const ours =
      /descriptor read|not accepting|unable to (read config|enumerate)|xhci_hcd.*(error|died|WARN)|timed out/i;
    expect(log.filter((line) => ours.test(line))).toEqual([]);
    expect(log.filter((line) => /Oops|BUG:|Call Trace|cut here/.test(line))).toEqual([]);
    expect(await bench.host.stats()).toMatchObject({ devices: 0, owned: 0 });
  });
});
