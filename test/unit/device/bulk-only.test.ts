import { describe, expect, test } from "vitest";
import { STATUS_BABBLE, STATUS_CANCELLED, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { bytes, type Host, now, pattern } from "./harness.ts";
import {
  bulkOnlyReset,
  type Csw,
  cbw,
  cdb,
  command,
  IN,
  OUT,
  parseCsw,
  plugDrive,
  resetRecovery,
  rw10,
  sense,
  status,
} from "./storage.ts";

const PASSED = 0;
const FAILED = 1;
const PHASE_ERROR = 2;
const BLOCK = 512;
const TEST_UNIT_READY = cdb(0x00, 6);
const READ = (blocks: number) => rw10(0x28, 0, blocks);
const WRITE = (blocks: number) => rw10(0x2a, 0, blocks);

/** Sends a CBW whose expectation need not fit its command. */
function begin(host: Host, block: Uint8Array, length: number, isIn: boolean): void {
  expect(now(host.out(OUT, cbw(block, length, isIn)))).toMatchObject({ status: STATUS_OK, actual: 31 });
}

function ended(host: Host): Pick<Csw, "status" | "residue"> {
  const { status: code, residue } = status(host);
  expect(command(host, TEST_UNIT_READY, 0).status, "the next command").toBe(PASSED);
  return { status: code, residue };
}

describe("the thirteen cases (BOT 1.0 §6.7)", () => {
  const contents = pattern(4 * BLOCK);
  const plug = () => plugDrive({ bytes: contents });

  test("1: Hn = Dn", async () => {
    const host = await plug();
    begin(host, TEST_UNIT_READY, 0, false);
    expect(ended(host)).toEqual({ status: PASSED, residue: 0 });
  });

  test("2: Hn < Di, a phase error", async () => {
    const host = await plug();
    begin(host, READ(1), 0, true);
    expect(status(host)).toMatchObject({ status: PHASE_ERROR });
  });

  test("3: Hn < Do, a phase error, and nothing is written", async () => {
    const host = await plug();
    begin(host, WRITE(1), 0, false);
    expect(status(host)).toMatchObject({ status: PHASE_ERROR });
    expect(command(host, READ(1), BLOCK).data).toEqual(contents.subarray(0, BLOCK));
  });

  test("4: Hi > Dn, stalls IN", async () => {
    const host = await plug();
    begin(host, TEST_UNIT_READY, BLOCK, true);
    expect(host.isHalted(IN)).toBe(true);
    expect(now(host.in(IN, BLOCK))).toMatchObject({ status: STATUS_STALL, actual: 0 });
    expect(host.clearHalt(IN).status).toBe(STATUS_OK);
    expect(ended(host)).toEqual({ status: PASSED, residue: BLOCK });
  });

  test("5: Hi > Di, filled up with zeros", async () => {
    const host = await plug();
    begin(host, READ(1), 3 * BLOCK, true);
    const { bytes: data } = now(host.in(IN, 3 * BLOCK));
    expect(data.subarray(0, BLOCK)).toEqual(contents.subarray(0, BLOCK));
    expect(data.subarray(BLOCK)).toEqual(new Uint8Array(2 * BLOCK));
    expect(ended(host)).toEqual({ status: PASSED, residue: 2 * BLOCK });
  });

  test("5: the fill may need transfers of its own", async () => {
    const host = await plug();
    begin(host, cdb(0x12, 6, { 4: 36 }), 100, true);
    const parts = [30, 30, 30, 10].map((length) => now(host.in(IN, length)));
    expect(parts.map((each) => each.actual)).toEqual([30, 30, 30, 10]);
    expect(parts[1]?.bytes.subarray(6)).toEqual(new Uint8Array(24));
    expect(ended(host)).toEqual({ status: PASSED, residue: 64 });
  });

  test("6: Hi = Di", async () => {
    const host = await plug();
    begin(host, READ(2), 2 * BLOCK, true);
    expect(now(host.in(IN, 2 * BLOCK)).bytes).toEqual(contents.subarray(0, 2 * BLOCK));
    expect(ended(host)).toEqual({ status: PASSED, residue: 0 });
  });

  test("7: Hi < Di, sends what was expected, then a phase error", async () => {
    const host = await plug();
    begin(host, READ(2), BLOCK, true);
    expect(now(host.in(IN, BLOCK)).bytes).toEqual(contents.subarray(0, BLOCK));
    expect(status(host)).toMatchObject({ status: PHASE_ERROR });
  });

  test("8: Hi <> Do, stalls IN, a phase error", async () => {
    const host = await plug();
    begin(host, WRITE(1), BLOCK, true);
    expect(now(host.in(IN, BLOCK)).status).toBe(STATUS_STALL);
    expect(host.isHalted(OUT)).toBe(false);
    host.clearHalt(IN);
    expect(status(host)).toMatchObject({ status: PHASE_ERROR });
  });

  test("9: Ho > Dn, stalls OUT", async () => {
    const host = await plug();
    begin(host, TEST_UNIT_READY, BLOCK, false);
    expect(now(host.out(OUT, new Uint8Array(BLOCK))).status).toBe(STATUS_STALL);
    expect(host.isHalted(IN)).toBe(false);
    host.clearHalt(OUT);
    expect(ended(host)).toEqual({ status: PASSED, residue: BLOCK });
  });

  test("10: Ho <> Di, stalls OUT, a phase error", async () => {
    const host = await plug();
    begin(host, READ(1), BLOCK, false);
    expect(now(host.out(OUT, new Uint8Array(BLOCK))).status).toBe(STATUS_STALL);
    host.clearHalt(OUT);
    expect(status(host)).toMatchObject({ status: PHASE_ERROR });
  });

  test("11: Ho > Do, takes all and keeps what it needs", async () => {
    const host = await plug();
    const data = pattern(3 * 1024, 9);
    begin(host, WRITE(2), 3 * 1024, false);
    expect(now(host.out(OUT, data))).toMatchObject({ status: STATUS_OK, actual: 3 * 1024 });
    expect(ended(host)).toEqual({ status: PASSED, residue: 2 * 1024 });
    expect(command(host, READ(3), 3 * BLOCK).data).toEqual(
      Uint8Array.from([...data.subarray(0, 1024), ...contents.subarray(1024, 1536)]),
    );
  });

  test("12: Ho = Do", async () => {
    const host = await plug();
    begin(host, WRITE(2), 1024, false);
    now(host.out(OUT, pattern(1024, 5)));
    expect(ended(host)).toEqual({ status: PASSED, residue: 0 });
    expect(command(host, READ(2), 1024).data).toEqual(pattern(1024, 5));
  });

  test("13: Ho < Do, stalls OUT, a phase error, and nothing is written", async () => {
    const host = await plug();
    begin(host, WRITE(2), BLOCK, false);
    expect(now(host.out(OUT, pattern(BLOCK, 5))).status).toBe(STATUS_STALL);
    host.clearHalt(OUT);
    expect(status(host)).toMatchObject({ status: PHASE_ERROR });
    resetRecovery(host);
    expect(command(host, READ(2), 1024).data).toEqual(contents.subarray(0, 1024));
  });

  test("with the data queued before the command, a stall ends it and cancels what lies behind", async () => {
    const host = await plug();
    const queued = [host.in(IN, BLOCK), host.in(IN, BLOCK), host.in(IN, 13)];
    begin(host, TEST_UNIT_READY, 2 * BLOCK, true);
    expect(queued.map((each) => now(each).status)).toEqual([STATUS_STALL, STATUS_CANCELLED, STATUS_CANCELLED]);
    host.clearHalt(IN);
    expect(ended(host)).toEqual({ status: PASSED, residue: 2 * BLOCK });
    expect(host.clean).toBe(true);
  });
});

describe("command block wrapper (BOT 1.0 §5.1, §6.2, §6.6.1)", () => {
  const valid = cbw(TEST_UNIT_READY, 0, false);
  const changed = (at: number, value: number) => {
    const wrapper = valid.slice();
    wrapper[at] = value;
    return wrapper;
  };
  const wrong: [string, Uint8Array][] = [
    ["of 30 bytes", valid.subarray(0, 30)],
    ["of 32 bytes", new Uint8Array([...valid, 0])],
    ["of no bytes", new Uint8Array()],
    ["of 64 KiB", new Uint8Array(65536)],
    ["with another signature", changed(0, 0x54)],
    ["with a status signature", changed(3, 0x53)],
    ["with reserved flags", changed(12, 0x81)],
    ["with reserved bits by its unit", changed(13, 0x10)],
    ["with no command", changed(14, 0)],
    ["with a command of 17 bytes", changed(14, 17)],
    ["with reserved bits by its command's length", changed(14, 0x26)],
  ];
  for (const [what, wrapper] of wrong) {
    test(`one ${what} halts both endpoints until Reset Recovery`, async () => {
      const host = await plugDrive({ size: 4096 });
      expect(now(host.out(OUT, wrapper))).toMatchObject({ status: STATUS_STALL, actual: 0 });
      for (const endpoint of [IN, OUT]) {
        expect(host.clearHalt(endpoint).status).toBe(STATUS_OK);
        expect(host.isHalted(endpoint)).toBe(true);
      }
      expect(now(host.in(IN, 13)).status).toBe(STATUS_STALL);
      expect(now(host.out(OUT, valid)).status).toBe(STATUS_STALL);
      expect(bulkOnlyReset(host).status).toBe(STATUS_OK);
      expect(host.isHalted(IN) && host.isHalted(OUT), "the reset itself clears no halt (§3.1)").toBe(true);
      resetRecovery(host);
      expect(command(host, TEST_UNIT_READY, 0).status).toBe(PASSED);
      expect(host.clean).toBe(true);
    });
  }

  test("a reset of the port recovers too", async () => {
    const host = await plugDrive({ size: 4096 });
    now(host.out(OUT, new Uint8Array(5)));
    await host.reset();
    host.configure();
    expect(host.isHalted(IN)).toBe(false);
    expect(command(host, TEST_UNIT_READY, 0).status, "unit attention").toBe(FAILED);
    expect(sense(host)).toBe("06/29/00");
    expect(command(host, TEST_UNIT_READY, 0).status).toBe(PASSED);
  });

  test("a direction without data means nothing, a command shorter than its operation is filled with zeros", async () => {
    const host = await plugDrive({ size: 4096 });
    begin(host, TEST_UNIT_READY, 0, true);
    expect(ended(host).status).toBe(PASSED);
    begin(host, Uint8Array.of(0x12), 0, true);
    expect(ended(host).status).toBe(PASSED);
  });
});

describe("class requests (BOT 1.0 §3)", () => {
  test("Get Max LUN and Bulk-Only Mass Storage Reset, only in full", async () => {
    const host = await plugDrive({ size: 4096 });
    expect(host.control({ bmRequestType: 0xa1, bRequest: 0xfe, wLength: 1 })).toMatchObject({
      actual: 1,
      status: STATUS_OK,
    });
    const wrong = [
      { bmRequestType: 0xa1, bRequest: 0xfe, wLength: 2 },
      { bmRequestType: 0xa1, bRequest: 0xfe, wValue: 1, wLength: 1 },
      { bmRequestType: 0xa1, bRequest: 0xfe, wIndex: 1, wLength: 1 },
      { bmRequestType: 0xc1, bRequest: 0xfe, wLength: 1 },
      { bmRequestType: 0x21, bRequest: 0xff, wLength: 1 },
      { bmRequestType: 0x21, bRequest: 0xff, wIndex: 1 },
      { bmRequestType: 0xa1, bRequest: 0xff },
      { bmRequestType: 0x21, bRequest: 0xfd },
    ];
    for (const setup of wrong) expect(host.control(setup).status, JSON.stringify(setup)).toBe(STATUS_STALL);
    host.configure(0);
    expect(host.control({ bmRequestType: 0xa1, bRequest: 0xfe, wLength: 1 }).status).toBe(STATUS_STALL);
  });

  test("a reset in the data stage forgets the command", async () => {
    const host = await plugDrive({ bytes: pattern(8192) });
    begin(host, READ(8), 4096, true);
    now(host.in(IN, 1024));
    resetRecovery(host);
    expect(command(host, READ(1), BLOCK).data).toEqual(pattern(8192).subarray(0, BLOCK));
    begin(host, WRITE(4), 2048, false);
    now(host.out(OUT, new Uint8Array(1024)));
    resetRecovery(host);
    expect(command(host, TEST_UNIT_READY, 0)).toMatchObject({ status: PASSED, residue: 0 });
  });
});

describe("what hosts do besides", () => {
  test("the CSW outlives a halt of IN, and too little room for it", async () => {
    const host = await plugDrive({ size: 4096 });
    begin(host, TEST_UNIT_READY, 0, false);
    host.control({ bmRequestType: 0x02, bRequest: 3, wIndex: IN });
    expect(now(host.in(IN, 13)).status).toBe(STATUS_STALL);
    host.clearHalt(IN);
    expect(now(host.in(IN, 12))).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
    expect(parseCsw(now(host.in(IN, 512)))).toMatchObject({ status: PASSED });
  });

  test("a next command waits until the CSW was fetched", async () => {
    const host = await plugDrive({ size: 4096 });
    begin(host, TEST_UNIT_READY, 0, false);
    const next = host.out(OUT, cbw(TEST_UNIT_READY, 0, false));
    expect(next.answer).toBeUndefined();
    parseCsw(now(host.in(IN, 13)));
    expect(now(next).status).toBe(STATUS_OK);
    parseCsw(now(host.in(IN, 13)));
    expect(host.clean).toBe(true);
  });

  test("a short packet ends the data early: the command fails, whole blocks or not", async () => {
    const host = await plugDrive({ size: 8192 });
    begin(host, WRITE(4), 2048, false);
    now(host.out(OUT, pattern(1024)));
    now(host.out(OUT, new Uint8Array()));
    expect(status(host)).toMatchObject({ status: FAILED, residue: 1024 });
    expect(sense(host)).toBe("0b/4b/00");
    begin(host, WRITE(4), 2048, false);
    now(host.out(OUT, pattern(700)));
    expect(status(host)).toMatchObject({ status: FAILED, residue: 1348 });
    expect(sense(host)).toBe("0b/4b/00");
    expect(command(host, TEST_UNIT_READY, 0).status).toBe(PASSED);
  });

  test("transfers waiting on both endpoints come back from a reset and an unplug", async () => {
    const host = await plugDrive({ size: 8192 });
    const waiting = [host.in(IN, 512), host.in(IN, 13)];
    await host.reset(...waiting);
    expect(waiting.map((each) => now(each).status)).toEqual([STATUS_CANCELLED, STATUS_CANCELLED]);
    host.configure();
    const more = host.in(IN, 512);
    host.cancel(more);
    expect(now(more).status).toBe(STATUS_CANCELLED);
    await host.device.close();
    expect(host.clean).toBe(true);
  });

  test("a read that was given up between its transfers goes on where it was", async () => {
    const host = await plugDrive({ bytes: pattern(4096) });
    begin(host, READ(4), 2048, true);
    now(host.in(IN, 1024));
    expect(now(host.in(IN, 1024)).bytes).toEqual(pattern(4096).subarray(1024, 2048));
    expect(status(host)).toMatchObject({ status: PASSED, residue: 0 });
  });

  test("the wrappers' bytes", async () => {
    const host = await plugDrive({ size: 4096 });
    now(host.out(OUT, bytes("55534243 11223344 00000000 00 00 06 00000000000000000000000000000000")));
    expect(now(host.in(IN, 13)).bytes).toEqual(bytes("55534253 11223344 00000000 00"));
    now(host.out(OUT, bytes("55534243 55667788 20000000 80 00 06 ff000000000000000000000000000000")));
    expect(now(host.in(IN, 32)).status).toBe(STATUS_STALL);
    host.clearHalt(IN);
    expect(now(host.in(IN, 13)).bytes).toEqual(bytes("55534253 55667788 20000000 01"));
  });
});
