import { describe, expect, test } from "vitest";
import { bytes, type Host, hex, pattern } from "./harness.ts";
import { cdb, command, plugDrive, rw10, rw16, sense } from "./storage.ts";

const BLOCKS = 0x11223;
const SIZE = BLOCKS * 512;
const PASSED = 0;
const FAILED = 1;
const golden = (text: string) => hex(bytes(text));
const ascii = (text: string) => hex(Buffer.from(text));

/** The command's whole answer when the host allows `room` bytes. */
function answer(host: Host, block: Uint8Array, room: number): string {
  const { data, residue, status, stalled } = command(host, block, room);
  expect({ status, stalled }).toEqual({ status: PASSED, stalled: false });
  expect(data.subarray(room - residue).every((each) => each === 0)).toBe(true);
  return hex(data.subarray(0, room - residue));
}

/** A command that fails: its sense. */
function refused(host: Host, block: Uint8Array, data: number | Uint8Array = 0, unit = 0): string {
  const outcome = command(host, block, data, unit);
  expect(outcome.status).toBe(FAILED);
  expect(outcome.residue).toBe(typeof data === "number" ? data : data.length);
  return sense(host);
}

describe("what it says of itself", () => {
  const plug = () => plugDrive({ size: SIZE }, { serial: "AB12" });

  test("INQUIRY (SPC-4 §6.6), as much as was allocated", async () => {
    const host = await plug();
    const inquiry = golden(
      `00 80 06 02 1f 00 00 00 ${ascii("pvusb   ")} ${ascii("Flash Drive     ")} ${ascii("1.0 ")}`,
    );
    expect(answer(host, cdb(0x12, 6, { 4: 36 }), 36)).toBe(inquiry);
    expect(answer(host, cdb(0x12, 6, { 4: 255 }), 255)).toBe(inquiry);
    expect(answer(host, cdb(0x12, 6, { 4: 5 }), 5)).toBe(inquiry.slice(0, 10));
    expect(command(host, cdb(0x12, 6), 0).status).toBe(PASSED);
    expect(answer(host, cdb(0x12, 6, { 3: 1, 4: 0 }), 36), "allocation of 256").toBe(inquiry);
    expect(refused(host, cdb(0x12, 6, { 2: 0x80, 4: 36 }), 36), "a page without EVPD").toBe("05/24/00");
  });

  test("vital product data (SPC-4 §7.8, SBC-3 §6.6)", async () => {
    const host = await plug();
    const page = (number: number) => answer(host, cdb(0x12, 6, { 1: 1, 2: number, 4: 255 }), 255);
    expect(page(0x00)).toBe(golden("00 00 0005 00 80 83 b0 b1"));
    expect(page(0x80)).toBe(golden(`00 80 0004 ${ascii("AB12")}`));
    expect(page(0x83)).toBe(
      golden(`00 83 0020 02 01 00 1c ${ascii("pvusb   ")} ${ascii("Flash Drive     ")} ${ascii("AB12")}`),
    );
    expect(page(0xb0)).toBe(`00b0003c${"00".repeat(60)}`);
    expect(page(0xb1)).toBe(`00b1003c0001${"00".repeat(58)}`);
    expect(refused(host, cdb(0x12, 6, { 1: 1, 2: 0xb2, 4: 255 }), 255)).toBe("05/24/00");
  });

  test("a long serial number and one that is not ASCII stay in bounds", async () => {
    const host = await plugDrive({ size: 512 }, { serial: `é${"9".repeat(300)}` });
    expect(answer(host, cdb(0x12, 6, { 1: 1, 2: 0x80, 4: 255 }), 255)).toBe(`00800040${ascii(`?${"9".repeat(63)}`)}`);
    expect(host.device.identity.serialNumber).toHaveLength(126);
  });

  test("READ CAPACITY (SBC-3 §5.15, §5.16), READ FORMAT CAPACITIES (UFI 1.0 §4.10), REPORT LUNS (SPC-4 §6.33)", async () => {
    const host = await plug();
    expect(answer(host, cdb(0x25, 10), 8)).toBe(golden("00011222 00000200"));
    expect(answer(host, cdb(0x9e, 16, { 1: 0x10, 13: 32 }), 32)).toBe(
      golden(`0000000000011222 00000200 ${"00".repeat(20)}`),
    );
    expect(answer(host, cdb(0x9e, 16, { 1: 0x10, 13: 12 }), 12)).toBe(golden("0000000000011222 00000200"));
    expect(refused(host, cdb(0x9e, 16, { 1: 0x11, 13: 32 }), 32)).toBe("05/24/00");
    expect(answer(host, cdb(0x23, 10, { 8: 252 }), 252)).toBe(golden("00000008 00011223 02 000200"));
    expect(answer(host, cdb(0xa0, 12, { 9: 16 }), 16)).toBe(golden("00000008 00000000 0000000000000000"));
    expect(refused(host, cdb(0xa0, 12, { 9: 15 }), 15)).toBe("05/24/00");
  });

  test("MODE SENSE (SPC-4 §6.11, §6.12) and its pages", async () => {
    const host = await plug();
    const caching = `0812${"00".repeat(18)}`;
    const exceptions = `1c0a${"00".repeat(10)}`;
    expect(answer(host, cdb(0x1a, 6, { 2: 0x3f, 4: 192 }), 192)).toBe(`23000000${caching}${exceptions}`);
    expect(answer(host, cdb(0x1a, 6, { 2: 0x08, 4: 192 }), 192)).toBe(`17000000${caching}`);
    expect(answer(host, cdb(0x1a, 6, { 2: 0x1c, 4: 4 }), 4)).toBe("0f000000");
    expect(answer(host, cdb(0x5a, 10, { 2: 0x3f, 8: 192 }), 192)).toBe(`0026000000000000${caching}${exceptions}`);
    expect(answer(host, cdb(0x5a, 10, { 2: 0x48, 8: 192 }), 192), "changeable").toBe(`001a000000000000${caching}`);
    expect(refused(host, cdb(0x1a, 6, { 2: 0x05, 4: 192 }), 192), "no such page").toBe("05/24/00");
    expect(refused(host, cdb(0x1a, 6, { 2: 0xc8, 4: 192 }), 192), "saved").toBe("05/24/00");
    expect(refused(host, cdb(0x1a, 6, { 2: 0x08, 3: 1, 4: 192 }), 192), "subpage").toBe("05/24/00");
    const readOnly = await plugDrive({ size: SIZE }, { readOnly: true });
    expect(answer(readOnly, cdb(0x1a, 6, { 2: 0x3f, 4: 4 }), 4)).toBe("23008000");
    expect(answer(readOnly, cdb(0x5a, 10, { 2: 0x3f, 8: 8 }), 8)).toBe("0026008000000000");
  });

  test("MODE SELECT (SPC-4 §6.9, §6.10) takes what is so already and refuses a change", async () => {
    const host = await plug();
    const caching = `0812${"00".repeat(18)}`;
    const select = (list: string, header = "00000000") => {
      const data = bytes(header + list);
      const six = header.length === 8;
      return {
        block: six ? cdb(0x15, 6, { 1: 0x10, 4: data.length }) : cdb(0x55, 10, { 1: 0x10, 8: data.length }),
        data,
      };
    };
    for (const { block, data } of [select(caching), select(""), select(caching, "0000000000000000")]) {
      expect(command(host, block, data)).toMatchObject({ status: PASSED, residue: 0 });
    }
    expect(command(host, cdb(0x15, 6, { 1: 0x10 }), 0).status).toBe(PASSED);
    const failing = (list: string, header?: string) => {
      const { block, data } = select(list, header);
      expect(command(host, block, data)).toMatchObject({ status: FAILED, residue: 0 });
      return sense(host);
    };
    expect(failing(`081204${"00".repeat(17)}`), "write cache on").toBe("05/26/00");
    expect(failing(`0510${"00".repeat(16)}`), "no such page").toBe("05/26/00");
    expect(failing("0812"), "cut off").toBe("05/1a/00");
    expect(failing("", "000000ff"), "a block descriptor that is not there").toBe("05/1a/00");
    expect(refused(host, cdb(0x15, 6, { 1: 0x11, 4: 24 }), bytes(`00000000${caching}`)), "save").toBe("05/24/00");
    expect(refused(host, cdb(0x55, 10, { 1: 0x10, 7: 1 }), new Uint8Array(256)), "too long").toBe("05/1a/00");
  });
});

