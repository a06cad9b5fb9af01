import { describe, expect, test } from "vitest";
import { createDevice } from "../../../worker/device/index.ts";
import { Shelf } from "../../../worker/device/storage/shelf.ts";
import type { ImageSource } from "../../../worker/protocol.ts";
import { throughFile } from "../saved.ts";
import { bytes, Host, hex, now, pattern } from "./harness.ts";
import { quiet } from "./saved.ts";
import { cbw, cdb, command, IN, OUT, rw10, sense } from "./storage.ts";

const BLOCKS = 0x1122;
const DISC: ImageSource = { bytes: pattern(BLOCKS * 2048) };
const OTHER: ImageSource = { bytes: pattern(16 * 2048, 7) };
const golden = (text: string) => hex(bytes(text));
const ascii = (text: string) => hex(Buffer.from(text));

/** A configured drive whose attention was read, and how often it had something to tell. */
async function plug(image: ImageSource | undefined = DISC) {
  const told = { count: 0 };
  const hasOutput = () => told.count++;
  const source = { kind: "cdrom", serial: "AB12", ...(image && { image }) } as const;
  const device = await createDevice(source, { ...quiet, hasOutput: () => void hasOutput() });
  const host = await Host.plug(device);
  host.configure();
  command(host, cdb(0x00, 6), 0);
  sense(host);
  return { host, told, insert: (disc: ImageSource) => device.input?.({ type: "insert", image: disc }) };
}

function answer(host: Host, block: Uint8Array, room: number): string {
  const { data, residue, status } = command(host, block, room);
  expect(status).toBe(0);
  return hex(data.subarray(0, room - residue));
}

function refused(host: Host, block: Uint8Array, room = 0): string {
  expect(command(host, block, room)).toMatchObject({ status: 1, residue: room });
  return sense(host);
}

const ready = (host: Host) => (command(host, cdb(0x00, 6), 0).status === 0 ? "ready" : sense(host));
/** GET EVENT STATUS NOTIFICATION of the media class: event, status. */
const event = (host: Host) => answer(host, cdb(0x4a, 10, { 1: 1, 4: 0x10, 8: 8 }), 8).slice(8, 12);
const startStop = (host: Host, bits: number) => command(host, cdb(0x1b, 6, { 4: bits }), 0).status;
const prevent = (host: Host, bit: number) => command(host, cdb(0x1e, 6, { 4: bit }), 0).status;

