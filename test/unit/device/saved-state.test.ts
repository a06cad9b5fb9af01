/** What a saved state keeps of a software device, and the device that goes on from it. */
import { mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { SPEED_FULL, STATUS_OK, STATUS_STALL, TYPE_INTERRUPT } from "../../../asm/layout.ts";
import { StateError } from "../../../asm/saved.ts";
import { createDevice } from "../../../worker/device/index.ts";
import type { DeviceSource } from "../../../worker/protocol.ts";
import { damaged, RUBBISH, throughFile } from "../saved.ts";
import { Host, hex, now, pattern } from "./harness.ts";
import { VENDOR_REPORTS } from "./hid.ts";
import { again, quiet } from "./saved.ts";
import { cbw, cdb, command, IN, OUT, parseCsw, plugDrive, resetRecovery, rw10, sense, status } from "./storage.ts";

const MIB = 1 << 20;
const DRIVE: DeviceSource = { kind: "flash-drive", image: { size: MIB } };
const bytes = pattern(MIB);
const saved = (host: Host) => throughFile(host.device.save?.());

/** A source of each kind, to be filled in with every new one; none for a kind that comes back as an unplug and a plug. */
const SOURCES: Record<Exclude<DeviceSource["kind"], "webusb">, DeviceSource | undefined> = {
  camera: { kind: "camera" },
  cdrom: { kind: "cdrom", image: { size: MIB } },
  ethernet: { kind: "ethernet" },
  "flash-drive": DRIVE,
  "gadget-zero": { kind: "gadget-zero" },
  gamepad: { kind: "gamepad" },
  hid: { kind: "hid", vendorId: 0x1209, productId: 0x0010, reportDescriptor: VENDOR_REPORTS },
  hub: { kind: "hub" },
  keyboard: { kind: "keyboard" },
  microphone: { kind: "microphone" },
  midi: { kind: "midi" },
  mouse: { kind: "mouse" },
  serial: { kind: "serial", loopback: true },
  speaker: { kind: "speaker" },
  tablet: { kind: "tablet" },
  "uas-drive": { kind: "uas-drive", image: { size: MIB } },
};
const KINDS = [
  ...Object.values(SOURCES).filter((source) => source !== undefined),
  { kind: "serial", chip: "cdc-acm", loopback: true } as const,
  { kind: "camera", pictures: "page" } as const,
  { kind: "microphone", sound: "page" } as const,
];
/** bConfigurationValue. */
const CONFIGURATION: Partial<Record<string, number>> = { "gadget-zero": 3 };

test.each(KINDS)("a $kind is saved configured and not, as plain data, and made again as it was", async (source) => {
  const host = await Host.plug(await createDevice(source, quiet));
  expect(host.device.save).toBeTypeOf("function");
  for (const prepare of [() => {}, () => host.configure(CONFIGURATION[source.kind])]) {
    prepare();
    expect(saved(host)).toBeDefined();
    const other = await again(host, source);
    expect(saved(other)).toEqual(saved(host));
    expect(other.device.identity).toEqual(host.device.identity);
    const configuration = { bmRequestType: 0x80, bRequest: 8, wLength: 1 };
    expect(other.control(configuration)).toEqual(host.control(configuration));
  }
});

describe("a flash drive goes on", () => {
  const read = cbw(rw10(0x28, 8, 4), 2048, true);

  test("in the middle of the data it sends", async () => {
    const host = await plugDrive({ bytes });
    command(host, rw10(0x28, 8, 4), 2048);
    host.out(OUT, cbw(rw10(0x28, 8, 4), 2048, true));
    now(host.in(IN, 512));
    const other = await again(host, DRIVE);
    expect(hex(now(other.in(IN, 1536)).bytes)).toBe(hex(bytes.subarray(4096 + 512, 4096 + 2048)));
    expect(status(other)).toMatchObject({ residue: 0, status: 0 });
    expect(command(other, rw10(0x28, 0, 1), 512).data).toEqual(bytes.subarray(0, 512));
  });

  test("in the middle of the data it takes, with all that was written before", async () => {
    const host = await plugDrive({ size: MIB });
    command(host, rw10(0x2a, 100, 2), bytes.subarray(0, 1024));
    host.out(OUT, cbw(rw10(0x2a, 4, 4), 2048, false));
    now(host.out(OUT, bytes.subarray(2048, 3072)));
    const other = await again(host, DRIVE);
    now(other.out(OUT, bytes.subarray(3072, 4096)));
    expect(status(other)).toMatchObject({ residue: 0, status: 0 });
    expect(command(other, rw10(0x28, 4, 4), 2048).data).toEqual(bytes.subarray(2048, 4096));
    expect(command(other, rw10(0x28, 100, 2), 1024).data).toEqual(bytes.subarray(0, 1024));
  });

  test("with a status to be fetched, and with a transfer queued that it has not begun", async () => {
    const host = await plugDrive({ bytes });
    host.out(OUT, read);
    now(host.in(IN, 2048));
    const waiting = host.out(OUT, cbw(cdb(0x00, 6), 0, false));
    expect(waiting.answer).toBeUndefined();
    const other = await again(host, DRIVE);
    expect(parseCsw(now(other.in(IN, 13)))).toMatchObject({ status: 0 });
    now(other.out(OUT, cbw(cdb(0x00, 6), 0, false)));
    expect(status(other)).toMatchObject({ status: 0 });
  });

  test("halted, until its halt is cleared, and with the reason still to be asked for", async () => {
    const host = await plugDrive({ bytes });
    host.out(OUT, cbw(rw10(0x28, 0xffffff, 1), 512, true));
    expect(now(host.in(IN, 512)).status).toBe(STATUS_STALL);
    const other = await again(host, DRIVE);
    expect(other.isHalted(IN)).toBe(true);
    expect(now(other.in(IN, 13)).status).toBe(STATUS_STALL);
    other.clearHalt(IN);
    expect(status(other)).toMatchObject({ status: 1, residue: 512 });
    expect(sense(other)).toBe("05/21/00");
  });

  test("after what was no command, until Reset Recovery", async () => {
    const host = await plugDrive({ bytes });
    host.out(OUT, Uint8Array.of(1, 2, 3));
    const other = await again(host, DRIVE);
    other.clearHalt(OUT);
    expect(other.isHalted(OUT)).toBe(true);
    resetRecovery(other);
    expect(command(other, rw10(0x28, 0, 1), 512)).toMatchObject({ status: 0, data: bytes.subarray(0, 512) });
  });

  test("in the middle of a parameter list, ejected, with an attention that nobody has heard", async () => {
    const host = await plugDrive({ bytes });
    host.out(OUT, cbw(cdb(0x15, 6, { 1: 0x10, 4: 4 }), 4, false));
    const other = await again(host, DRIVE);
    now(other.out(OUT, new Uint8Array(4)));
    expect(status(other)).toMatchObject({ status: 0 });
    command(other, cdb(0x1b, 6, { 4: 2 }), 0);
    const ejected = await again(other, DRIVE);
    expect(command(ejected, cdb(0x00, 6), 0).status).toBe(1);
    expect(sense(ejected)).toBe("02/3a/00");
    command(ejected, cdb(0x1b, 6, { 4: 3 }), 0);
    const loaded = await again(ejected, DRIVE);
    expect(command(loaded, cdb(0x00, 6), 0).status).toBe(1);
    expect(sense(loaded)).toBe("06/28/00");
  });

  test("with the serial number it was given by itself", async () => {
    const host = await Host.plug(await createDevice(DRIVE, quiet));
    expect((await again(host, DRIVE)).device.identity.serialNumber).toBe(host.device.identity.serialNumber);
  });
});

describe("a disk's image", () => {
  test("in memory costs what was written to it", async () => {
    const host = await plugDrive({ size: 2 ** 40 });
    command(host, rw10(0x2a, 0x1000_0000, 1), pattern(512));
    command(host, rw10(0x2a, 0, 1), new Uint8Array(512));
    expect(host.device.save?.()).toMatchObject({
      function: { commands: { medium: { image: { blocks: { length: 1 } } } } },
    });
    const other = await again(host, DRIVE);
    expect(command(other, rw10(0x28, 0x1000_0000, 1), 512).data).toEqual(pattern(512));
    expect(command(other, rw10(0x28, 0x0800_0000, 1), 512).data).toEqual(new Uint8Array(512));
  });

  test("in memory is what it was, and not what was written since", async () => {
    const host = await plugDrive({ bytes });
    const state = saved(host);
    command(host, rw10(0x2a, 3, 1), new Uint8Array(512));
    command(host, rw10(0x2a, 2047, 1), new Uint8Array(512));
    expect(host.device.restore?.(state)).toBeUndefined();
    expect(command(host, rw10(0x28, 3, 1), 512).data).toEqual(bytes.subarray(1536, 2048));
    expect(command(host, rw10(0x28, 2047, 1), 512).data).toEqual(bytes.subarray(MIB - 512));
  });

  test("that is a file stays where it is, and it is told when it was written since, or is another", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pvusb-saved-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "disk.img");
    writeFileSync(path, bytes);
    const source: DeviceSource = { kind: "flash-drive", image: { path }, serial: "0123456789AB" };
    const host = await Host.plug(await createDevice(source, quiet));
    host.configure();
    const state = saved(host);
    expect(host.device.origin).toMatchObject({ image: { path }, serial: "0123456789AB" });
    const fresh = async () => (await createDevice(host.device.origin as DeviceSource, quiet)).restore?.(state);
    expect(await fresh()).toBeUndefined();
    utimesSync(path, new Date(), new Date(2_000_000_000_000));
    expect(await fresh()).toMatch(/written after the state was saved/);
    truncateSync(path, MIB / 2);
    await expect(fresh()).rejects.toMatchObject({ name: "ImageError" });
  });

  test("that is a File is the live one or none", async () => {
    const source: DeviceSource = { kind: "flash-drive", image: { blob: new Blob([bytes]) } };
    const device = await createDevice(source, quiet);
    expect(device.origin).toMatch(/plug it again/);
    device.restore?.(throughFile(device.save?.()));
    const host = await Host.plug(device);
    host.configure();
    host.out(OUT, cbw(cdb(0x00, 6), 0, false));
    expect(status(host).status).toBe(1);
  });

  test("whose bytes are still promised sends them later all the same", async () => {
    const host = await Host.plug(
      await createDevice({ kind: "flash-drive", image: { blob: new Blob([bytes]) } }, quiet),
    );
    host.configure();
    command(host, cdb(0x03, 6, { 4: 18 }), 18);
    host.out(OUT, cbw(rw10(0x28, 1, 2), 1024, true));
    const transfer = host.in(IN, 1024);
    const state = saved(host);
    host.cancel(transfer);
    host.device.restore?.(state);
    expect((await host.wait(host.in(IN, 1024))).bytes).toEqual(bytes.subarray(512, 1536));
    expect(status(host)).toMatchObject({ status: 0, residue: 0 });
  });
});