describe("blocks", () => {
  const reads: [string, (lba: number, blocks: number) => Uint8Array][] = [
    ["READ(6)", (lba, blocks) => cdb(0x08, 6, { 1: lba >> 16, 2: (lba >> 8) & 0xff, 3: lba & 0xff, 4: blocks & 0xff })],
    ["READ(10)", (lba, blocks) => rw10(0x28, lba, blocks)],
    [
      "READ(12)",
      (lba, blocks) =>
        cdb(0xa8, 12, { 3: lba >> 16, 4: (lba >> 8) & 0xff, 5: lba & 0xff, 8: blocks >> 8, 9: blocks & 0xff }),
    ],
    ["READ(16)", (lba, blocks) => rw16(0x88, BigInt(lba), blocks)],
  ];
  const writes: typeof reads = [
    ["WRITE(6)", (lba, blocks) => Uint8Array.from(reads[0]?.[1](lba, blocks).with(0, 0x0a) ?? [])],
    ["WRITE(10)", (lba, blocks) => rw10(0x2a, lba, blocks)],
    ["WRITE(12)", (lba, blocks) => Uint8Array.from(reads[2]?.[1](lba, blocks).with(0, 0xaa) ?? [])],
    ["WRITE(16)", (lba, blocks) => rw16(0x8a, BigInt(lba), blocks)],
  ];
  for (const [index, [name, write]] of writes.entries()) {
    const [readName, read] = reads[index] as (typeof reads)[number];
    test(`${name} and ${readName}, up to the last block and not beyond`, async () => {
      const host = await plugDrive({ size: SIZE });
      const data = pattern(256 * 512);
      expect(command(host, write(BLOCKS - 256, 256), data)).toMatchObject({ status: PASSED, residue: 0 });
      expect(hex(command(host, read(BLOCKS - 256, 256), data.length).data)).toBe(hex(data));
      expect(hex(command(host, read(BLOCKS - 1, 1), 512).data)).toBe(hex(data.subarray(-512)));
      expect(refused(host, read(BLOCKS - 1, 2), 1024)).toBe("05/21/00");
      expect(refused(host, read(BLOCKS, 1), 512)).toBe("05/21/00");
      expect(refused(host, write(BLOCKS - 1, 2), new Uint8Array(1024))).toBe("05/21/00");
      expect(hex(command(host, read(BLOCKS - 1, 1), 512).data)).toBe(hex(data.subarray(-512)));
      if (index > 0) expect(command(host, read(0, 0), 0), "no blocks").toMatchObject({ status: PASSED });
      expect(host.clean).toBe(true);
    });
  }

  test("VERIFY (SBC-3 §5.31) and SYNCHRONIZE CACHE (§5.28) look at the range", async () => {
    const host = await plugDrive({ size: SIZE });
    for (const operation of [0x2f, 0x35]) {
      expect(command(host, rw10(operation, BLOCKS - 2, 2), 0).status).toBe(PASSED);
      expect(refused(host, rw10(operation, BLOCKS - 2, 3))).toBe("05/21/00");
    }
    for (const operation of [0x8f, 0x91]) {
      expect(command(host, rw16(operation, BigInt(BLOCKS) - 2n, 2), 0).status).toBe(PASSED);
      expect(refused(host, rw16(operation, 1n << 63n, 2))).toBe("05/21/00");
    }
    expect(refused(host, cdb(0x2f, 10, { 1: 0x02, 8: 1 }), new Uint8Array(512)), "BYTCHK").toBe("05/24/00");
  });

  test("a write-protected disk refuses writes and is not changed", async () => {
    const host = await plugDrive({ bytes: pattern(4096) }, { readOnly: true });
    for (const [, write] of writes) expect(refused(host, write(0, 1), new Uint8Array(512))).toBe("07/27/00");
    expect(command(host, rw10(0x28, 0, 8), 4096).data).toEqual(pattern(4096));
  });
});