describe("what it says of itself and of its disc", () => {
  test("INQUIRY and its pages: a removable multi-media device without those of block devices", async () => {
    const { host } = await plug();
    expect(answer(host, cdb(0x12, 6, { 4: 36 }), 36)).toBe(
      golden(`05 80 06 02 1f 00 00 00 ${ascii("pvusb   ")} ${ascii("CD Drive        ")} ${ascii("1.0 ")}`),
    );
    expect(answer(host, cdb(0x12, 6, { 1: 1, 4: 255 }), 255)).toBe(golden("05 00 0003 00 80 83"));
    expect(answer(host, cdb(0x12, 6, { 1: 1, 2: 0x80, 4: 255 }), 255)).toBe(golden(`05 80 0004 ${ascii("AB12")}`));
    expect(refused(host, cdb(0x12, 6, { 1: 1, 2: 0xb0, 4: 255 }), 255)).toBe("05/24/00");
  });

  test("READ CAPACITY (SBC-3 §5.15), and blocks of 2048 bytes by READ(10), READ(12) and READ CD (MMC-6 §6.20)", async () => {
    const { host } = await plug();
    const disc = pattern(BLOCKS * 2048);
    expect(answer(host, cdb(0x25, 10), 8)).toBe(golden("00001121 00000800"));
    expect(command(host, rw10(0x28, 3, 2), 4096).data).toEqual(disc.subarray(3 * 2048, 5 * 2048));
    expect(command(host, cdb(0xa8, 12, { 5: 7, 9: 1 }), 2048).data).toEqual(disc.subarray(7 * 2048, 8 * 2048));
    expect(command(host, cdb(0xbe, 12, { 5: 9, 8: 1, 9: 0x10 }), 2048).data).toEqual(
      disc.subarray(9 * 2048, 10 * 2048),
    );
    expect(command(host, cdb(0xbe, 12, { 5: 9, 8: 1 }), 0).status, "nothing of a block").toBe(0);
    expect(refused(host, cdb(0xbe, 12, { 5: 9, 8: 1, 9: 0xf8 }), 2352), "raw").toBe("05/24/00");
    expect(refused(host, cdb(0xbe, 12, { 1: 0x04, 5: 9, 8: 1, 9: 0x10 }), 2048), "CD-DA").toBe("05/64/00");
    expect(refused(host, rw10(0x28, BLOCKS, 1), 2048)).toBe("05/21/00");
    expect(refused(host, rw10(0x28, BLOCKS - 1, 2), 4096)).toBe("05/21/00");
  });

  test("READ TOC (MMC-6 §6.26): track 1 and the lead-out, the session, the lead-in", async () => {
    const { host } = await plug();
    const toc = (fields: Record<number, number>) => answer(host, cdb(0x43, 10, { 8: 64, ...fields }), 64);
    const one = "00 14 01 00 00000000";
    const out = "00 14 aa 00 00001122";
    expect(toc({})).toBe(golden(`0012 01 01 ${one} ${out}`));
    expect(toc({ 6: 1 })).toBe(golden(`0012 01 01 ${one} ${out}`));
    expect(toc({ 6: 0xaa })).toBe(golden(`000a 01 01 ${out}`));
    // 4386 blocks and 150 before them are 60 seconds and 36 frames.
    expect(toc({ 1: 2 })).toBe(golden("0012 01 01 00 14 01 00 00000200 00 14 aa 00 00010024"));
    expect(toc({ 8: 12 })).toBe(golden(`0012 01 01 ${one}`));
    expect(toc({ 2: 1 })).toBe(golden("000a 01 01 00 14 01 00 00000000"));
    expect(toc({ 9: 0x40 }), "the format where older hosts have it").toBe(golden("000a 01 01 00 14 01 00 00000000"));
    expect(toc({ 2: 2 })).toBe(
      golden(
        "002e 01 01 01 14 00 a0 000000 00 010000 01 14 00 a1 000000 00 010000" +
          "01 14 00 a2 000000 00 010024 01 14 00 01 000000 00 000200",
      ),
    );
    expect(refused(host, cdb(0x43, 10, { 6: 2, 8: 64 }), 64)).toBe("05/24/00");
    expect(refused(host, cdb(0x43, 10, { 2: 5, 8: 64 }), 64)).toBe("05/24/00");
  });

  test("GET CONFIGURATION (MMC-6 §6.5): a CD, a DVD or nothing is in, and the features from one on, or only that", async () => {
    const { host } = await plug();
    const ask = (of: Host, fields: Record<number, number>) => answer(of, cdb(0x46, 10, { 8: 128, ...fields }), 128);
    const core = "0001 0b 08 00000008 01 000000";
    const removable = "0003 03 04 29 000000";
    expect(ask(host, {})).toBe(
      golden(
        `0000003c 0000 0008 0000 03 08 0010 00 00 0008 01 00 ${core} ${removable}` +
          "0010 01 08 00000800 0001 0000 001e 09 04 00000000 001f 00 00",
      ),
    );
    expect(ask(host, { 1: 1, 3: 0x1e })).toBe(golden("0000000c 0000 0008 001e 09 04 00000000"));
    expect(ask(host, { 1: 2, 3: 0x01 })).toBe(golden(`00000010 0000 0008 ${core}`));
    expect(ask(host, { 1: 2, 3: 0x20 })).toBe(golden("00000004 0000 0008"));
    expect(ask(host, { 8: 8 })).toBe(golden("0000003c 0000 0008"));
    expect(refused(host, cdb(0x46, 10, { 1: 3, 8: 8 }), 8)).toBe("05/24/00");
    const dvd = await plug({ size: 4_700_000_000 });
    expect(ask(dvd.host, { 1: 1, 3: 0x10 })).toBe(
      golden("00000014 0000 0010 0010 01 08 00000800 0001 0000 001f 01 00"),
    );
    const empty = await createDevice({ kind: "cdrom" }, quiet);
    const nothing = await Host.plug(empty);
    nothing.configure();
    expect(ask(nothing, { 1: 1, 3: 0x04 }), "before its attention was heard").toBe(golden("00000004 0000 0000"));
    expect(ready(nothing)).toBe("06/29/00");
    expect(ready(nothing)).toBe("02/3a/01");
  });

  test("MODE SENSE (MMC-6 §7), READ DISC INFORMATION (§6.22), MECHANISM STATUS (§6.12), and what it lacks", async () => {
    const { host } = await plug();
    const recovery = `010a${"00".repeat(10)}`;
    const capabilities = (bits: string) => `2a140b000000${bits}0023c000000040 23c0 000000000000`.replaceAll(" ", "");
    expect(answer(host, cdb(0x5a, 10, { 2: 0x2a, 8: 128 }), 128)).toBe(`001c000000000000${capabilities("29")}`);
    expect(answer(host, cdb(0x1a, 6, { 2: 0x3f, 4: 128 }), 128)).toBe(`25000000${recovery}${capabilities("29")}`);
    prevent(host, 1);
    expect(answer(host, cdb(0x1a, 6, { 2: 0x2a, 4: 128 }), 128)).toBe(`19000000${capabilities("2b")}`);
    expect(answer(host, cdb(0x51, 10, { 8: 34 }), 34)).toBe(
      `00200e01010101${"00".repeat(9)}ffffffffffffffff${"00".repeat(10)}`,
    );
    expect(answer(host, cdb(0xbd, 12, { 9: 8 }), 8)).toBe("0000000000000000");
    for (const operation of [0x2a, 0x42, 0x9e, 0xaa]) {
      expect(refused(host, cdb(operation, operation >= 0xa0 ? 12 : 10)), operation.toString(16)).toBe("05/20/00");
    }
  });
});

