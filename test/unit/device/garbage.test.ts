/** Whatever a guest sends: nothing throws, nothing hangs, no byte outside is touched, and Reset Recovery brings it back. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  LENGTH_MAX,
  STATUS_COUNT,
  STATUS_OK,
  TYPE_BULK,
  TYPE_CONTROL,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import { createMicrophone } from "../../../worker/device/audio/microphone.ts";
import { SoundRecorder } from "../../../worker/device/audio/sound-recorder.ts";
import { createSpeaker } from "../../../worker/device/audio/speaker.ts";
import { createGamepad } from "../../../worker/device/hid/gamepad.ts";
import { createKeyboard } from "../../../worker/device/hid/keyboard.ts";
import { createMouse } from "../../../worker/device/hid/mouse.ts";
import { createPassThrough } from "../../../worker/device/hid/pass-through.ts";
import { createTablet } from "../../../worker/device/hid/tablet.ts";
import { Host, now, pattern, type Transfer } from "./harness.ts";
import { VENDOR_REPORTS } from "./hid.ts";
import { cbw, cdb, command, IN, OUT, plugDrive, resetRecovery, rw10 } from "./storage.ts";
import { COMMAND, commandIu, DATA_IN, DATA_OUT, STATUS, STATUS_ROOM, taskIu, UasHost } from "./uas-host.ts";

const byte = fc.nat(255);
const operation = fc.oneof(
  fc.constantFrom(
    ...[0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x23, 0x25, 0x28, 0x2a, 0x2f, 0x35, 0x55, 0x5a],
    ...[0x88, 0x8a, 0x8f, 0x91, 0x9e, 0xa0, 0xa8, 0xaa, 0xaf],
  ),
  byte,
);
/** Commands whose fields are small often enough to do something. */
const block = fc
  .tuple(operation, fc.array(fc.oneof(fc.constant(0), fc.nat(9), byte), { minLength: 15, maxLength: 15 }))
  .map(([first, rest]) => Uint8Array.of(first, ...rest));
const length = fc.oneof(fc.constantFrom(0, 13, 31, 512, 1024, 4096, 65536 + 512), fc.nat(9000));

type Step =
  | {
      readonly do: "command";
      readonly block: Uint8Array;
      readonly length: number;
      readonly isIn: boolean;
      readonly unit: number;
    }
  | { readonly do: "in" | "out"; readonly length: number }
  | { readonly do: "wrapper"; readonly bytes: Uint8Array }
  | { readonly do: "cancel"; readonly which: number }
  | { readonly do: "control"; readonly setup: readonly number[]; readonly length: number }
  | { readonly do: "clear" | "halt" }
  | { readonly do: "reset" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("command" as const),
    block,
    length: fc.oneof(length, fc.constantFrom(LENGTH_MAX, 0xffffffff)),
    isIn: fc.boolean(),
    unit: fc.oneof(fc.constant(0), fc.nat(15)),
  }),
  fc.record({ do: fc.constantFrom("in" as const, "out" as const), length }),
  fc.record({ do: fc.constant("wrapper" as const), bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ do: fc.constant("cancel" as const), which: fc.nat(255) }),
  fc.record({
    do: fc.constant("control" as const),
    setup: fc.tuple(
      fc.oneof(fc.constantFrom(0, 1, 2, 0x80, 0x81, 0x82, 0x21, 0xa1), byte),
      fc.oneof(fc.nat(12), byte),
      fc.oneof(fc.nat(3), byte),
      byte,
      fc.oneof(fc.constantFrom(0, IN, OUT), byte),
      byte,
    ),
    length: fc.oneof(fc.nat(255), fc.constant(0)),
  }),
  fc.record({ do: fc.constantFrom("clear" as const, "halt" as const) }),
  fc.record({ do: fc.constant("reset" as const) }),
);