describe("states of the unit", () => {
  test("power-on is a unit attention, once; INQUIRY, REPORT LUNS and REQUEST SENSE do not wait for it", async () => {
    const host = await plugDrive({ size: 4096 });
    await host.reset();
    host.configure();
    expect(command(host, cdb(0x12, 6, { 4: 36 }), 36).status).toBe(PASSED);
    expect(command(host, cdb(0xa0, 12, { 9: 16 }), 16).status).toBe(PASSED);
    expect(refused(host, rw10(0x28, 0, 1), 512)).toBe("06/29/00");
    expect(command(host, rw10(0x28, 0, 1), 512).status).toBe(PASSED);
    await host.reset();
    host.configure();
    expect(sense(host), "REQUEST SENSE tells and clears it").toBe("06/29/00");
    expect(sense(host)).toBe("00/00/00");
    expect(command(host, cdb(0x00, 6), 0).status).toBe(PASSED);
  });

  test("REQUEST SENSE (SPC-4 §6.39): fixed, descriptor, cut, and of the last command only", async () => {
    const host = await plugDrive({ size: 4096 });
    command(host, cdb(0xff, 6), 0);
    expect(answer(host, cdb(0x03, 6, { 4: 252 }), 252)).toBe(golden("70 00 05 00000000 0a 00000000 20 00 00 000000"));
    command(host, rw10(0x28, 9, 1), 0);
    expect(answer(host, cdb(0x03, 6, { 1: 1, 4: 252 }), 252)).toBe(golden("72 05 21 00 00000000"));
    command(host, cdb(0xff, 6), 0);
    command(host, cdb(0x00, 6), 0);
    expect(answer(host, cdb(0x03, 6, { 4: 3 }), 3)).toBe("700000");
  });

  test("START STOP UNIT (SBC-3 §5.25): eject, no medium, load, and what prevents it", async () => {
    const host = await plugDrive({ bytes: pattern(4096) });
    const startStop = (bits: number) => cdb(0x1b, 6, { 4: bits });
    expect(command(host, cdb(0x1e, 6, { 4: 1 }), 0).status).toBe(PASSED);
    expect(refused(host, startStop(0x02))).toBe("05/53/02");
    expect(command(host, cdb(0x1e, 6, { 4: 0 }), 0).status).toBe(PASSED);
    for (const bits of [0x00, 0x01, 0x03, 0x12]) expect(command(host, startStop(bits), 0).status).toBe(PASSED);
    expect(command(host, cdb(0x00, 6), 0).status).toBe(PASSED);

    expect(command(host, startStop(0x02), 0).status).toBe(PASSED);
    for (const block of [
      cdb(0x00, 6),
      cdb(0x25, 10),
      rw10(0x28, 0, 1),
      rw10(0x2a, 0, 1),
      rw10(0x35, 0, 1),
      rw10(0x2f, 0, 1),
    ]) {
      expect(refused(host, block)).toBe("02/3a/00");
    }
    expect(answer(host, cdb(0x23, 10, { 8: 12 }), 12)).toBe(golden("00000008 00000008 03 000200"));
    expect(command(host, cdb(0x1a, 6, { 2: 0x3f, 4: 4 }), 4).status).toBe(PASSED);

    expect(command(host, startStop(0x03), 0).status).toBe(PASSED);
    expect(refused(host, cdb(0x00, 6))).toBe("06/28/00");
    expect(command(host, rw10(0x28, 0, 1), 512).data).toEqual(pattern(4096).subarray(0, 512));
  });

  test("a reset allows removal again", async () => {
    const host = await plugDrive({ size: 4096 });
    command(host, cdb(0x1e, 6, { 4: 1 }), 0);
    await host.reset();
    host.configure();
    expect(sense(host)).toBe("06/29/00");
    expect(command(host, cdb(0x1b, 6, { 4: 2 }), 0).status).toBe(PASSED);
  });

  test("other logical units do not exist", async () => {
    const host = await plugDrive({ size: 4096 });
    expect(command(host, cdb(0x12, 6, { 4: 36 }), 36, 3).data[0]).toBe(0x7f);
    expect(command(host, cdb(0x00, 6), 0, 3).status).toBe(FAILED);
    expect(hex(command(host, cdb(0x03, 6, { 4: 18 }), 18, 3).data).slice(0, 28)).toBe(
      "70000500000000" + "0a0000000025" + "00",
    );
    expect(command(host, rw10(0x28, 0, 1), 512, 15).status).toBe(FAILED);
    expect(command(host, cdb(0x00, 6), 0).status).toBe(PASSED);
  });

  test("operations that it does not have", async () => {
    const host = await plugDrive({ size: 4096 });
    for (const operation of [0x04, 0x42, 0x41, 0x85, 0xa1, 0xa3, 0xff]) {
      expect(refused(host, cdb(operation, 16), 512), operation.toString(16)).toBe("05/20/00");
    }
  });
});
