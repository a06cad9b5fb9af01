/** The register map as a driver finds it: capabilities, reset values, widths (xHCI 1.2 §5, §7). */
import { describe, expect, it } from "vitest";
import { SPEED_HIGH } from "../../../asm/layout.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";

const createRig = await rigFactory();
const PORTSC = 0x400;

describe("the capability registers", () => {
  it.each([1, 2, 4, 8, 15])("agree with each other for %i sockets", (sockets) => {
    const { driver, controller } = createRig({ sockets });
    const { capabilities } = driver;
    const { size } = controller.pci.bar;
    expect(capabilities).toMatchObject({
      version: 0x0110,
      maxSlots: 64,
      maxInterrupters: 1,
      maxPorts: 2 * sockets,
      maxEventSegments: 4,
      scratchpads: 0,
      contextSize: 32,
      has64BitAddresses: false,
      hasPortPower: true,
      hasPortIndicators: false,
    });
    expect(capabilities.protocols).toEqual([
      { major: 2, name: "USB ", firstPort: 1, portCount: sockets, slotType: 0 },
      { major: 3, name: "USB ", firstPort: sockets + 1, portCount: sockets, slotType: 0 },
    ]);
    // Every block lies in the BAR and behind the one before it.
    const portsEnd = capabilities.operational + 0x400 + capabilities.maxPorts * 16;
    expect(portsEnd).toBeLessThanOrEqual(capabilities.list[0] as number);
    expect((capabilities.list.at(-1) as number) + 16).toBeLessThanOrEqual(capabilities.runtime);
    expect(capabilities.runtime + 0x40).toBeLessThanOrEqual(capabilities.doorbells);
    expect(capabilities.doorbells + (capabilities.maxSlots + 1) * 4).toBeLessThanOrEqual(size);
    expect(capabilities.runtime % 32).toBe(0);
    expect(size & (size - 1)).toBe(0);
  });

  it("can be read byte by byte, and ignore writes", () => {
    const { driver } = createRig();
    for (let offset = 0; offset < 0x20; offset++) driver.bar.write(offset, 1, 0xff);
    for (let offset = 0; offset < 0x20; offset += 4) {
      const whole = driver.bar.read(offset, 4);
      const bytes = [0, 1, 2, 3].map((lane) => driver.bar.read(offset + lane, 1));
      expect(bytes).toEqual([whole & 0xff, (whole >>> 8) & 0xff, (whole >>> 16) & 0xff, whole >>> 24]);
      expect(driver.bar.read(offset + 2, 2)).toBe(whole >>> 16);
    }
  });

  it("refuse what is not 1 to 15 sockets", () => {
    for (const sockets of [0, 16, 1.5, -1, Number.NaN]) expect(() => createRig({ sockets })).toThrow(RangeError);
  });
});

describe("reset values", () => {
  it("are those of the specification", () => {
    const { driver } = createRig();
    const operational = [0, 4, 8, 0x14, 0x18, 0x1c, 0x30, 0x34, 0x38].map((offset) => driver.readOperational(offset));
    expect(operational).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 0]);
    const runtime = [0, 0x20, 0x24, 0x28, 0x30, 0x34, 0x38, 0x3c].map((offset) => driver.readRuntime(offset));
    expect(runtime).toEqual([0, 0, 4000, 0, 0, 0, 0, 0]);
    for (let port = 0; port < driver.capabilities.maxPorts; port++) {
      expect(driver.readOperational(PORTSC + port * 16)).toBe(0x2a0);
    }
  });
});

describe("registers", () => {
  it("have change bits cleared one by one, by the byte that is written", () => {
    const { driver, back } = createRig();
    driver.start();
    back.plug(1, SPEED_HIGH);
    driver.port(1).startReset();
    const at = driver.capabilities.operational + PORTSC;
    expect(driver.bar.read(at + 2, 1)).toBe(0x22);
    driver.bar.write(at + 1, 1, 0xff);
    driver.bar.write(at + 2, 1, 0x20);
    expect(driver.bar.read(at + 2, 1)).toBe(0x02);
    expect(driver.port(1).enabled).toBe(true);
    driver.bar.write(at + 2, 2, 0x02);
    expect(driver.bar.read(at + 2, 1)).toBe(0);
    driver.bar.write(at, 1, 0x02);
    expect(driver.port(1).enabled).toBe(false);
  });

  it("ring a doorbell by its lowest byte only", () => {
    const { driver, back } = createRig({ placement: "deferred" });
    driver.start();
    back.plug(1, SPEED_HIGH);
    const device = driver.enumerate(1, SPEED_HIGH);
    device.control({ bmRequestType: 0, bRequest: 9 });
    expect(back.held.length).toBe(1);
    expect(device.stop(1)).toBe(1);
    driver.take();
    const doorbell = driver.capabilities.doorbells + device.slotId * 4;
    for (const lane of [1, 2, 3]) driver.bar.write(doorbell + lane, 1, 1);
    driver.bar.write(doorbell + 2, 2, 1);
    expect(device.endpointState(1)).toBe(3);
    driver.bar.write(doorbell, 1, 1);
    expect(device.endpointState(1)).toBe(1);
    expect(driver.bar.read(doorbell, 4)).toBe(0);
  });

  it("say with MFINDEX that time goes on while the controller runs", async () => {
    const { driver } = createRig();
    expect(driver.readRuntime(0)).toBe(0);
    driver.start();
    const before = driver.readRuntime(0);
    let after = before;
    while (after === before) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      after = driver.readRuntime(0);
    }
    expect(after).toBeLessThan(0x4000);
  });
});
