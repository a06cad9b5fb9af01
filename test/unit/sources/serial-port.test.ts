/** A serial port of Web Serial as a CDC-ACM adapter: the guest's settings, lines and bytes, in order and none lost. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openSerialPort, type SerialPortFeed } from "../../../app/sources/serial-port.ts";
import { STATUS_OK } from "../../../asm/layout.ts";
import { createSerial } from "../../../worker/device/serial/serial.ts";
import { FedPort } from "../../fakes/fed-port.ts";
import { FakeSerialPort, fakeSerial } from "../../fakes/serial-port.ts";
import { bytes, now, pattern } from "../device/harness.ts";

const IN = 0x82;
const OUT = 0x02;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function plug(
  serial = new FakeSerialPort(),
): Promise<{ serial: FakeSerialPort; feed: SerialPortFeed; port: FedPort }> {
  const feed = await openSerialPort(fakeSerial(serial));
  const { kind: _, ...source } = feed.source;
  const port = await FedPort.plug((host) => createSerial(source, host));
  feed.plugged(port.usb);
  await port.host.settle();
  return { serial, feed, port };
}

const coding = (port: FedPort, text: string) =>
  port.host.control({ bmRequestType: 0x21, bRequest: 0x20 }, bytes(text)).status;
const lines = (port: FedPort, wValue: number) => port.host.control({ bmRequestType: 0x21, bRequest: 0x22, wValue });
const breaks = (port: FedPort, wValue: number) => port.host.control({ bmRequestType: 0x21, bRequest: 0x23, wValue });
/** Waits until the port was open so, and all is done. */
async function opened(port: FedPort, serial: FakeSerialPort, how: string): Promise<void> {
  for (let turn = 0; turn < 5000 && !serial.log.includes(`open ${how}`); turn++) await port.host.settle(1);
  await port.host.settle();
}
/** What the guest reads, all of it. */
async function read(port: FedPort): Promise<Uint8Array> {
  const got: Uint8Array[] = [];
  for (;;) {
    const transfer = port.host.in(IN, 4096);
    await port.host.settle(5);
    if (!transfer.answer) {
      port.host.cancel(transfer);
      return Buffer.concat(got);
    }
    got.push(transfer.answer.bytes);
  }
}

describe("the guest's side", () => {
  test("opens the port anew for other settings: after what was sent before, and before what is sent then", async () => {
    const { serial, port } = await plug();
    lines(port, 3);
    port.host.out(OUT, bytes("1122"));
    coding(port, "00c20100 00 00 08");
    lines(port, 2);
    lines(port, 3);
    port.host.out(OUT, bytes("33"));
    coding(port, "2c010000 02 02 07");
    await opened(port, serial, "300 7even2 none");
    expect(serial.log).toEqual([
      "open 9600 8none1 none",
      "dtr- rts-",
      "dtr+ rts+",
      "1122",
      "close",
      "open 115200 8none1 none",
      "dtr+ rts+",
      "dtr-",
      "dtr+",
      "33",
      "close",
      "open 300 7even2 none",
      "dtr+ rts+",
    ]);
    expect(serial.options?.bufferSize).toBe(65_536);
  });

  test("opens it once for several settings at a time, and sets a break as long as the guest has it", async () => {
    const { serial, port } = await plug();
    serial.log.length = 0;
    coding(port, "00c20100 00 00 08");
    coding(port, "00c20100 00 01 08");
    coding(port, "00c20100 00 01 07");
    breaks(port, 0xffff);
    breaks(port, 0);
    await opened(port, serial, "115200 7odd1 none");
    expect(serial.log).toEqual(["close", "open 115200 7odd1 none", "dtr- rts-", "break+", "break-"]);
  });

  test("that Web Serial has no word for is the nearest; what the port refuses leaves it as it was, with a sentence", async () => {
    const { serial, feed, port } = await plug();
    serial.refused.add(134);
    coding(port, "00c20100 01 03 08");
    await opened(port, serial, "115200 8none2 none");
    serial.log.length = 0;
    coding(port, "86000000 00 00 08");
    lines(port, 1);
    await opened(port, serial, "115200 8none2 none");
    expect(serial.log).toEqual(["close", "open 115200 8none2 none", "dtr- rts-", "dtr+"]);
    expect(feed.actions[0]?.title).toContain("does not take 134 bits a second and stays at 115200");
    port.host.out(OUT, bytes("44"));
    await port.host.settle();
    expect(serial.log.at(-1)).toBe("44");
  });

  test("waits while the port takes nothing, and not a byte is lost", async () => {
    const { serial, port } = await plug();
    serial.log.length = 0;
    const letGo = serial.hold();
    const sent = pattern(400_000);
    const transfers = [0, 1, 2, 3].map((part) =>
      port.host.out(OUT, sent.subarray(part * 100_000, (part + 1) * 100_000)),
    );
    await port.host.settle();
    expect(transfers.map(({ answer }) => answer?.status)).toEqual([STATUS_OK, undefined, undefined, undefined]);
    serial.receive(bytes("55")); // the other way goes on
    expect(Buffer.from(await read(port)).toString("hex")).toBe("55");
    letGo();
    await port.host.settle(60);
    for (const transfer of transfers) expect(now(transfer).status).toBe(STATUS_OK);
    await port.host.settle();
    expect(Buffer.compare(Buffer.from(serial.log.join(""), "hex"), sent)).toBe(0);
  });
});

