import { expect, test } from "vitest";
import { SPEED_FULL, SPEED_HIGH, SPEED_SUPER } from "../../../asm/layout.ts";
import { createDevice } from "../../../worker/device/index.ts";
import type { DeviceHost } from "../../../worker/device.ts";
import type { DeviceSource } from "../../../worker/protocol.ts";
import { VENDOR_REPORTS } from "./hid.ts";

const host: DeviceHost = { gone: (reason) => expect.fail(reason), wake: () => undefined, hasOutput: () => undefined };

test("each kind can be made", async () => {
  const sources: Record<Exclude<DeviceSource["kind"], "webusb">, DeviceSource> = {
    "flash-drive": { kind: "flash-drive", image: { size: 4096 }, serial: "0123456789AB" },
    hub: { kind: "hub" },
    "uas-drive": { kind: "uas-drive", image: { size: 4096 } },
    cdrom: { kind: "cdrom" },
    keyboard: { kind: "keyboard" },
    mouse: { kind: "mouse" },
    tablet: { kind: "tablet" },
    gamepad: { kind: "gamepad" },
    hid: { kind: "hid", vendorId: 0x1d50, productId: 0x6018, product: "Meter", reportDescriptor: VENDOR_REPORTS },
    "gadget-zero": { kind: "gadget-zero" },
    speaker: { kind: "speaker" },
    microphone: { kind: "microphone", tone: 1000 },
    camera: { kind: "camera" },
    ethernet: { kind: "ethernet", mac: "02-00-5e-00-53-0a" },
    serial: { kind: "serial", serial: "A1B2C3D4" },
    midi: { kind: "midi", name: "Piano" },
  };
  const drive = await createDevice(sources["flash-drive"], host);
  expect(drive.speed).toBe(SPEED_SUPER);
  expect(drive.identity).toEqual({
    vendorId: 0x1209,
    productId: 0x0001,
    manufacturer: "pvusb",
    product: "Flash Drive",
    serialNumber: "0123456789AB",
    notes: [],
  });
  const hub = await createDevice(sources.hub, host);
  expect(hub.identity).toMatchObject({ productId: 0x000a, product: "Hub" });
  expect([hub.speed, hub.companion?.speed]).toEqual([SPEED_SUPER, SPEED_HIGH]);
  const uas = await createDevice(sources["uas-drive"], host);
  expect(uas.identity).toMatchObject({ productId: 0x0003, product: "UAS Drive" });
  const cdDrive = await createDevice(sources.cdrom, host);
  expect(cdDrive.identity).toMatchObject({ productId: 0x000f, product: "CD Drive" });
  const keyboard = await createDevice(sources.keyboard, host);
  expect(keyboard.identity).toMatchObject({ productId: 0x0002, product: "Keyboard", serialNumber: "" });
  const rest = [sources.mouse, sources.tablet, sources.gamepad, sources.hid];
  const devices = await Promise.all(rest.map((source) => createDevice(source, host)));
  expect(devices.map(({ identity }) => identity.product)).toEqual(["Mouse", "Tablet", "Gamepad", "Meter"]);
  const gadget = await createDevice(sources["gadget-zero"], host);
  expect(gadget.identity).toMatchObject({ vendorId: 0x0525, productId: 0xa4a0, product: "Gadget Zero" });
  const speaker = await createDevice(sources.speaker, host);
  expect(speaker.identity).toMatchObject({ productId: 0x0005, product: "Speaker" });
  expect(speaker.output?.()).toEqual({ type: "sound", channels: 2, runs: [], lost: 0 });
  const microphone = await createDevice(sources.microphone, host);
  expect(microphone.identity).toMatchObject({ productId: 0x0006, product: "Microphone" });
  const camera = await createDevice(sources.camera, host);
  expect(camera.speed).toBe(SPEED_HIGH);
  expect(camera.identity).toMatchObject({ productId: 0x0004, product: "Camera" });
  const ethernet = await createDevice(sources.ethernet, host);
  expect(ethernet.speed).toBe(SPEED_SUPER);
  expect(ethernet.identity).toMatchObject({ productId: 0x000b, serialNumber: "02005E00530A" });
  expect((await createDevice(sources.ethernet, host, SPEED_HIGH)).speed).toBe(SPEED_HIGH);
  const serial = await createDevice(sources.serial, host);
  expect(serial.speed).toBe(SPEED_FULL);
  expect(serial.identity).toMatchObject({ vendorId: 0x0403, productId: 0x6001, serialNumber: "A1B2C3D4" });
  const acm = await createDevice({ kind: "serial", chip: "cdc-acm", serial: "A1B2C3D4" }, host);
  expect(acm.speed).toBe(SPEED_HIGH);
  expect(acm.identity).toMatchObject({ vendorId: 0x1209, productId: 0x000d, serialNumber: "A1B2C3D4" });
  const midi = await createDevice(sources.midi, host);
  expect(midi.speed).toBe(SPEED_FULL);
  expect(midi.identity).toMatchObject({ vendorId: 0x1209, productId: 0x000e, product: "Piano" });
});

