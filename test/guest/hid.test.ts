/**
 * HID devices in a stock Linux guest: its usbhid and hid-generic bind each kind, evdev says what was done to them, and what
 * the guest sends back arrives. The kinds are in one guest, one port each.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UsbPort } from "../../dist/app/index.js";
import type { DeviceInput, DeviceSource, HidOutput } from "../../dist/worker/protocol.js";
import { type Bench, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";

/** Vendor reports: input 1 of 2 bytes, output 2 of 2, feature 3 of 4. */
const METER: DeviceSource = {
  kind: "hid",
  vendorId: 0x1d50,
  productId: 0x6018,
  product: "Meter",
  reportDescriptor: Uint8Array.from(
    Buffer.from("0600ff0901a101150026ff0075088501950209028102850209039102850395040904b102c0", "hex"),
  ),
};

/** Types and codes of linux/input-event-codes.h. */
const EV_SYN = 0;
const EV_KEY = 1;
const EV_REL = 2;
const EV_ABS = 3;
const EV_MSC = 4;

type InputEvent = readonly [type: number, code: number, value: number];

/** struct input_event of a 32-bit guest: 8 bytes of time, and then this. */
function written([type, code, value]: InputEvent): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(type, 0);
  bytes.writeUInt16LE(code, 2);
  bytes.writeInt32LE(value, 4);
  return bytes;
}

function read(record: Buffer): InputEvent {
  return [record.readUInt16LE(8), record.readUInt16LE(10), record.readInt32LE(12)];
}

let bench: Bench;
beforeAll(async () => {
  bench = await startGuest({}, { overlay: guestTools() });
});
afterAll(() => bench?.stop());

/** Plugs a device. Its `events` are those that come while it is acted on, up to the `last`. */
async function plugInput(number: number, kind: "keyboard" | "mouse" | "tablet" | "gamepad") {
  const { controller, host, run, until } = bench;
  const port = controller.port(number);
  await port.plug(host.device(kind));
  const path = `/sys/bus/usb/devices/1-${number}/1-${number}:1.0`;
  await until(`ls -d ${path}/*/input/input*/event*`);
  expect(await run(`readlink ${path}/driver; readlink ${path}/*/driver`)).toMatch(/usbhid\n.*hid-generic\n$/);
  const event = `/dev/input/${(await run(`basename ${path}/*/input/input*/event*`)).trim()}`;
  const events = async (last: InputEvent, ...messages: DeviceInput[]): Promise<InputEvent[]> => {
    // The shell opens the device before its job reads it: nothing is lost in between.
    await run(`exec 3< ${event}; cat <&3 > /tmp/events & echo $! > /tmp/reader`);
    for (const message of messages) await port.input(message);
    const dump = `hexdump -ve '16/1 "%02x" "\\n"' /tmp/events`;
    const text = await until(`${dump} | grep ${written(last).toString("hex")} > /dev/null && ${dump}`);
    await run("kill $(cat /tmp/reader)");
    // Scan codes and ends of reports say nothing new, and a key repeats itself on a busy machine.
    return [...text.matchAll(/[0-9a-f]{32}/g)]
      .map(([record]) => read(Buffer.from(record, "hex")))
      .filter(([type, , value]) => type !== EV_SYN && type !== EV_MSC && !(type === EV_KEY && value === 2));
  };
  return { port, path, events };
}

describe("a keyboard", () => {
  it("types, and its lights come back", async () => {
    const { port, path, events } = await plugInput(1, "keyboard");
    const keys = await events(
      [EV_KEY, 30, 0],
      { type: "key", code: "KeyA", pressed: true },
      { type: "key", code: "KeyA", pressed: false },
    );
    expect(keys).toEqual([
      [EV_KEY, 30, 1],
      [EV_KEY, 30, 0],
    ]);
    const lit = new Promise<void>((resolve) => {
      port.onOutput = resolve;
    });
    await port.output();
    await bench.run(`echo 1 > $(ls -d ${path}/*/input/input*/*::capslock)/brightness`);
    await lit;
    expect(await port.output()).toMatchObject({ type: "lights", capsLock: true, numLock: false });
  });
});