describe("a keyboard goes on", () => {
  const keyboard: DeviceSource = { kind: "keyboard" };
  const press = (host: Host, code: string, pressed = true) => host.device.input?.({ type: "key", code, pressed });
  const poll = (host: Host) => hex(now(host.in(IN, 8, TYPE_INTERRUPT)).bytes);

  test("with keys held, reports not fetched, its lights and its idle rate", async () => {
    const host = await Host.plug(await createDevice(keyboard, quiet));
    host.configure();
    host.control({ bmRequestType: 0x21, bRequest: 0x0a, wValue: 0x0700 });
    host.control({ bmRequestType: 0x21, bRequest: 0x09, wValue: 0x0200, wLength: 1 }, Uint8Array.of(0x02));
    press(host, "KeyA");
    press(host, "ShiftLeft");
    const other = await again(host, keyboard);
    press(other, "KeyA", false);
    expect([poll(other), poll(other), poll(other)]).toEqual([
      "0000040000000000",
      "0200040000000000",
      "0200000000000000",
    ]);
    expect(other.control({ bmRequestType: 0xa1, bRequest: 0x01, wValue: 0x0200, wLength: 1 }).bytes[0]).toBe(0x02);
    expect(other.control({ bmRequestType: 0xa1, bRequest: 0x02, wLength: 1 }).bytes[0]).toBe(7);
  });

  test("that nobody has configured, and can be", async () => {
    const other = await again(await Host.plug(await createDevice(keyboard, quiet)), keyboard);
    press(other, "KeyB");
    other.configure();
    expect(poll(other)).toBe("0000050000000000");
  });
});

