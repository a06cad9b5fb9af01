import { describe, expect, test } from "vitest";
import {
  SPEED_HIGH,
  SPEED_SUPER,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_OK,
  STATUS_STALL,
  TYPE_BULK,
} from "../../../asm/layout.ts";
import type { ActiveConfiguration } from "../../../worker/device/active-configuration.ts";
import { CONFIGURATION_REMOTE_WAKEUP, CONFIGURATION_SELF_POWERED } from "../../../worker/device/descriptor.ts";
import type { DeviceFunction, DeviceModel } from "../../../worker/device/device-model.ts";
import type { Endpoint } from "../../../worker/device/endpoint.ts";
import { SoftwareDevice } from "../../../worker/device/software-device.ts";
import { flashDriveModel } from "../../../worker/device/storage/flash-drive.ts";
import { bytes, Host, hex, now } from "./harness.ts";

/** A device that answers nothing by itself and writes down what it is told. */
class Recorder implements DeviceFunction {
  readonly calls: string[] = [];
  active: ActiveConfiguration | undefined;
  start(active: ActiveConfiguration): void {
    this.active = active;
    this.calls.push(`start ${active.descriptor.value}`);
  }
  stop(): void {
    this.calls.push("stop");
  }
  reset(): void {
    this.calls.push("reset");
  }
  control(): boolean {
    return false;
  }
  ready(endpoint: Endpoint): void {
    this.calls.push(`ready ${hex(Uint8Array.of(endpoint.address))}`);
  }
  withdrawn(endpoint: Endpoint): void {
    this.calls.push(`withdrawn ${hex(Uint8Array.of(endpoint.address))}`);
  }
  haltCleared(endpoint: Endpoint): void {
    this.calls.push(`cleared ${hex(Uint8Array.of(endpoint.address))}`);
  }
}

const bulk = { attributes: 0x02, maxPacketSize: 512 };
const plain = { interfaceClass: 0xff, subclass: 0, protocol: 0 };
const MODEL: DeviceModel = {
  speed: SPEED_HIGH,
  device: {
    usbVersion: 0x0200,
    maxPacketSize0: 64,
    vendorId: 0x1234,
    productId: 0x5678,
    deviceVersion: 0x0100,
    product: 1,
  },
  configurations: [
    {
      value: 1,
      attributes: CONFIGURATION_REMOTE_WAKEUP,
      maxPower: 1,
      interfaces: [
        {
          ...plain,
          number: 0,
          endpoints: [
            { ...bulk, address: 0x81 },
            { ...bulk, address: 0x02 },
          ],
        },
        { ...plain, number: 0, alternate: 1, endpoints: [{ ...bulk, address: 0x83 }] },
      ],
    },
    {
      value: 7,
      attributes: CONFIGURATION_SELF_POWERED,
      maxPower: 1,
      interfaces: [{ ...plain, number: 3, endpoints: [] }],
    },
  ],
  strings: ["Recorder"],
};

async function plug(model: DeviceModel = MODEL): Promise<{ host: Host; conduct: Recorder }> {
  const conduct = new Recorder();
  return { host: await Host.plug(new SoftwareDevice(model, conduct)), conduct };
}

const STALLED = { status: STATUS_STALL, actual: 0 };
const DONE = { status: STATUS_OK };

/** One request by its eight bytes, with as much room or data as wLength says. */
function request(host: Host, setup: string, data?: Uint8Array) {
  const packet = new DataView(bytes(setup).buffer);
  return host.control(
    {
      bmRequestType: packet.getUint8(0),
      bRequest: packet.getUint8(1),
      wValue: packet.getUint16(2, true),
      wIndex: packet.getUint16(4, true),
      wLength: packet.getUint16(6, true),
    },
    data,
  );
}

