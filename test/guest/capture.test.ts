/** Captures of a stock Linux guest's traffic, judged by tshark. */
import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Capture } from "../../app/trace/capture.ts";
import type { TraceListeners } from "../../app/trace/trace.ts";
import type { UrbTrace } from "../../app/trace/urb-trace.ts";
import { SPEED_HIGH, STATUS_OK, STATUS_TRANSACTION_ERROR, TYPE_INTERRUPT, TYPE_ISOCHRONOUS } from "../../asm/layout.ts";
import { tshark, tsharkDescriptors, tsharkFields } from "../tshark.ts";
import { V8_FLAGS } from "../v8.ts";
import { type Bench, pattern, startGuest } from "./harness.ts";
import { lsusbDevice } from "./lsusb.ts";
import { guestTools } from "./tools.ts";

const DRIVE_PORT = 1;
const HUB_PORT = 2;
const KEYBOARD_HUB_PORT = 3;
const SPEAKER_PORT = 3;
/** What the speaker plays. */
const SOUND = pattern(32 << 10);
const CLI = resolve("dist/app/cli/main.js");
/** States of the command's guests last from run to run. */
const CLI_CACHE = resolve("node_modules/.cache/pvusb/test-cli");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvusb-capture-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("tshark, of a capture of a stock Linux guest,", () => {
  let bench: Bench;
  let file: string;
  let lsusb: string;
  const keyboard = () => bench.controller.port(HUB_PORT).port(KEYBOARD_HUB_PORT);
  const address = (port: number) => bench.controller.port(port).status.address;

  /** Resolves when the guest has got so many reports of the keyboard. */
  const countReports = (count: number) =>
    new Promise<void>((resolve) => {
      let left = count;
      const stop = bench.controller.trace({
        urbs({ phase, route, type, actual }) {
          if (phase !== "complete" || route !== KEYBOARD_HUB_PORT || type !== TYPE_INTERRUPT || actual === 0) return;
          if (--left > 0) return;
          stop();
          resolve();
        },
      });
    });

  beforeAll(async () => {
    bench = await startGuest({}, { overlay: guestTools() });
    const { controller, host, run, until } = bench;
    file = join(folder, "guest.pcapng");
    const stop = host.capture((bytes) => appendFileSync(file, bytes));
    await controller.port(DRIVE_PORT).plug(host.device("flash-drive", { image: { size: 1 << 20 } }));
    await controller.port(HUB_PORT).plug(host.device("hub"));
    await keyboard().plug(host.device("keyboard"));
    await controller.port(SPEAKER_PORT).plug(host.device("speaker"));
    await until("test -e /dev/sda && ls -d /sys/bus/usb/devices/*/*/input >/dev/null && test -c /dev/snd/pcmC0D0p");
    await run("dd if=/dev/sda of=/dev/null bs=4k count=2 2>/dev/null");
    const reports = countReports(2);
    for (const pressed of [true, false]) {
      await keyboard().input({ type: "key", code: "KeyA", pressed });
    }
    await reports;
    await run(`echo ${Buffer.from(SOUND).toString("base64")} | base64 -d > /tmp/sound`);
    await run("aplay -q -D hw:CARD=Speaker -f S16_LE -r 48000 -c 2 -t raw /tmp/sound");
    lsusb = await run("lsusb -v 2>/dev/null");
    stop();
  });
  afterAll(() => bench?.stop());

  it.each([
    ["flash drive", () => bench.controller.port(DRIVE_PORT)],
    ["keyboard behind a hub", keyboard],
    ["speaker", () => bench.controller.port(SPEAKER_PORT)],
  ])("shows the same descriptors as the guest's lsusb -v, field by field: %s", (_, port) => {
    const { plugged, status } = port();
    if (!plugged) throw new Error("nothing is plugged");
    const { descriptors, strings } = lsusbDevice(lsusb, plugged.vendorId, plugged.productId);
    expect(descriptors.map(({ kind }) => kind).slice(0, 3)).toEqual(["DEVICE", "CONFIGURATION", "INTERFACE"]);
    expect(tsharkDescriptors(file, status.address)).toEqual(descriptors);
    const heard = tsharkFields(file, `usb.device_address == ${status.address} && usb.bString`, ["usb.bString"]).flat();
    expect(heard).toEqual(expect.arrayContaining(strings));
    expect(strings).toContain(plugged.product);
  });

  it("decodes control transfers: requests with their setup, and answers that belong to them", () => {
    const fields = ["usb.setup.bRequest", "usb.request_in"];
    const requests = tsharkFields(file, "usb.transfer_type == 2 && usb.urb_type == 'S'", fields);
    const answers = tsharkFields(file, "usb.transfer_type == 2 && usb.urb_type == 'C'", fields);
    expect(requests.length).toBeGreaterThan(10);
    expect(answers.length).toBe(requests.length);
    expect(answers.every(([, request]) => request !== "")).toBe(true);
    // GET_DESCRIPTOR, SET_CONFIGURATION
    expect(requests.map(([request]) => request)).toEqual(expect.arrayContaining(["6", "9"]));
  });

  it("decodes bulk transfers: the SCSI commands of the drive and their good ends", () => {
    const drive = `usb.transfer_type == 3 && usb.device_address == ${address(DRIVE_PORT)}`;
    const commands = tsharkFields(file, `${drive} && usbms.dCBWSignature`, ["scsi_sbc.opcode", "scsi.spc.opcode"]);
    expect(commands.flat()).toEqual(expect.arrayContaining(["0x28", "0x12"])); // READ(10), INQUIRY
    const [[, length] = []] = tsharkFields(
      file,
      `${drive} && scsi_sbc.opcode == 0x28 && usb.urb_type == 'C' && usb.data_len > 13`,
      ["frame.number", "usb.data_len"],
    );
    expect(Number(length)).toBeGreaterThanOrEqual(512);
    expect(
      tsharkFields(file, "usb.transfer_type == 3 && usb.urb_type == 'C' && !(usb.urb_status == 0)", ["frame.number"]),
    ).toEqual([]);
  });

  it("decodes interrupt transfers: the key, and the interval of the endpoint", () => {
    const interrupts = `usb.transfer_type == 1 && usb.device_address == ${keyboard().status.address}`;
    const reports = tsharkFields(file, `${interrupts} && usb.urb_type == 'C' && usb.data_len == 8`, ["usbhid.data"]);
    expect(reports.flat().slice(0, 2)).toEqual(["0000040000000000", "0000000000000000"]);
    const [[interval] = []] = tsharkFields(file, `${interrupts} && usb.urb_type == 'S'`, ["usb.interval"]);
    expect(interval).toBe("8"); // bInterval 10 of a full speed endpoint: Linux takes the power of two below
  });

  it("decodes isochronous transfers: the sound, packet by packet", () => {
    const speaker = `usb.transfer_type == 0 && usb.urb_type == 'S' && usb.device_address == ${address(SPEAKER_PORT)}`;
    const fields = ["usb.endpoint_address", "usb.interval", "usb.start_frame", "usb.iso.iso_len", "usb.iso.data"];
    const packets = tsharkFields(file, speaker, fields);
    const sound = Buffer.from(SOUND);
    let at = 0;
    let found = 0;
    let last = Number.NEGATIVE_INFINITY;
    for (const [endpoint, interval, frame, length, hex = ""] of packets) {
      expect([endpoint, interval]).toEqual(["0x01", "1"]); // a frame
      expect(Number(frame)).toBeGreaterThan(last);
      last = Number(frame);
      const bytes = Buffer.from(hex, "hex");
      expect(bytes.length).toBe(Number(length));
      if (bytes.every((byte) => byte === 0)) continue; // silence
      // A busy machine may miss a frame, so what comes may leave something out; it is never out of order.
      const next = sound.indexOf(bytes.subarray(0, 16), at);
      expect(next).toBeGreaterThanOrEqual(at);
      at = next + 16;
      found++;
    }
    expect(found).toBeGreaterThan(10);
  });

  it("says where each device is, and complains of nothing", () => {
    const comments = tsharkFields(file, "frame.comment", ["frame.comment"]).flat();
    expect(comments).toContain(`Device 1.${address(DRIVE_PORT)} is in port ${DRIVE_PORT}, plug 1, super speed`);
    const behindHub = new RegExp(`^Device 1\\.${keyboard().status.address} is in port 2\\.3, plug \\d+, full speed$`);
    expect(comments.filter((comment) => behindHub.test(comment)).length).toBe(1);
    expect(tsharkFields(file, "_ws.malformed || _ws.expert.severity >= 0x800000", ["frame.number"])).toEqual([]);
  });
});

