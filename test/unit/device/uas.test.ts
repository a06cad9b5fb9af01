import { describe, expect, test } from "vitest";
import { STATUS_BABBLE, STATUS_CANCELLED, STATUS_INVALID, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { openImage } from "../../../worker/device/storage/image/open-image.ts";
import type { Image } from "../../../worker/device/storage/image.ts";
import { bytes, hex, now, pattern, type Transfer } from "./harness.ts";
import { cdb, rw10 } from "./storage.ts";
import {
  CHECK_CONDITION,
  COMMAND,
  commandIu,
  DATA_IN,
  DATA_OUT,
  GOOD,
  STATUS,
  STATUS_ROOM,
  taskIu,
  UasHost,
} from "./uas-host.ts";

const BLOCK = 512;
const READ = (lba: number, blocks = 1) => rw10(0x28, lba, blocks);
const WRITE = (lba: number, blocks = 1) => rw10(0x2a, lba, blocks);
const TEST_UNIT_READY = cdb(0x00, 6);
const ORDERED = { attribute: 2 };
const HEAD_OF_QUEUE = { attribute: 1 };

const contents = pattern(64 * BLOCK);
const block = (lba: number, count = 1) => contents.subarray(lba * BLOCK, (lba + count) * BLOCK);
const plug = (speed: "high" | "super") => UasHost.plug({ bytes: contents }, speed);

describe.each(["super", "high"] as const)("a UAS drive at %s speed", (speed) => {
  test("answers a command with data in, with data out and without data", async () => {
    const uas = await plug(speed);
    expect(await uas.run(TEST_UNIT_READY, 0)).toEqual({ status: GOOD, data: new Uint8Array(), moved: 0 });
    const read = await uas.run(READ(3, 2), 2 * BLOCK);
    expect(read).toMatchObject({ status: GOOD, moved: 2 * BLOCK });
    expect(read.data).toEqual(block(3, 2));
    const data = pattern(5 * BLOCK, 7);
    expect(await uas.run(WRITE(9, 5), data)).toMatchObject({ status: GOOD, moved: 5 * BLOCK });
    expect((await uas.run(READ(9, 5), 5 * BLOCK)).data).toEqual(data);
    expect(uas.host.clean).toBe(true);
  });

  test("says that it takes several commands at once", async () => {
    const uas = await plug(speed);
    const { data } = await uas.run(cdb(0x12, 6, { 4: 36 }), 36);
    expect(hex(data)).toBe(`008006021f000002${hex(Buffer.from("pvusb   UAS Drive       1.0 "))}`);
  });

  test("ends data short where there is less of it than the host has room for", async () => {
    const uas = await plug(speed);
    expect(await uas.run(READ(0), 4 * BLOCK)).toMatchObject({ status: GOOD, moved: BLOCK });
    const short = pattern(700, 3);
    expect(await uas.run(WRITE(20, 4), short), "the host's data").toMatchObject({
      ...{ status: CHECK_CONDITION, sense: "0b/4b/00", moved: 700 },
    });
    expect((await uas.run(READ(20, 2), 1024)).data.subarray(0, 700)).toEqual(short);
    expect(uas.host.clean).toBe(true);
  });

  test("a command that fails has its sense with it, and no data; REQUEST SENSE has nothing more", async () => {
    const uas = await plug(speed);
    for (const [command, payload] of [
      [READ(64), BLOCK],
      [WRITE(64), pattern(BLOCK)],
    ] as const) {
      const outcome = await uas.run(command, payload);
      expect(outcome).toMatchObject({ status: CHECK_CONDITION, sense: "05/21/00", moved: 0 });
    }
    expect(await uas.run(cdb(0xff, 6), 0)).toMatchObject({ status: CHECK_CONDITION, sense: "05/20/00" });
    expect(hex((await uas.run(cdb(0x03, 6, { 4: 18 }), 18)).data)).toBe(`700000000000000a${"00".repeat(10)}`);
    expect(uas.host.clean).toBe(true);
  });

  test("a unit that is not there is told by INQUIRY and by sense (SAM-5 §5.11)", async () => {
    const uas = await plug(speed);
    expect((await uas.run(cdb(0x12, 6, { 4: 36 }), 36, { unit: 1 })).data[0]).toBe(0x7f);
    expect(await uas.run(TEST_UNIT_READY, 0, { unit: 1 })).toMatchObject({ sense: "05/25/00" });
  });

  test("several transfers make up one command's data", async () => {
    const uas = await plug(speed);
    const read = uas.start(READ(0, 8), 1024);
    const rest = [1024, 2048].map((length) => uas.host.bulk(DATA_IN, stream(uas, read.tag), length));
    uas.poll();
    expect(read.outcome).toMatchObject({ status: GOOD, moved: 1024 });
    const parts = rest.map((each) => now(each).bytes);
    expect(Buffer.concat([read.outcome?.data ?? new Uint8Array(), ...parts])).toEqual(Buffer.from(block(0, 8)));
    expect(uas.host.clean).toBe(true);
  });

  test("many commands are under way at once, and each gets its own data", async () => {
    const uas = await plug(speed);
    const tags = Array.from({ length: 32 }, (_, index) => uas.start(READ(index), BLOCK));
    const outcomes = await Promise.all(tags.map((each) => uas.end(each)));
    for (const [index, outcome] of outcomes.entries()) expect(outcome.data).toEqual(block(index));
    expect(uas.host.clean).toBe(true);
  });

  test("a tag that is in use is told so, and its command is forgotten", async () => {
    const uas = await plug(speed);
    const first = uas.start(cdb(0x00, 6), 0, {}, 5);
    expect(first.outcome).toMatchObject({ status: GOOD });
    uas.send(commandIu(5, READ(0))); // its data or status waits for the host
    uas.send(commandIu(5, READ(1)));
    const overlapped = uas.expect(5, 0);
    uas.poll();
    expect(overlapped.outcome).toEqual({ response: 0x0a, data: new Uint8Array(), moved: 0 });
    expect((await uas.run(READ(2), BLOCK)).data).toEqual(block(2));
    expect(uas.host.clean).toBe(true);
  });

  test("what is no unit is told so; with no tag to tell it by, the command pipe halts", async () => {
    const uas = await plug(speed);
    for (const bad of [bytes("01 00 0007"), bytes("03 00 0007 00"), taskIu(7, 1, 0).subarray(0, 15)]) {
      const each = uas.expect(7, 0);
      expect(now(uas.send(bad))).toMatchObject({ status: STATUS_OK, actual: bad.length });
      uas.poll();
      expect(each.outcome?.response).toBe(0x02);
    }
    const nameless =
      speed === "super" ? ["", "010000", "01000000", "01000021", "0100ffff"] : ["", "010000", "01000000"];
    for (const text of nameless) {
      expect(now(uas.send(bytes(text))).status, text).toBe(STATUS_STALL);
      expect(now(uas.send(commandIu(1, TEST_UNIT_READY))).status).toBe(STATUS_STALL);
      expect(uas.host.clearHalt(COMMAND).status).toBe(STATUS_OK);
      expect((await uas.run(TEST_UNIT_READY, 0)).status).toBe(GOOD);
    }
    expect(uas.host.clean).toBe(true);
  });

  test("task management: ABORT TASK forgets one command, and no other", async () => {
    const uas = await plug(speed);
    const [first, second] = [uas.startHeld(READ(11), BLOCK), uas.startHeld(READ(12), BLOCK)];
    expect(uas.manage(0x80, first.tag), "QUERY TASK").toBe(0x08);
    expect(uas.manage(0x01, first.tag, 0, [first])).toBe(0x00);
    expect(uas.manage(0x80, first.tag)).toBe(0x00);
    expect(uas.manage(0x80, second.tag)).toBe(0x08);
    expect(uas.manage(0x01, 999), "a task that is not there").toBe(0x00);
    expect([first.outcome, second.outcome]).toEqual([undefined, undefined]);
    uas.go(second);
    expect((await uas.end(second)).data).toEqual(block(12));
    expect(uas.host.clean).toBe(true);
  });

  test.each([
    ["ABORT TASK SET", 0x02, GOOD],
    ["CLEAR TASK SET", 0x04, GOOD],
    ["LOGICAL UNIT RESET", 0x08, CHECK_CONDITION],
    ["I_T NEXUS RESET", 0x10, CHECK_CONDITION],
  ])("task management: %s forgets all commands", async (_, code, next) => {
    const uas = await plug(speed);
    const tags = [11, 12, 13].map((lba) => uas.startHeld(READ(lba), BLOCK));
    expect(uas.manage(0x81), "QUERY TASK SET").toBe(0x08);
    expect(uas.manage(code, 0, 0, tags)).toBe(0x00);
    expect(uas.manage(0x81)).toBe(0x00);
    const outcome = await uas.run(TEST_UNIT_READY, 0);
    expect(outcome.status).toBe(next);
    if (next !== GOOD) expect(outcome.sense, "a unit attention").toBe("06/29/00");
    expect((await uas.run(READ(4), BLOCK)).data).toEqual(block(4));
    expect(uas.host.clean).toBe(true);
  });

  test("task management that is not there, and of a unit that is not", async () => {
    const uas = await plug(speed);
    for (const code of [0x40, 0x82, 0x00, 0xff]) expect(uas.manage(code)).toBe(0x04);
    for (const code of [0x01, 0x02, 0x08, 0x80]) expect(uas.manage(code, 0, 1)).toBe(0x09);
  });

  test("an ORDERED command waits for its elders, and the younger wait for it; HEAD OF QUEUE waits for none", async () => {
    const uas = await plug(speed);
    const data = pattern(BLOCK, 5);
    const write = uas.startHeld(WRITE(3), data);
    const [ordered, younger] = [uas.start(READ(3), BLOCK, ORDERED), uas.start(READ(4), BLOCK)];
    const head = uas.start(TEST_UNIT_READY, 0, HEAD_OF_QUEUE);
    expect(head.outcome?.status).toBe(GOOD);
    expect([ordered.outcome, younger.outcome]).toEqual([undefined, undefined]);
    uas.go(write);
    expect((await uas.end(ordered)).data, "after the write").toEqual(data);
    expect((await uas.end(younger)).data).toEqual(block(4));
    expect(write.outcome?.status).toBe(GOOD);
    expect(uas.host.clean).toBe(true);
  });

  test("a status transfer without room is a babble, and the unit comes with the next", async () => {
    const uas = await plug(speed);
    const small = uas.host.bulk(STATUS, stream(uas, 3), 15);
    uas.send(commandIu(3, TEST_UNIT_READY));
    expect(now(small)).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
    const each = uas.expect(3, 0);
    uas.poll();
    expect(each.outcome?.status).toBe(GOOD);
  });

  test("alternate 0 is bulk-only and begins anew; so does alternate 1", async () => {
    const uas = await plug(speed);
    uas.startHeld(READ(11), BLOCK);
    const left = uas.queueStatus(11);
    uas.choose(0);
    expect(now(left).status).toBe(STATUS_CANCELLED);
    expect(uas.host.clean).toBe(true);
    expect(now(uas.host.bulk(COMMAND, 0, 32)).status, "no command pipe").toBe(STATUS_INVALID);
    const cbw = `55534243 01000000 00020000 80 00 0a ${hex(READ(6))} ${"00".repeat(6)}`;
    expect(now(uas.host.out(DATA_OUT, bytes(cbw))).status).toBe(STATUS_OK);
    expect(now(uas.host.in(DATA_IN, BLOCK)).bytes).toEqual(block(6));
    uas.choose(1);
    expect(uas.host.control({ bmRequestType: 0xa1, bRequest: 0xfe, wLength: 1 }).status).toBe(STATUS_STALL);
    expect((await uas.run(READ(7), BLOCK)).data).toEqual(block(7));
    expect(uas.host.clean).toBe(true);
  });

  test("a port reset and an unplug in the middle leave nothing behind", async () => {
    const uas = await plug(speed);
    const begin = () =>
      [11, 12, 13].flatMap((lba) => {
        const { tag } = uas.startHeld(READ(lba), BLOCK);
        return uas.queueStatus(tag);
      });
    const waits = begin();
    await uas.host.reset(...waits.filter(({ answer }) => !answer));
    expect(uas.host.clean).toBe(true);
    uas.host.configure();
    uas.choose(1);
    expect(await uas.run(TEST_UNIT_READY, 0)).toMatchObject({ status: CHECK_CONDITION, sense: "06/29/00" });
    for (const each of begin()) if (!each.answer) uas.host.cancel(each);
    await uas.host.device.close();
    expect(uas.host.clean).toBe(true);
  });

  test("an image that breaks in the middle ends the data there, and says why", async () => {
    const image = failing(await openImage({ bytes: contents }), 4 * BLOCK);
    const uas = await UasHost.plug(image, speed);
    const read = uas.start(READ(0, 8), 2 * BLOCK);
    const rest = [2, 4].map((blocks) => uas.host.bulk(DATA_IN, stream(uas, read.tag), blocks * BLOCK));
    uas.poll();
    expect(now(read.data as Transfer).actual).toBe(2 * BLOCK);
    expect(now(rest[0] as Transfer).actual).toBe(2 * BLOCK);
    expect(now(rest[1] as Transfer)).toMatchObject({ status: STATUS_OK, actual: 0 });
    expect(read.outcome).toMatchObject({ status: CHECK_CONDITION, sense: "03/11/00" });
    const write = await uas.run(WRITE(0, 8), pattern(8 * BLOCK));
    expect(write).toMatchObject({ status: CHECK_CONDITION, sense: "03/0c/00", moved: 8 * BLOCK });
    expect((await uas.run(READ(0), BLOCK)).status).toBe(GOOD);
    expect(uas.host.clean).toBe(true);
  });
});

describe("with streams", () => {
  test("status, data and command may come in any order", async () => {
    const orders = ["sdc", "scd", "dsc", "dcs", "csd", "cds"];
    for (const order of orders) {
      for (const payload of [BLOCK, pattern(BLOCK, 9)]) {
        const uas = await plug("super");
        const isIn = typeof payload === "number";
        const sent = new Map<string, Transfer>();
        for (const step of order) {
          if (step === "s") sent.set(step, uas.host.bulk(STATUS, 9, STATUS_ROOM));
          if (step === "d") sent.set(step, uas.host.bulk(isIn ? DATA_IN : DATA_OUT, 9, payload));
          if (step === "c") sent.set(step, uas.send(commandIu(9, isIn ? READ(1) : WRITE(1))));
        }
        expect(now(sent.get("d") as Transfer), order).toMatchObject({ status: STATUS_OK, actual: BLOCK });
        expect(hex(now(sent.get("s") as Transfer).bytes), order).toBe(`03000009${"00".repeat(12)}`);
        expect(uas.host.clean).toBe(true);
      }
    }
  });

  test("a command ends when its own stream lets it, whatever came before it", async () => {
    const uas = await plug("super");
    const slow = uas.startHeld(READ(1), BLOCK);
    const quick = uas.start(READ(2), BLOCK);
    expect(quick.outcome?.data).toEqual(block(2));
    uas.go(slow);
    expect(slow.outcome?.data).toEqual(block(1));
  });

  test("a cancelled transfer leaves other streams alone, and the next one gets its bytes", async () => {
    const uas = await UasHost.plug({ blob: new Blob([contents]) });
    const [one, two] = [uas.start(READ(1, 2), 1024), uas.start(READ(3, 2), 1024)];
    uas.host.cancel(one.data as Transfer);
    expect(now(one.data as Transfer)).toMatchObject({ status: STATUS_CANCELLED, actual: 0 });
    expect((await uas.end(two)).data).toEqual(block(3, 2));
    expect(one.outcome).toBeUndefined();
    uas.queueData(one);
    expect((await uas.end(one)).data).toEqual(block(1, 2));
    expect(uas.host.clean).toBe(true);
  });

  test("a halt of the data pipe stops every stream; after it they go on", async () => {
    const uas = await UasHost.plug({ blob: new Blob([contents]) });
    const tags = [uas.start(READ(1), BLOCK), uas.start(READ(2), BLOCK)];
    uas.host.control({ bmRequestType: 0x02, bRequest: 3, wIndex: DATA_IN });
    expect(tags.map((each) => each.data?.answer?.status)).toEqual([STATUS_STALL, STATUS_CANCELLED]);
    uas.host.clearHalt(DATA_IN);
    for (const each of tags) uas.queueData(each);
    expect((await Promise.all(tags.map((each) => uas.end(each)))).map(({ data }) => data)).toEqual([
      block(1),
      block(2),
    ]);
    expect(uas.host.clean).toBe(true);
  });
});

describe("without streams", () => {
  test("READ READY of the next command comes when the data of the one before is moved", async () => {
    const uas = await plug("high");
    const statuses = [1, 2, 3].map(() => uas.host.bulk(STATUS, 0, STATUS_ROOM));
    uas.send(commandIu(0x1234, READ(1)));
    uas.send(commandIu(0x1235, READ(2)));
    uas.send(commandIu(0x1236, WRITE(3)));
    expect(statuses.map(({ answer }) => answer && hex(answer.bytes))).toEqual(["06001234", "07001236", undefined]);
    expect(now(uas.host.in(DATA_IN, BLOCK)).bytes).toEqual(block(1));
    expect(hex(now(statuses[2] as Transfer).bytes)).toBe(`03001234${"00".repeat(12)}`);
    const more = [4, 5, 6].map(() => uas.host.bulk(STATUS, 0, STATUS_ROOM));
    expect(hex(now(more[0] as Transfer).bytes)).toBe("06001235");
    expect(now(uas.host.in(DATA_IN, BLOCK)).bytes).toEqual(block(2));
    expect(hex(now(more[1] as Transfer).bytes)).toBe(`03001235${"00".repeat(12)}`);
    now(uas.host.out(DATA_OUT, pattern(BLOCK)));
    expect(hex(now(more[2] as Transfer).bytes)).toBe(`03001236${"00".repeat(12)}`);
    expect(uas.host.clean).toBe(true);
  });

  test("no more commands are taken than there are tasks, and the rest when one ends", async () => {
    const uas = await plug("high");
    const sent = Array.from({ length: 66 }, (_, index) => uas.send(commandIu(index + 1, TEST_UNIT_READY)));
    expect(sent.filter(({ answer }) => answer)).toHaveLength(64);
    for (let index = 0; index < 66; index++) uas.expect(index + 1, 0);
    uas.poll();
    expect(sent.filter(({ answer }) => answer)).toHaveLength(66);
    expect(uas.host.clean).toBe(true);
  });
});

describe("of a Blob, which promises its bytes", () => {
  test.each(["super", "high"] as const)("at %s speed each command gets its own", async (speed) => {
    const uas = await UasHost.plug({ blob: new Blob([contents]) }, speed);
    const tags = Array.from({ length: 20 }, (_, index) => uas.start(READ(index, 1 + (index % 3)), 3 * BLOCK));
    const outcomes = await Promise.all(tags.map((each) => uas.end(each)));
    for (const [index, { data }] of outcomes.entries()) expect(data).toEqual(block(index, 1 + (index % 3)));
    expect(uas.host.clean).toBe(true);
  });

  test("a command that is aborted while it reads gives nothing to the one that has its tag next", async () => {
    const uas = await UasHost.plug({ blob: new Blob([contents]) });
    const first = uas.start(READ(1), BLOCK, {}, 20);
    expect(uas.manage(0x01, 20)).toBe(0x00);
    uas.send(commandIu(20, READ(2))); // with the transfers of the first, which the host did not take back
    expect((await uas.end(first)).data).toEqual(block(2));
    await uas.host.settle();
    expect(uas.host.clean).toBe(true);
  });

  test("an unplug while it reads leaves nothing behind", async () => {
    const uas = await UasHost.plug({ blob: new Blob([contents]) });
    const tags = [1, 2, 3].map((lba) => uas.start(READ(lba), BLOCK));
    for (const each of tags) uas.abandon(each);
    await uas.host.device.close();
    await uas.host.settle();
    expect(uas.host.clean).toBe(true);
  });
});

function stream(uas: UasHost, tag: number): number {
  return uas.streams ? tag : 0;
}

/** Reads and writes from `offset` on fail. */
function failing(image: Image, offset: number): Image {
  const check = (at: number, length: number) => {
    if (at + length > offset) throw new Error("broken");
  };
  return {
    ...{ size: image.size, readOnly: false, cached: false, volatile: true, notes: [], source: image.source },
    read(at, length, request, to) {
      check(at, length);
      return image.read(at, length, request, to);
    },
    bytes: (at, length) => image.bytes(at, length),
    write(at, length, request, from) {
      check(at, length);
      image.write(at, length, request, from);
    },
    flush: () => image.flush(),
    save: () => image.save(),
    restore: (state) => image.restore(state),
    close: () => image.close(),
  };
}