describe("a mouse", () => {
  it("moves, clicks and turns its wheels", async () => {
    const { events } = await plugInput(2, "mouse");
    const seen = await events(
      [EV_KEY, 276, 0],
      { type: "mouse", x: 5, y: -3 },
      { type: "mouse", buttons: 0x11 },
      { type: "mouse", wheel: -1, pan: 2 },
      { type: "mouse", buttons: 0 },
    );
    expect(seen).toEqual([
      [EV_REL, 0, 5],
      [EV_REL, 1, -3],
      [EV_KEY, 272, 1], // left
      [EV_KEY, 276, 1], // forward
      [EV_REL, 8, -1], // wheel, and in 120ths of a notch
      [EV_REL, 11, -120],
      [EV_REL, 6, 2], // horizontal wheel
      [EV_REL, 12, 240],
      [EV_KEY, 272, 0],
      [EV_KEY, 276, 0],
    ]);
  });
});

describe("a tablet", () => {
  it("is where it is said to be", async () => {
    const { events } = await plugInput(3, "tablet");
    const seen = await events(
      [EV_REL, 11, 120],
      { type: "tablet", x: 0x1234, y: 0x4321 },
      { type: "tablet", buttons: 2 },
      { type: "tablet", wheel: 1 },
    );
    expect(seen).toEqual([
      [EV_ABS, 0, 0x1234],
      [EV_ABS, 1, 0x4321],
      [EV_KEY, 273, 1],
      [EV_REL, 8, 1],
      [EV_REL, 11, 120],
    ]);
  });
});

describe("a gamepad", () => {
  it("is one to Linux, with its buttons, hat, sticks and triggers", async () => {
    const { events } = await plugInput(4, "gamepad");
    const seen = await events([EV_ABS, 3, 32767], {
      type: "gamepad",
      buttons: 0x8001,
      hat: 3,
      axes: [32767, -32767, 0, 0, 32767, 0],
    });
    expect(seen).toEqual([
      [EV_KEY, 0x130, 1],
      [EV_KEY, 0x13f, 1],
      [EV_ABS, 16, 1], // hat, to the right
      [EV_ABS, 0, 32767],
      [EV_ABS, 1, -32767],
      [EV_ABS, 3, 32767], // Rx
    ]);
  });
});

describe("a HID device of the page", () => {
  let port: UsbPort;
  let hidraw: string;
  const sent: string[] = [];
  let kept = Buffer.from("03aabbccdd", "hex");

  beforeAll(async () => {
    const { controller, run, until } = bench;
    port = controller.port(5);
    await port.plug(METER);
    port.onOutput = () => void answer();
    const folder = "/sys/bus/usb/devices/1-5/1-5:1.0/*/hidraw";
    await until(`ls ${folder}/`);
    hidraw = `/dev/${(await run(`ls ${folder}/`)).trim()}`;
  });

  /** The page's side. */
  async function answer(): Promise<void> {
    for (const request of ((await port.output()) as HidOutput | undefined)?.requests ?? []) {
      if (request.is === "send") {
        sent.push(`${request.report} ${request.id} ${Buffer.from(request.bytes).toString("hex")}`);
        if (request.report === "feature") kept = Buffer.from([request.id, ...request.bytes]);
      }
      if (request.answer !== undefined) {
        await port.input({ type: "hid-answer", answer: request.answer, bytes: Uint8Array.from(kept) });
      }
    }
  }

  it("answers for a feature report, and takes one", async () => {
    // HIDIOCGFEATURE and HIDIOCSFEATURE, of 5 bytes.
    const feature = (request: string, bytes: string) =>
      bench.run(
        `perl -e 'open(F, "+<", "${hidraw}"); $b = pack("H*", "${bytes}"); ioctl(F, ${request}, $b) or die $!; print unpack("H10", $b)'`,
      );
    expect(await feature("0xc0054807", "0300000000")).toBe("03aabbccdd");
    await feature("0xc0054806", "0311223344");
    expect(sent).toContain("feature 3 11223344");
    expect(await feature("0xc0054807", "0300000000")).toBe("0311223344");
  });

  it("sends input reports, and gets output reports", async () => {
    await bench.run(`exec 3< ${hidraw}; head -c 3 <&3 > /tmp/report 2> /dev/null &`);
    await port.input({ type: "hid-report", id: 1, bytes: Uint8Array.of(0x12, 0x34) });
    await bench.until("[ $(wc -c < /tmp/report) -eq 3 ]");
    expect(await bench.run(`hexdump -ve '1/1 "%02x"' /tmp/report`)).toBe("011234");
    await bench.run(`printf '\\002\\252\\273' > ${hidraw}`);
    await expect.poll(() => sent).toContain("output 2 aabb");
  });
});