describe("GET_DESCRIPTOR (USB 2.0 §9.4.3)", () => {
  test("gives what is asked for, and no more than there is", async () => {
    const { host } = await plug();
    const device = "12010002000000403412785600010001" + "0002";
    expect(hex(request(host, "80 06 0001 0000 1200").bytes)).toBe(device);
    expect(hex(request(host, "80 06 0001 0000 0800").bytes)).toBe(device.slice(0, 16));
    expect(request(host, "80 06 0001 0000 ff00").actual).toBe(18);
    expect(request(host, "80 06 0001 0000 0000")).toMatchObject({ ...DONE, actual: 0 });
    expect(request(host, "80 06 0002 0000 ffff").actual).toBe(9 + 9 + 14 + 9 + 7);
    expect(hex(request(host, "80 06 0102 0000 ffff").bytes)).toBe("090212000107" + "00c001" + "0904030000ff000000");
    expect(hex(request(host, "80 06 0003 0000 ff00").bytes)).toBe("04030904");
    expect(hex(request(host, "80 06 0103 0904 ff00").bytes)).toBe(`1203${hex(Buffer.from("Recorder", "utf16le"))}`);
  });

  test("stalls what it does not have", async () => {
    const { host } = await plug();
    for (const wValue of [
      "0101",
      "0202",
      "0203",
      "ee03",
      "0004",
      "0005",
      "0006",
      "0007",
      "000f",
      "0021",
      "0029",
      "0000",
    ]) {
      expect(request(host, `80 06 ${wValue} 0000 ff00`), wValue).toMatchObject(STALLED);
    }
    expect(request(host, "00 07 0001 0000 1200", new Uint8Array(18)), "SET_DESCRIPTOR").toMatchObject(STALLED);
    expect(host.clean).toBe(true);
  });

  test("qualifier and other speed: a high-speed drive has them, full speed and SuperSpeed stall", async () => {
    const { host: high } = await plug(flashDriveModel("high", "S"));
    expect(hex(request(high, "80 06 0006 0000 0a00").bytes)).toBe("0a061001000000400100");
    expect(hex(request(high, "80 06 0007 0000 ff00").bytes)).toBe(
      "0907200001010080320904000002080650000705810240000007050202400000",
    );
    for (const speed of ["full", "super"] as const) {
      const { host } = await plug(flashDriveModel(speed, "S"));
      expect(request(host, "80 06 0006 0000 0a00")).toMatchObject(STALLED);
      expect(request(host, "80 06 0007 0000 ff00")).toMatchObject(STALLED);
    }
  });

  test("a SuperSpeed drive has a BOS and companions", async () => {
    const { host } = await plug(flashDriveModel("super", "S"));
    expect(hex(request(host, "80 06 0001 0000 1200").bytes)).toBe("120100030000000909120100000101020301");
    expect(hex(request(host, "80 06 000f 0000 ff00").bytes)).toBe("050f1600020710020200000" + "00a1003000e0001000000");
    expect(hex(request(host, "80 06 0002 0000 ff00").bytes)).toBe(
      "09022c00010100800c" +
        "090400000208065000" +
        "07058102000400" +
        "06300f000000" +
        "07050202000400" +
        "06300f000000",
    );
  });
});

describe("configuration and alternates", () => {
  test("SET_CONFIGURATION and GET_CONFIGURATION (USB 2.0 §9.4.7, §9.4.2)", async () => {
    const { host, conduct } = await plug();
    const get = () => request(host, "80 08 0000 0000 0100").bytes[0];
    expect(get()).toBe(0);
    expect(request(host, "00 09 0500 0000 0000")).toMatchObject(STALLED);
    expect(request(host, "00 09 0100 0000 0000")).toMatchObject(DONE);
    expect(get()).toBe(1);
    const waiting = host.in(0x81, 512);
    expect(request(host, "00 09 0700 0000 0000")).toMatchObject(DONE);
    expect(now(waiting)).toMatchObject({ status: STATUS_CANCELLED, actual: 0 });
    expect(get()).toBe(7);
    expect(now(host.in(0x81, 512)).status).toBe(STATUS_INVALID);
    expect(request(host, "00 09 0500 0000 0000")).toMatchObject(STALLED);
    expect(get()).toBe(7);
    expect(request(host, "00 09 0000 0000 0000")).toMatchObject(DONE);
    expect(get()).toBe(0);
    expect(conduct.calls).toEqual(["start 1", "ready 81", "stop", "start 7", "stop"]);
    expect(host.clean).toBe(true);
  });

  test("SET_INTERFACE and GET_INTERFACE (USB 2.0 §9.4.10, §9.4.4)", async () => {
    const { host, conduct } = await plug();
    expect(request(host, "81 0a 0000 0000 0100"), "not configured").toMatchObject(STALLED);
    expect(request(host, "01 0b 0000 0000 0000"), "not configured").toMatchObject(STALLED);
    host.configure();
    expect(request(host, "81 0a 0000 0000 0100").bytes[0]).toBe(0);
    expect(request(host, "81 0a 0000 0100 0100")).toMatchObject(STALLED);
    const waiting = host.in(0x81, 512);
    expect(request(host, "01 0b 0100 0000 0000")).toMatchObject(DONE);
    expect(now(waiting).status).toBe(STATUS_CANCELLED);
    expect(request(host, "81 0a 0000 0000 0100").bytes[0]).toBe(1);
    expect(now(host.in(0x81, 512)).status).toBe(STATUS_INVALID);
    const other = host.in(0x83, 512);
    expect(other.answer).toBeUndefined();
    expect(request(host, "01 0b 0200 0000 0000")).toMatchObject(STALLED);
    expect(request(host, "01 0b 0000 0300 0000")).toMatchObject(STALLED);
    await host.reset(other);
    expect(request(host, "80 08 0000 0000 0100").bytes[0]).toBe(0);
    expect(conduct.calls.slice(-3)).toEqual(["withdrawn 83", "stop", "reset"]);
    host.configure();
    expect(request(host, "81 0a 0000 0000 0100").bytes[0]).toBe(0);
    expect(host.clean).toBe(true);
  });
});

