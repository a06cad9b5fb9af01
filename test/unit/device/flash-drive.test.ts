import { describe, expect, test } from "vitest";
import { STATUS_OK } from "../../../asm/layout.ts";
import { hex, now, pattern } from "./harness.ts";
import { cbw, cdb, command, IN, OUT, parseCsw, plugDrive, rw10, rw16 } from "./storage.ts";

describe("flash drive in memory", () => {
  test("is found as a stock driver finds it", async () => {
    const host = await plugDrive({ size: 64 << 20 });
    expect(host.control({ bmRequestType: 0xa1, bRequest: 0xfe, wLength: 1 }).bytes).toEqual(Uint8Array.of(0));
    expect(hex(command(host, cdb(0x12, 6, { 4: 36 }), 36).data)).toBe(
      `008006021f000000${hex(Buffer.from("pvusb   Flash Drive     1.0 "))}`,
    );
    expect(command(host, cdb(0x00, 6), 0)).toMatchObject({ status: 0, residue: 0 });
    expect(hex(command(host, cdb(0x25, 10), 8).data)).toBe("0001ffff00000200");
    expect(host.clean).toBe(true);
  });

  for (const size of [512, 4096, 65536, 65536 + 512, 1 << 20, 4 << 20]) {
    test(`${size} bytes come back as they were written, across chunks and blocks`, async () => {
      const host = await plugDrive({ size: 16 << 20 });
      const data = pattern(size);
      const lba = (1 << 20) / 512 - 1;
      expect(command(host, rw10(0x2a, lba, size / 512), data)).toMatchObject({ status: 0, residue: 0, stalled: false });
      const read = command(host, rw10(0x28, lba, size / 512), size);
      expect(read).toMatchObject({ status: 0, residue: 0, stalled: false });
      expect(Buffer.compare(read.data, data)).toBe(0);
      expect(command(host, rw10(0x28, lba - 1, 1), 512).data.every((each) => each === 0)).toBe(true);
      expect(host.clean).toBe(true);
    });
  }

  test("a disk of 8 TiB is blank, cheap and reached by READ(16)", async () => {
    const host = await plugDrive({ size: 8 * 2 ** 40 });
    expect(hex(command(host, cdb(0x25, 10), 8).data)).toBe("ffffffff00000200");
    expect(hex(command(host, cdb(0x9e, 16, { 1: 0x10, 13: 32 }), 32).data).slice(0, 24)).toBe(
      "00000003ffffffff00000200",
    );
    const data = pattern(1024);
    const last = BigInt(8 * 2 ** 40) / 512n - 2n;
    expect(command(host, rw16(0x8a, last, 2), data).status).toBe(0);
    expect(Buffer.compare(command(host, rw16(0x88, last, 2), 1024).data, data)).toBe(0);
    expect(command(host, rw16(0x88, last + 1n, 2), 1024)).toMatchObject({ status: 1, stalled: true });
    expect(command(host, rw16(0x88, 0xffff_ffff_ffff_ffffn, 2), 1024)).toMatchObject({ status: 1, stalled: true });
  });

  test("data and status may be queued before the command, and several transfers make up one data stage", async () => {
    const data = pattern(8192);
    const host = await plugDrive({ bytes: data });
    const parts = [1024, 2048, 1024, 4096].map((length) => host.in(IN, length));
    const status = host.in(IN, 13);
    expect(host.owned).toBe(5);
    host.out(OUT, cbw(rw10(0x28, 0, 16), 8192, true));
    expect(Buffer.compare(Buffer.concat(parts.map((each) => now(each).bytes)), data)).toBe(0);
    expect(parseCsw(now(status))).toMatchObject({ status: 0, residue: 0 });

    host.out(OUT, cbw(rw10(0x2a, 0, 16), 8192, false));
    for (let at = 0; at < 8192; at += 1024) {
      expect(now(host.out(OUT, data.subarray(8192 - at - 1024, 8192 - at)))).toMatchObject({
        status: STATUS_OK,
        actual: 1024,
      });
    }
    expect(parseCsw(now(host.in(IN, 13)))).toMatchObject({ status: 0, residue: 0 });
    expect(Buffer.compare(command(host, rw10(0x28, 0, 2), 1024).data, data.subarray(7168))).toBe(0);
    expect(host.clean).toBe(true);
  });

  test("a transfer larger than the rest ends short", async () => {
    const host = await plugDrive({ bytes: pattern(4096) });
    host.out(OUT, cbw(rw10(0x28, 0, 1), 512, true));
    expect(now(host.in(IN, 4096))).toMatchObject({ status: STATUS_OK, actual: 512 });
    expect(parseCsw(now(host.in(IN, 13)))).toMatchObject({ status: 0, residue: 0 });
  });

  test("drives without a serial number get different ones, of twelve hexadecimal digits", async () => {
    const [one, two] = await Promise.all([plugDrive({ size: 512 }), plugDrive({ size: 512 })]);
    const serials = [one, two].map((host) => host.device.identity.serialNumber);
    expect(serials[0]).toMatch(/^[0-9A-F]{12}$/);
    expect(serials[0]).not.toBe(serials[1]);
    expect((await plugDrive({ size: 512 }, { serial: "MINE" })).device.identity.serialNumber).toBe("MINE");
  });
});