it("tshark reads the capture of pvusb run --pcap", () => {
  const file = join(folder, "cli.pcapng");
  const run = ["run", "--plug", "flash-drive:size=1M@3", "--pcap", file, "--exec", "cat /sys/block/sda/size"];
  const env = { ...process.env, XDG_CACHE_HOME: CLI_CACHE };
  expect(execFileSync(process.execPath, [...V8_FLAGS, CLI, ...run], { env, encoding: "utf8" })).toBe("2048\n");
  const commands = tsharkFields(file, "scsi_sbc.opcode == 0x25", ["usb.bus_id", "frame.interface_name"]);
  expect(commands[0]).toEqual(["1", "pvusb1"]);
  expect(tshark(file, "-c", "1")).toContain("GET DESCRIPTOR Request DEVICE");
});

describe("tshark, of isochronous transfers,", () => {
  const common = {
    port: 1,
    plug: 1,
    route: 0,
    address: 3,
    speed: SPEED_HIGH,
    type: TYPE_ISOCHRONOUS,
    flags: 0,
    setup: undefined,
    stream: 0,
    interval: 500,
    time: 1_700_000_001_234_567,
  };
  /** Once as usbmon's isochronous record has it, once as its header. */
  const NUMBER = "1,1";
  const none = new Uint8Array(0);
  const TRAFFIC: readonly UrbTrace[] = [
    { ...common, phase: "submit", id: 1, endpoint: 0x81, frame: 80, length: 1024, actual: 0, status: 0, data: none },
    {
      ...common,
      phase: "submit",
      id: 2,
      endpoint: 0x02,
      frame: 84,
      length: 4,
      actual: 0,
      status: 0,
      data: Uint8Array.of(0x11, 0x22, 0x33, 0x44),
    },
    {
      ...common,
      phase: "complete",
      id: 1,
      endpoint: 0x81,
      frame: 80,
      length: 1024,
      actual: 3,
      status: STATUS_OK,
      data: Uint8Array.of(0x55, 0x66, 0x77),
    },
    {
      ...common,
      phase: "complete",
      id: 2,
      endpoint: 0x02,
      frame: 84,
      length: 4,
      actual: 0,
      status: STATUS_TRANSACTION_ERROR,
      data: none,
    },
  ];

  it("shows each packet with its frame, length, status and data", () => {
    const file = join(folder, "isochronous.pcapng");
    const capture = new Capture((block) => appendFileSync(file, block));
    let say: TraceListeners["urbs"];
    capture.add({
      id: 1,
      ports: { length: 1 },
      trace: ({ urbs }) => {
        say = urbs;
        return () => {};
      },
    });
    for (const urb of TRAFFIC) say?.(urb);
    const fields = [
      "usb.urb_type",
      "usb.endpoint_address",
      "usb.urb_status",
      "usb.iso.numdesc",
      "usb.iso.error_count",
      "usb.interval",
      "usb.start_frame",
      "usb.iso.iso_status",
      "usb.iso.iso_len",
      "usb.iso.data",
    ];
    expect(tsharkFields(file, "usb.transfer_type == 0", fields)).toEqual([
      ["'S'", "0x81", "-115", NUMBER, "0", "4", "80", "-18", "1024", ""],
      ["'S'", "0x02", "-115", NUMBER, "0", "4", "84", "-18", "4", "11223344"],
      ["'C'", "0x81", "0", NUMBER, "0", "4", "80", "0", "3", "556677"],
      ["'C'", "0x02", "0", NUMBER, "1", "4", "84", "-71", "0", ""],
    ]);
    expect(tsharkFields(file, "_ws.malformed", ["frame.number"])).toEqual([]);
  });
});