function take(host: Host, sent: Transfer[], each: Step): void {
  switch (each.do) {
    case "command":
      sent.push(host.out(OUT, cbw(each.block, each.length, each.isIn, each.unit)));
      break;
    case "in":
      sent.push(host.in(IN, each.length));
      break;
    case "out":
      sent.push(host.out(OUT, pattern(each.length)));
      break;
    case "wrapper":
      sent.push(host.out(OUT, each.bytes));
      break;
    case "cancel": {
      const transfer = sent[each.which % (sent.length || 1)];
      if (transfer && !transfer.answer) host.cancel(transfer);
      break;
    }
    case "control": {
      const [bmRequestType = 0, bRequest = 0, low = 0, high = 0, indexLow = 0, indexHigh = 0] = each.setup;
      const setup = { bmRequestType, bRequest, wValue: low | (high << 8), wIndex: indexLow | (indexHigh << 8) };
      sent.push(host.submit(0, TYPE_CONTROL, each.length, setup));
      break;
    }
    case "clear":
      host.clearHalt(IN);
      host.clearHalt(OUT);
      break;
    case "halt":
      host.control({ bmRequestType: 0x02, bRequest: 3, wIndex: IN });
      break;
    case "reset":
      host.control({ bmRequestType: 0x21, bRequest: 0xff });
      break;
  }
}