describe("GET_STATUS, SET_FEATURE, CLEAR_FEATURE (USB 2.0 §9.4.5, §9.4.9, §9.4.1)", () => {
  test("device: self powered, remote wake-up, no test modes", async () => {
    const { host } = await plug();
    const status = () => hex(request(host, "80 00 0000 0000 0200").bytes);
    expect(status()).toBe("0000");
    expect(request(host, "00 03 0100 0000 0000")).toMatchObject(DONE);
    expect(status()).toBe("0200");
    host.configure(7);
    expect(status()).toBe("0300");
    expect(request(host, "00 01 0100 0000 0000")).toMatchObject(DONE);
    expect(status()).toBe("0100");
    for (const feature of ["0000", "0200", "3000", "3100", "3200"]) {
      expect(request(host, `00 03 ${feature} 0000 0000`), feature).toMatchObject(STALLED);
    }
    const { host: other } = await plug(flashDriveModel("high", "S"));
    expect(request(other, "00 03 0100 0000 0000"), "does not wake").toMatchObject(STALLED);
  });

  test("interface: exists or stalls", async () => {
    const { host } = await plug();
    expect(request(host, "81 00 0000 0000 0200")).toMatchObject(STALLED);
    host.configure();
    expect(hex(request(host, "81 00 0000 0000 0200").bytes)).toBe("0000");
    expect(request(host, "81 00 0000 0100 0200")).toMatchObject(STALLED);
    expect(request(host, "01 03 0000 0000 0000"), "FUNCTION_SUSPEND is SuperSpeed's").toMatchObject(STALLED);
  });

  test("endpoint: a halt stalls what waits and what comes, until it is cleared", async () => {
    const { host, conduct } = await plug();
    host.configure();
    const waiting = [host.in(0x81, 512), host.in(0x81, 512), host.in(0x81, 512)];
    expect(request(host, "02 03 0000 8100 0000")).toMatchObject(DONE);
    expect(waiting.map((each) => now(each).status)).toEqual([STATUS_STALL, STATUS_CANCELLED, STATUS_CANCELLED]);
    expect(waiting.every((each) => now(each).actual === 0)).toBe(true);
    expect(hex(request(host, "82 00 0000 8100 0200").bytes)).toBe("0100");
    expect(hex(request(host, "82 00 0000 0200 0200").bytes)).toBe("0000");
    expect(now(host.in(0x81, 512)).status).toBe(STATUS_STALL);
    expect(now(host.in(0x81, 512)).status).toBe(STATUS_STALL);
    expect(request(host, "02 01 0000 8100 0000")).toMatchObject(DONE);
    expect(hex(request(host, "82 00 0000 8100 0200").bytes)).toBe("0000");
    const again = host.in(0x81, 512);
    expect(again.answer).toBeUndefined();
    host.cancel(again);
    expect(now(again).status).toBe(STATUS_CANCELLED);
    expect(conduct.calls).toEqual(["start 1", "ready 81", "withdrawn 81", "cleared 81", "ready 81", "withdrawn 81"]);

    host.submit(0x81, TYPE_BULK, 0);
    request(host, "02 03 0000 8100 0000");
    host.configure();
    expect(hex(request(host, "82 00 0000 8100 0200").bytes), "SET_CONFIGURATION clears it").toBe("0000");
    expect(host.clean).toBe(true);
  });

  test("endpoint: an isochronous one has no halt (USB 2.0 §5.6.5)", async () => {
    const endpoints = [{ address: 0x81, attributes: 0x05, maxPacketSize: 64, interval: 1 }];
    const interfaces = [{ ...plain, number: 0, endpoints }];
    const { host } = await plug({ ...MODEL, configurations: [{ value: 1, attributes: 0, maxPower: 1, interfaces }] });
    host.configure();
    expect(request(host, "02 03 0000 8100 0000")).toMatchObject(STALLED);
    expect(request(host, "02 01 0000 8100 0000")).toMatchObject(STALLED);
    expect(hex(request(host, "82 00 0000 8100 0200").bytes)).toBe("0000");
  });

  test("endpoint: wIndex must name one", async () => {
    const { host } = await plug();
    expect(hex(request(host, "82 00 0000 0000 0200").bytes), "endpoint 0").toBe("0000");
    expect(request(host, "02 01 0000 0000 0000"), "endpoint 0").toMatchObject(DONE);
    expect(request(host, "82 00 0000 8100 0200"), "not configured").toMatchObject(STALLED);
    host.configure();
    for (const index of ["8200", "0100", "8101", "c100", "8f00"]) {
      expect(request(host, `82 00 0000 ${index} 0200`), index).toMatchObject(STALLED);
      expect(request(host, `02 01 0000 ${index} 0000`), index).toMatchObject(STALLED);
    }
    expect(request(host, "02 01 0100 8100 0000"), "another feature").toMatchObject(STALLED);
  });
});