describe("discs come and go", () => {
  test("the guest ejects and loads: each event is told once, and the person sees it", async () => {
    const { host, told } = await plug();
    expect(event(host)).toBe("0002");
    expect(host.device.output?.()).toEqual({ type: "drive", changed: false, loaded: true, locked: false });
    const before = told.count;
    expect(startStop(host, 0x02)).toBe(0);
    expect(told.count).toBe(before + 1);
    expect(host.device.output?.()).toMatchObject({ loaded: false });
    expect(event(host)).toBe("0301");
    expect(event(host)).toBe("0001");
    expect(ready(host)).toBe("02/3a/02");
    expect(refused(host, rw10(0x28, 0, 1), 2048)).toBe("02/3a/02");
    expect(startStop(host, 0x03)).toBe(0);
    expect(event(host), "in spite of the attention").toBe("0202");
    expect(ready(host)).toBe("06/28/00");
    expect(ready(host)).toBe("ready");
    expect(host.device.output?.()).toMatchObject({ loaded: true });
  });

  test("GET EVENT STATUS NOTIFICATION (MMC-6 §6.6): another class, a short answer, an asynchronous one", async () => {
    const { host } = await plug();
    startStop(host, 0x02);
    expect(answer(host, cdb(0x4a, 10, { 1: 1, 4: 0x02, 8: 8 }), 8)).toBe(golden("0002 80 10"));
    expect(answer(host, cdb(0x4a, 10, { 1: 1, 4: 0x10, 8: 4 }), 4), "only the header: the event stays").toBe(
      golden("0006 04 10"),
    );
    expect(answer(host, cdb(0x4a, 10, { 1: 1, 4: 0x5e, 8: 8 }), 8)).toBe(golden("0006 04 10 03 01 0000"));
    expect(refused(host, cdb(0x4a, 10, { 4: 0x10, 8: 8 }), 8)).toBe("05/24/00");
  });

  test("a person changes the disc: the guest hears of it before it reads another one", async () => {
    const { host, insert } = await plug();
    await insert(OTHER);
    expect(event(host)).toBe("0202");
    expect(refused(host, rw10(0x28, 0, 1), 2048)).toBe("06/28/00");
    expect(answer(host, cdb(0x25, 10), 8)).toBe(golden("0000000f 00000800"));
    expect(command(host, rw10(0x28, 0, 1), 2048).data).toEqual(pattern(2048, 7));
  });

  test("a disc that is changed in the middle of a command ends it, and none of the other disc's bytes are its", async () => {
    const { host, insert } = await plug();
    now(host.out(OUT, cbw(rw10(0x28, 0, 2), 4096, true)));
    expect(now(host.in(IN, 2048)).bytes).toEqual(pattern(2048));
    await insert(OTHER);
    expect(now(host.in(IN, 2048)).bytes).toHaveLength(0);
    host.clearHalt(IN);
    expect(now(host.in(IN, 13)).bytes[12]).toBe(1);
    expect(sense(host)).toBe("06/28/00");
  });

  test("a locked tray opens for the guest's own command not, and for a person by force only", async () => {
    const { host, told } = await plug();
    prevent(host, 1);
    expect(host.device.output?.()).toMatchObject({ loaded: true, locked: true });
    expect(startStop(host, 0x02)).toBe(1);
    expect(sense(host)).toBe("05/53/02");
    await host.device.input?.({ type: "eject" });
    expect(event(host), "EjectRequest").toBe("0102");
    const before = told.count;
    await host.device.input?.({ type: "eject", force: true });
    expect(told.count).toBeGreaterThan(before);
    expect(host.device.output?.()).toMatchObject({ loaded: false, locked: false });
    expect(ready(host)).toBe("02/3a/02");
  });

  test("what is no disc is refused in words, and rubbish does nothing", async () => {
    const { host, insert } = await plug();
    await expect(insert({ size: 512 })).rejects.toThrow("smaller than one");
    await expect(insert({} as ImageSource)).rejects.toMatchObject({ name: "ImageError" });
    for (const message of [undefined, null, 7, "eject", [], { type: "insert" }, { type: "insert", image: 3 }, {}]) {
      await host.device.input?.(message);
    }
    expect(ready(host)).toBe("ready");
  });
});