describe("other devices go on", () => {
  test("a loopback with bytes on their way, and a transfer of which it has taken a part", async () => {
    const source: DeviceSource = { kind: "gadget-zero" };
    const host = await Host.plug(await createDevice(source, quiet));
    host.configure(2);
    const sent = pattern(200 << 10);
    now(host.out(0x01, sent.subarray(0, 100 << 10)));
    expect(host.out(0x01, sent.subarray(100 << 10)).answer).toBeUndefined();
    const first = now(host.in(0x81, 50 << 10)).bytes;
    const other = await again(host, source);
    const second = now(other.in(0x81, 100 << 10)).bytes;
    other.out(0x01, sent.subarray(100 << 10));
    const third = now(other.in(0x81, 100 << 10)).bytes;
    expect(Buffer.compare(Buffer.concat([first, second, third]), sent)).toBe(0);
  });

  test("a hub with its ports as the host has them, and the changes it has not read", async () => {
    const source: DeviceSource = { kind: "hub", ports: 2, usb: 2 };
    const device = await createDevice(source, quiet);
    const [port] = device.hub?.ports ?? [];
    const host = await Host.plug(device);
    host.configure();
    const status = (each: Host) => {
      return hex(each.control({ bmRequestType: 0xa3, bRequest: 0, wIndex: 1, wLength: 4 }).bytes);
    };
    port?.connect({ reset: (done) => done(), quiesce: () => undefined });
    host.control({ bmRequestType: 0x23, bRequest: 3, wValue: 8, wIndex: 1 });
    port?.event(SPEED_FULL, 1);
    host.control({ bmRequestType: 0x23, bRequest: 3, wValue: 4, wIndex: 1 });
    expect(status(host)).toBe("03011100");
    const other = await again(host, source);
    expect(status(other)).toBe("03011100");
    expect(other.device.hub?.ports[0]?.forwards).toBe(true);
    expect(hex(now(other.in(0x81, 1, TYPE_INTERRUPT)).bytes)).toBe("02");
  });

  test("a sound card with its volume, and a camera with what was agreed on", async () => {
    const speaker: DeviceSource = { kind: "speaker" };
    const host = await Host.plug(await createDevice(speaker, quiet));
    host.configure();
    const volume = { bmRequestType: 0x21, bRequest: 1, wValue: 0x0200, wIndex: 0x0200 };
    expect(host.control({ ...volume, wLength: 2 }, Uint8Array.of(0x00, 0xf6)).status).toBe(STATUS_OK);
    const read = { ...volume, bmRequestType: 0xa1, bRequest: 0x81, wLength: 2 };
    expect(hex((await again(host, speaker)).control(read).bytes)).toBe("00f6");

    const camera: DeviceSource = { kind: "camera" };
    const viewer = await Host.plug(await createDevice(camera, quiet));
    viewer.configure();
    const probe = { bmRequestType: 0xa1, bRequest: 0x81, wValue: 0x0100, wIndex: 1, wLength: 34 };
    const asked = viewer.control(probe).bytes.slice();
    asked[3] = 1;
    viewer.control({ ...probe, bmRequestType: 0x21, bRequest: 1 }, asked);
    const agreed = viewer.control(probe).bytes;
    viewer.control({ ...probe, bmRequestType: 0x21, bRequest: 1, wValue: 0x0200 }, agreed);
    const commit = { ...probe, wValue: 0x0200 };
    expect(hex((await again(viewer, camera)).control(commit).bytes)).toBe(hex(agreed));
  });
});