test("SuperSpeed: U1, U2, function suspend, SET_SEL, SET_ISOCH_DELAY (USB 3.2 §9.4)", async () => {
  const { host } = await plug(flashDriveModel("super", "S"));
  expect(host.device.speed).toBe(SPEED_SUPER);
  expect(request(host, "00 30 0000 0000 0600", new Uint8Array(6))).toMatchObject({ ...DONE, actual: 6 });
  expect(request(host, "00 30 0000 0000 0500", new Uint8Array(5))).toMatchObject(STALLED);
  expect(request(host, "00 31 2800 0000 0000")).toMatchObject(DONE);
  expect(request(host, "00 03 3000 0000 0000"), "U1 needs a configuration").toMatchObject(STALLED);
  host.configure();
  expect(request(host, "00 03 3000 0000 0000")).toMatchObject(DONE);
  expect(request(host, "00 03 3100 0000 0000")).toMatchObject(DONE);
  expect(hex(request(host, "80 00 0000 0000 0200").bytes)).toBe("0c00");
  expect(request(host, "00 01 3000 0000 0000")).toMatchObject(DONE);
  expect(hex(request(host, "80 00 0000 0000 0200").bytes)).toBe("0800");
  expect(request(host, "01 03 0000 0003 0000"), "FUNCTION_SUSPEND").toMatchObject(DONE);
  expect(request(host, "00 03 0100 0000 0000"), "remote wake-up is the function's").toMatchObject(STALLED);
  const { host: high } = await plug();
  expect(request(high, "00 30 0000 0000 0600", new Uint8Array(6))).toMatchObject(STALLED);
  expect(request(high, "00 31 2800 0000 0000")).toMatchObject(STALLED);
});

test("requests are matched on the full bmRequestType", async () => {
  const { host } = await plug();
  for (const setup of [
    "c0 06 0001 0000 1200",
    "a0 06 0001 0000 1200",
    "40 09 0100 0000 0000",
    "20 09 0100 0000 0000",
  ]) {
    expect(request(host, setup), setup).toMatchObject(STALLED);
  }
  expect(request(host, "80 08 0000 0000 0100").bytes[0], "not configured by a vendor's request 9").toBe(0);
  for (const setup of [
    "00 06 0001 0000 0000",
    "83 06 0001 0000 1200",
    "80 0c 0000 0000 0200",
    "00 ff 0000 0000 0000",
  ]) {
    expect(request(host, setup), setup).toMatchObject(STALLED);
  }
});

test("transfers to endpoints that are not there are invalid; close leaves nothing behind", async () => {
  const { host, conduct } = await plug();
  expect(now(host.in(0x81, 512)).status).toBe(STATUS_INVALID);
  host.configure();
  expect(now(host.in(0x8f, 512)).status).toBe(STATUS_INVALID);
  expect(now(host.out(0x00, new Uint8Array(8))).status).toBe(STATUS_INVALID);
  const waiting = host.in(0x81, 512);
  await host.device.close();
  await host.settle();
  expect(now(waiting).status).toBe(STATUS_CANCELLED);
  expect(conduct.calls.at(-1)).toBe("stop");
  expect(host.clean).toBe(true);
});