for (const [name, image] of [
  ["memory", () => ({ size: 64 * 512 })],
  ["a Blob, which answers late", () => ({ blob: new Blob([pattern(64 * 512)]) })],
] as const) {
  test(`a flash drive of ${name} stands any order of anything`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const host = await plugDrive(image());
        const sent: Transfer[] = [];
        for (const each of steps) {
          if (host.owned < 100) take(host, sent, each);
        }
        await host.settle(3);
        for (const transfer of sent) {
          if (!transfer.answer) host.cancel(transfer);
        }
        for (const transfer of sent) {
          const { status, actual } = now(transfer);
          expect(status).toBeLessThan(STATUS_COUNT);
          expect(actual).toBeLessThanOrEqual(transfer.length);
        }
        expect(host.clean).toBe(true);

        host.configure();
        now(host.out(OUT, new Uint8Array(1)));
        resetRecovery(host);
        for (let turn = 0; turn < 3; turn++) command(host, cdb(0x1b, 6, { 4: 3 }), 0); // loaded, attentions read
        expect(command(host, cdb(0x00, 6), 0)).toMatchObject({ status: 0 });
        now(host.out(OUT, cbw(rw10(0x28, 63, 1), 512, true)));
        expect(await host.wait(host.in(IN, 512))).toMatchObject({ status: 0, actual: 512 });
        await host.device.close();
        expect(host.clean || host.owned === 0).toBe(true);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
}

test("a disk is exactly what a model of it says, after any reads and writes", async () => {
  const blocks = 300;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.nat(blocks + 4), fc.nat(200), fc.nat()), { maxLength: 25 }),
      async (operations) => {
        const model = new Uint8Array(blocks * 512);
        const host = await plugDrive({ size: blocks * 512 });
        for (const [isWrite, lba, count, seed] of operations) {
          const fits = lba + count <= blocks;
          const data = pattern(count * 512, seed);
          const outcome = isWrite
            ? command(host, rw10(0x2a, lba, count), data)
            : command(host, rw10(0x28, lba, count), data.length);
          expect(outcome.status).toBe(fits ? 0 : 1);
          if (!fits) continue;
          if (isWrite) model.set(data, lba * 512);
          else expect(Buffer.compare(outcome.data, model.subarray(lba * 512, (lba + count) * 512))).toBe(0);
        }
        expect(Buffer.compare(command(host, rw10(0x28, 0, blocks), model.length).data, model)).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

/** What a host may do to a UAS drive: units good and bad, and transfers of any pipe and stream. */
const uasStep = fc.oneof(
  fc.record({
    do: fc.constant("command" as const),
    tag: fc.oneof(fc.nat(6), fc.nat(0xffff)),
    block,
    attribute: fc.nat(7),
    unit: fc.oneof(fc.constant(0), fc.nat(3)),
  }),
  fc.record({
    do: fc.constant("manage" as const),
    tag: fc.nat(6),
    code: fc.oneof(fc.constantFrom(0x01, 0x02, 0x04, 0x08, 0x10, 0x80, 0x81), byte),
    taskTag: fc.nat(6),
  }),
  fc.record({ do: fc.constant("unit" as const), bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({
    do: fc.constant("transfer" as const),
    pipe: fc.constantFrom(STATUS, DATA_IN, DATA_OUT),
    stream: fc.oneof(fc.nat(6), fc.nat(40)),
    length: fc.oneof(length, fc.constantFrom(4, 16, STATUS_ROOM)),
  }),
  fc.record({ do: fc.constant("cancel" as const), which: fc.nat(255) }),
  fc.record({ do: fc.constant("feature" as const), on: fc.boolean(), pipe: fc.constantFrom(COMMAND, STATUS, DATA_IN) }),
  fc.record({ do: fc.constant("settle" as const) }),
  fc.record({ do: fc.constant("alternate" as const), value: fc.constantFrom(0, 1, 1, 1, 2) }),
);

for (const speed of ["super", "high"] as const) {
  for (const [name, image] of [
    ["memory", () => ({ size: 64 * 512 })],
    ["a Blob", () => ({ blob: new Blob([pattern(64 * 512)]) })],
  ] as const) {
    test(`a UAS drive of ${name} at ${speed} speed stands any order of anything`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(uasStep, { maxLength: 80 }), async (steps) => {
          const uas = await UasHost.plug(image(), speed);
          const { host } = uas;
          const sent: Transfer[] = [];
          const stream = (each: number) => (speed === "super" ? each : 0);
          for (const each of steps) {
            if (host.owned > 100) break;
            if (each.do === "command") sent.push(uas.send(commandIu(each.tag, each.block, each)));
            else if (each.do === "manage") sent.push(uas.send(taskIu(each.tag, each.code, each.taskTag)));
            else if (each.do === "unit") sent.push(uas.send(each.bytes));
            else if (each.do === "transfer") {
              const data = each.pipe === DATA_OUT ? pattern(each.length) : each.length;
              sent.push(host.bulk(each.pipe, stream(each.stream), data));
            } else if (each.do === "cancel") {
              const transfer = sent[each.which % (sent.length || 1)];
              if (transfer && !transfer.answer) host.cancel(transfer);
            } else if (each.do === "feature") {
              host.control({ bmRequestType: 0x02, bRequest: each.on ? 3 : 1, wIndex: each.pipe });
            } else if (each.do === "settle") await host.settle(1);
            else host.control({ bmRequestType: 0x01, bRequest: 11, wValue: each.value });
          }
          await host.settle(3);
          for (const transfer of sent) {
            if (!transfer.answer) host.cancel(transfer);
          }
          for (const transfer of sent) {
            const { status, actual } = now(transfer);
            expect(status).toBeLessThan(STATUS_COUNT);
            expect(actual).toBeLessThanOrEqual(transfer.length);
          }
          expect(host.clean).toBe(true);

          uas.choose(1);
          for (let turn = 0; turn < 3; turn++) await uas.run(cdb(0x1b, 6, { 4: 3 }), 0);
          expect(await uas.run(rw10(0x28, 63, 1), 512)).toMatchObject({ status: 0, moved: 512 });
          await host.device.close();
          expect(host.clean).toBe(true);
        }),
        { numRuns: 150 },
      );
    }, 60_000);
  }
}

test.each([
  ["keyboard", createKeyboard],
  ["mouse", createMouse],
  ["tablet", createTablet],
  ["gamepad", createGamepad],
  [
    "HID device of the page",
    () => createPassThrough({ kind: "hid", vendorId: 1, productId: 2, reportDescriptor: VENDOR_REPORTS }),
  ],
] as const)("a %s stands any request and any transfer", async (_, create) => {
  const index = fc.oneof(fc.constant(0), byte);
  const setup = fc.tuple(
    fc.oneof(fc.constantFrom(0x21, 0xa1, 0x81), byte),
    fc.oneof(fc.constantFrom(1, 2, 3, 6, 9, 0x0a, 0x0b), byte),
    fc.oneof(fc.nat(4), byte),
    fc.oneof(fc.nat(3), byte),
    index,
    index,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(setup, fc.nat(300), fc.constantFrom(0x81, 0x01, 0x82)), { maxLength: 40 }),
      async (requests) => {
        const host = await Host.plug(create());
        host.configure();
        const sent: Transfer[] = [];
        for (const [[bmRequestType, bRequest, low, high, indexLow, indexHigh], room, endpoint] of requests) {
          const setup = { bmRequestType, bRequest, wValue: low | (high << 8), wIndex: indexLow | (indexHigh << 8) };
          const control = host.submit(0, TYPE_CONTROL, room, setup);
          // A host has one control transfer at a time.
          if (!control.answer && room & 1) host.cancel(control);
          sent.push(control, host.submit(endpoint, room & 1 ? TYPE_INTERRUPT : TYPE_BULK, room));
          host.device.input?.({ type: "key", code: "KeyA", pressed: (room & 2) !== 0 });
          host.device.input?.({ type: "mouse", x: room, buttons: room & 1 });
          host.device.input?.({ type: "hid-answer", answer: room & 7, bytes: pattern(room) });
          if (room % 3 === 0) host.device.output?.();
          if (host.owned > 100) break;
        }
        await host.device.close();
        await host.settle(2);
        for (const transfer of sent) now(transfer);
        expect(host.clean).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

describe.each([
  ["speaker", 0x01, () => createSpeaker({ sink: new SoundRecorder() })],
  ["microphone", 0x81, () => createMicrophone()],
] as const)("a %s", (_, stream, create) => {
  const index = fc.constantFrom(0, 1, 2, stream, 0x80);
  const setup = fc.tuple(
    fc.oneof(fc.constantFrom(0x01, 0x21, 0x22, 0xa1, 0xa2), byte),
    fc.oneof(fc.constantFrom(0x01, 0x0b, 0x81, 0x84), byte),
    fc.oneof(fc.nat(1), byte),
    fc.oneof(fc.nat(2), byte),
    fc.oneof(index, byte),
    fc.oneof(index, byte),
  );
  const room = fc.oneof(fc.constantFrom(0, 1, 2, 3, 96, 192, 196), fc.nat(70000));
  const frame = fc.oneof(fc.nat(100), fc.constantFrom(0xffffffff, 0xfffffff8), fc.nat(0xffffffff));
  const type = fc.constantFrom(TYPE_ISOCHRONOUS, TYPE_ISOCHRONOUS, TYPE_BULK, TYPE_INTERRUPT);

  test("stands any request and any packet, and streams after it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(setup, fc.nat(300), room, frame, type), { maxLength: 40 }), async (steps) => {
        const host = await Host.plug(create());
        host.configure();
        const sent: Transfer[] = [];
        for (const [[bmRequestType, bRequest, low, high, indexLow, indexHigh], length, packet, due, kind] of steps) {
          const wIndex = indexLow | (indexHigh << 8);
          sent.push(
            host.submit(0, TYPE_CONTROL, length, { bmRequestType, bRequest, wValue: low | (high << 8), wIndex }),
          );
          const answer = now(
            host.submit(stream, kind, stream & 0x80 ? packet : pattern(packet), undefined, { frame: due }),
          );
          expect(answer.actual).toBeLessThanOrEqual(packet);
          expect(host.owned, "answered at once").toBe(0);
          if (packet & 1) host.device.output?.();
        }
        for (const transfer of sent) now(transfer);
        host.configure();
        host.control({ bmRequestType: 0x01, bRequest: 11, wValue: 1, wIndex: 1 });
        expect(host.isochronous(stream, 192, 8).status).toBe(STATUS_OK);
        await host.device.close();
        expect(host.clean).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