test.each(["speaker", "microphone"] as const)("a %s is of full speed, or of high speed", async (kind) => {
  expect((await createDevice({ kind }, host)).speed).toBe(SPEED_FULL);
  expect((await createDevice({ kind, speed: "high" }, host)).speed).toBe(SPEED_HIGH);
});

test.each(["flash-drive", "uas-drive"] as const)("a %s has the speed it is given", async (kind) => {
  const source = { kind, image: { size: 4096 } };
  for (const [speed, expected] of [
    ["full", SPEED_FULL],
    ["high", SPEED_HIGH],
    ["super", SPEED_SUPER],
  ] as const) {
    expect((await createDevice({ ...source, speed }, host)).speed).toBe(expected);
  }
  // A port of high speed has no use for SuperSpeed.
  expect((await createDevice(source, host, SPEED_HIGH)).speed).toBe(SPEED_HIGH);
  expect((await createDevice({ ...source, speed: "full" }, host, SPEED_HIGH)).speed).toBe(SPEED_FULL);
});

test("what is no kind, or no image, is refused with its name and a sentence", async () => {
  const refused = (source: unknown) => createDevice(source as DeviceSource, host).catch((error: unknown) => error);
  expect(await refused({ kind: "toaster" })).toMatchObject({
    name: "UnsupportedError",
    message: 'There is no software device "toaster".',
  });
  expect(await refused({ kind: "flash-drive", image: { path: "/nowhere/disk.img" } })).toMatchObject({
    name: "ImageError",
  });
  expect(await refused({ kind: "microphone", tone: 0 })).toMatchObject({ name: "UnsupportedError" });
  expect(await refused({ kind: "camera", size: "1x1" })).toMatchObject({ name: "UnsupportedError" });
  for (const setting of [
    { class: "rndis" },
    { cable: "" },
    { cable: "x".repeat(65) },
    { cable: 1 },
    { mac: "02:00" },
  ]) {
    expect(await refused({ kind: "ethernet", ...setting })).toMatchObject({ name: "UnsupportedError" });
  }
  for (const mac of [
    "01:00:5e:00:00:01",
    "00:00:00:00:00:00",
    "02:00-00:00:00:01",
    "0200000000001",
    "02:00:00:00:00:0g",
  ]) {
    expect(await refused({ kind: "ethernet", mac }), mac).toMatchObject({ name: "UnsupportedError" });
  }
  expect(await refused({ kind: "serial", chip: "16450" })).toMatchObject({ name: "UnsupportedError" });
  expect(await refused({ kind: "ethernet", speed: "warp" })).toBeInstanceOf(Error);
  for (const source of [{ kind: "flash-drive" }, { kind: "flash-drive", image: { size: 512 }, speed: "warp" }]) {
    expect(await refused(source), JSON.stringify(source)).toBeInstanceOf(Error);
  }
});