describe("a saved state", () => {
  test("has the tray, the lock and what the guest has not heard", async () => {
    const { host } = await plug();
    prevent(host, 1);
    await host.device.input?.({ type: "eject", force: true });
    const state = throughFile(host.device.save?.());
    const other = await createDevice(throughFile(host.device.origin) as never, quiet);
    expect(other.restore?.(state)).toBeUndefined();
    const again = await Host.plug(other);
    expect(event(again)).toBe("0301");
    expect(startStop(again, 0x03)).toBe(0);
    expect(ready(again)).toBe("06/28/00");
    expect(command(again, rw10(0x28, 0, 1), 2048).data).toEqual(pattern(2048));
  });

  test("with another disc meanwhile, the guest hears of a change", async () => {
    const { host, insert } = await plug();
    await insert(DISC);
    const state = throughFile(host.device.save?.());
    await insert(OTHER);
    command(host, cdb(0x00, 6), 0);
    expect(host.device.restore?.(state)).toMatch(/another one/);
    expect(ready(host)).toBe("06/28/00");
    expect(command(host, rw10(0x28, 0, 1), 2048).data).toEqual(pattern(2048, 7));
  });

  test("of a drive whose disc was changed is made again with that disc", async () => {
    const { host, insert } = await plug();
    await insert(OTHER);
    const other = await createDevice(throughFile(host.device.origin) as never, quiet);
    other.restore?.(throughFile(host.device.save?.()));
    const again = await Host.plug(other);
    expect(ready(again)).toBe("06/28/00");
    expect(command(again, rw10(0x28, 0, 1), 2048).data).toEqual(pattern(2048, 7));
  });
});

test("a disc in use elsewhere, under its name, is refused", async () => {
  const shelf = new Shelf();
  const kept = await shelf.open(DISC, true, "disc");
  await expect(
    createDevice({ kind: "cdrom", image: { kept: "disc" } }, quiet, undefined, undefined, shelf),
  ).rejects.toThrow("plugged in already");
  kept.close();
  await createDevice({ kind: "cdrom", image: { kept: "disc" } }, quiet, undefined, undefined, shelf);
});