describe("the port's side", () => {
  test("is read no faster than the guest reads, and not a byte is lost", async () => {
    const { serial, port } = await plug();
    const sent = pattern(1 << 20);
    for (let at = 0; at < sent.length; at += 1000) serial.receive(sent.subarray(at, at + 1000));
    await port.host.settle();
    expect(serial.unread).toBeGreaterThan(900_000);
    expect(Buffer.compare(await read(port), sent)).toBe(0);
  });

  test("what had come before the guest's other settings is not lost, however much the guest is behind", async () => {
    const { serial, port } = await plug();
    const sent = pattern(60_000);
    for (let at = 0; at < sent.length; at += 1000) serial.receive(sent.subarray(at, at + 1000));
    await port.host.settle();
    coding(port, "00c20100 00 00 08");
    await opened(port, serial, "115200 8none1 none");
    serial.receive(bytes("ff"));
    expect(Buffer.compare(await read(port), Buffer.concat([sent, bytes("ff")]))).toBe(0);
  });

  test("tells of its lines, and of each change", async () => {
    const { serial, port } = await plug();
    const listen = () => port.host.in(0x81, 16, 3);
    const first = listen();
    await port.host.settle(2);
    expect(first.answer).toBeUndefined(); // all off, as an adapter that was never told begins
    serial.lines = { ...serial.lines, dataCarrierDetect: true, ringIndicator: true };
    vi.advanceTimersByTime(100);
    await port.host.settle(5);
    expect(now(first).bytes[8]).toBe(0x09);
    const next = listen();
    vi.advanceTimersByTime(1000);
    await port.host.settle(5);
    expect(next.answer).toBeUndefined();
    serial.lines = { ...serial.lines, ringIndicator: false, dataSetReady: true };
    vi.advanceTimersByTime(100);
    await port.host.settle(5);
    expect(now(next).bytes[8]).toBe(0x03);
  });

  test("outlives breaks and wrong parity; the guest is told of the break", async () => {
    const { serial, port } = await plug();
    const listening = port.host.in(0x81, 16, 3);
    serial.fail("ParityError");
    await port.host.settle(5);
    serial.fail("BreakError");
    await port.host.settle(5);
    expect(now(listening).bytes[8]).toBe(0x04);
    serial.receive(bytes("66"));
    expect(Buffer.from(await read(port)).toString("hex")).toBe("66");
  });

  test("that is pulled out ends the feed once, with a sentence", async () => {
    const { serial, feed, port } = await plug();
    const ends: string[] = [];
    feed.onEnd = (reason) => ends.push(reason);
    serial.pullOut();
    await port.host.settle();
    port.host.out(OUT, bytes("77"));
    await port.host.settle();
    expect(ends).toEqual(["The serial port was pulled out."]);
    await feed.close();
  });
});

describe("the person", () => {
  test("has bytes held back by RTS and CTS, which the browser does from then on", async () => {
    const { serial, feed, port } = await plug();
    let changes = 0;
    feed.onChange = () => changes++;
    serial.log.length = 0;
    expect(feed.actions[0]).toMatchObject({ label: "RTS/CTS, 9600 8N1", pressed: false });
    await feed.actions[0]?.run();
    lines(port, 3);
    await port.host.settle();
    expect(serial.log).toEqual(["close", "open 9600 8none1 hardware", "dtr-", "dtr+"]);
    expect([feed.actions[0]?.pressed, changes]).toEqual([true, 1]);
    coding(port, "00c20100 00 00 08");
    await opened(port, serial, "115200 8none1 hardware");
    expect([feed.actions[0]?.label, changes]).toEqual(["RTS/CTS, 115200 8N1", 2]);
  });

  test("unplugs at any moment, and the port is free again", async () => {
    for (const moment of ["at rest", "while it takes nothing", "while it is opened anew"] as const) {
      const { serial, feed, port } = await plug();
      const letGo = moment === "at rest" ? undefined : serial.hold();
      port.host.out(OUT, pattern(9));
      if (moment === "while it is opened anew") coding(port, "00c20100 00 00 08");
      await port.host.settle(3);
      serial.receive(pattern(90_000));
      await port.host.settle(3);
      await feed.close();
      letGo?.();
      await port.host.settle();
      expect([moment, serial.options]).toEqual([moment, undefined]);
      await serial.open({ ...OPTIONS });
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test("is told what to do when there is no port", async () => {
    await expect(openSerialPort(undefined)).rejects.toThrow(/Use Chrome, Edge or Opera/);
    const refusal = (name: string) => openSerialPort(fakeSerial(new DOMException("no", name)));
    await expect(refusal("NotFoundError")).rejects.toThrow("No serial port was chosen. Plug again, and choose one.");
    await expect(refusal("SecurityError")).rejects.toThrow(/forbids serial ports/);
    const busy = new FakeSerialPort();
    busy.refused.add(9600);
    await expect(openSerialPort(fakeSerial(busy))).rejects.toThrow(/another program has it/);
  });
});

const OPTIONS = {
  baudRate: 9600,
  dataBits: 8,
  stopBits: 1,
  parity: "none",
  bufferSize: 255,
  flowControl: "none",
} as const;
