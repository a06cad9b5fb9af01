import { expect, test } from "vitest";
import type { CameraOptions } from "../../../worker/device/camera/camera.ts";
import { plugCamera } from "./camera.ts";
import { bytes, hex } from "./harness.ts";

async function descriptor(options: CameraOptions, type: number): Promise<string> {
  const host = await plugCamera(options);
  return hex(host.control({ bmRequestType: 0x80, bRequest: 6, wValue: type << 8, wLength: 1024 }).bytes);
}

const golden = (text: string): string => hex(bytes(text));

/** UVC 1.1 §3.6, §3.7: association, interface, header, camera, processing unit, output terminal. */
const VIDEO_CONTROL = `
  08 0b 00 02 0e 03 00 02
  09 04 00 00 00 0e 01 00 02
  0d 24 01 1001 3400 40420f00 01 01
  12 24 02 01 0102 00 00 0000 0000 0000 03 000000
  0c 24 05 02 01 0000 02 0000 00 00
  09 24 03 03 0101 00 02 00`;

/** YUY2 as 32595559-0000-0010-8000-00AA00389B71 (Uncompressed Payload 1.1 §2.2). */
const YUY2 = "59555932 0000 1000 8000 00aa00389b71";

/** Three sizes at 30, 15 and 5 a second: bit rates, bytes, default interval, intervals of 100 ns. */
const FRAMES = `
  26 24 05 01 00 a000 7800 00701700 09a08c00 00960000 2a2c0a00 03 15160500 2a2c0a00 80841e00
  26 24 05 02 00 4001 f000 00c05d00 25803202 00580200 2a2c0a00 03 15160500 2a2c0a00 80841e00
  26 24 05 03 00 8002 e001 00007701 9300ca08 00600900 2a2c0a00 03 15160500 2a2c0a00 80841e00`;
const COLORS = "06 24 0d 01 01 04";

test("device: a composite of associations, USB 2.0 and a qualifier at high speed, a BOS at SuperSpeed", async () => {
  expect(await descriptor({}, 1)).toBe(golden("12 01 0002 ef 02 01 40 0912 0400 0001 01 02 00 01"));
  expect(await descriptor({}, 6)).toBe(golden("0a 06 0002 ef 02 01 40 01 00"));
  expect(await descriptor({ speed: "super" }, 1)).toBe(golden("12 01 0003 ef 02 01 09 0912 0400 0001 01 02 00 01"));
  expect((await descriptor({ speed: "super" }, 15)).slice(0, 10)).toBe("050f160002");
});

test("isochronous at high speed: alternates of up to three packets a microframe (USB 2.0 §9.6.6)", async () => {
  expect(await descriptor({}, 2)).toBe(
    golden(`09 02 4801 02 01 00 80 32 ${VIDEO_CONTROL}
      09 04 01 00 00 0e 02 00 00
      0e 24 01 01 a100 81 00 03 00 00 00 01 00
      1b 24 04 01 03 ${YUY2} 10 02 00 00 00 00
      ${FRAMES} ${COLORS}
      09 04 01 01 01 0e 02 00 00  07 05 81 05 0001 01
      09 04 01 02 01 0e 02 00 00  07 05 81 05 0002 01
      09 04 01 03 01 0e 02 00 00  07 05 81 05 0004 01
      09 04 01 04 01 0e 02 00 00  07 05 81 05 000c 01
      09 04 01 05 01 0e 02 00 00  07 05 81 05 0014 01`),
  );
});

test("bulk at high speed: the endpoint is in alternate 0", async () => {
  expect(await descriptor({ transfer: "bulk" }, 2)).toBe(
    golden(`09 02 ff00 02 01 00 80 32 ${VIDEO_CONTROL}
      09 04 01 00 01 0e 02 00 00
      0e 24 01 01 a100 81 00 03 00 00 00 01 00
      1b 24 04 01 03 ${YUY2} 10 02 00 00 00 00
      ${FRAMES} ${COLORS}
      07 05 81 02 0002 00`),
  );
});

test("full speed: packets of up to 1023 bytes, and only the rates that they carry", async () => {
  const fullSpeed = `${VIDEO_CONTROL}
      09 04 01 00 00 0e 02 00 00
      0e 24 01 01 9500 81 00 03 00 00 00 01 00
      1b 24 04 01 03 ${YUY2} 10 02 00 00 00 00
      26 24 05 01 00 a000 7800 00b00400 05504600 00960000 80841e00 03 2a2c0a00 80841e00 80969800
      22 24 05 02 00 4001 f000 00c01200 00c05d00 00580200 80841e00 02 80841e00 80969800
      1e 24 05 03 00 8002 e001 00004b00 00004b00 00600900 80969800 01 80969800
      ${COLORS}
      09 04 01 01 01 0e 02 00 00  07 05 81 05 8000 01
      09 04 01 02 01 0e 02 00 00  07 05 81 05 0001 01
      09 04 01 03 01 0e 02 00 00  07 05 81 05 0002 01
      09 04 01 04 01 0e 02 00 00  07 05 81 05 ff03 01`;
  expect(await descriptor({ speed: "full" }, 2)).toBe(golden(`09 02 2c01 02 01 00 80 32 ${fullSpeed}`));
  expect(await descriptor({ speed: "high" }, 7), "other speed").toBe(golden(`09 07 2c01 02 01 00 80 32 ${fullSpeed}`));
});

test("SuperSpeed: bursts of up to four packets, with a companion behind each endpoint (USB 3.2 §9.6.7)", async () => {
  expect((await descriptor({ speed: "super" }, 2)).slice(-3 * 2 * 22)).toBe(
    golden(`
      09 04 01 01 01 0e 02 00 00  07 05 81 05 0004 01  06 30 00 00 0004
      09 04 01 02 01 0e 02 00 00  07 05 81 05 0004 01  06 30 01 00 0008
      09 04 01 03 01 0e 02 00 00  07 05 81 05 0004 01  06 30 03 00 0010`),
  );
  expect(await descriptor({ speed: "super", transfer: "bulk" }, 2)).toMatch(/070581020004000630 ?0f000000$/);
});

test("a size and a rate limit what is offered", async () => {
  expect(await descriptor({ size: "160x120", fps: 10, transfer: "bulk" }, 2)).toContain(
    golden(`
      1b 24 04 01 01 ${YUY2} 10 01 00 00 00 00
      1e 24 05 01 00 a000 7800 00e02e00 00e02e00 00960000 40420f00 01 40420f00
      ${COLORS}`),
  );
  expect(await descriptor({ fps: 60 }, 2), "640x480 is too much for high speed").toContain(
    golden(`1b 24 04 01 02 ${YUY2}`),
  );
});

test("options that no camera can have are refused in words", async () => {
  for (const [options, words] of [
    [{ size: "1x1" }, /no size "1x1"; it has 160x120/],
    [{ size: "toString" }, /no size/],
    [{ speed: "low" }, /no speed "low"/],
    [{ transfer: "interrupt" }, /no transfer/],
    [{ fps: 0 }, /1 to 60 pictures/],
    [{ fps: Number.NaN }, /1 to 60 pictures/],
    [{ fps: 61 }, /1 to 60 pictures/],
    [{ fps: 60, speed: "full" }, /full-speed camera cannot send even 160x120/],
  ] as const) {
    await expect(plugCamera(options as CameraOptions), JSON.stringify(options)).rejects.toMatchObject({
      name: "UnsupportedError",
      message: expect.stringMatching(words),
    });
  }
});