test.each(KINDS)("a damaged state of a $kind is refused with a sentence, or harmless", async (source) => {
  const host = await Host.plug(await createDevice(source, quiet));
  host.configure(CONFIGURATION[source.kind]);
  if (source.kind === "flash-drive") {
    command(host, rw10(0x2a, 4, 2), bytes.subarray(0, 1024));
    host.out(OUT, cbw(rw10(0x2a, 4, 2), 1024, false));
  } else {
    host.device.input?.({ type: "key", code: "KeyA", pressed: true });
  }
  const good = saved(host);
  const other = (await again(host, source)).device;
  const another = await Host.plug(other);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(...RUBBISH)), { minLength: 1, maxLength: 2 }),
      (changes) => {
        const bad = damaged(good, changes);
        const before = other.save?.();
        try {
          other.restore?.(bad);
        } catch (error) {
          expect(error).toBeInstanceOf(StateError);
          expect(isDeepStrictEqual(other.save?.(), before)).toBe(true);
        }
        const sent = [another.in(IN, 4096), another.out(OUT, pattern(31)), another.in(IN, 13)];
        expect(another.control({ bmRequestType: 0x80, bRequest: 0, wLength: 2 }).status).toBe(STATUS_OK);
        for (const each of sent) if (!each.answer) another.cancel(each);
        expect(another.owned).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});
