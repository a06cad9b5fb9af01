/** Pictures on their way to the host, put together again by a reader that knows nothing of the camera. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STATUS_BABBLE, STATUS_CANCELLED, STATUS_INVALID, STATUS_OK } from "../../../asm/layout.ts";
import { BulkTransport } from "../../../worker/device/camera/bulk.ts";
import { cameraModel } from "../../../worker/device/camera/camera.ts";
import type { PictureSource } from "../../../worker/device/camera/picture-source.ts";
import { Video } from "../../../worker/device/camera/video.ts";
import { SoftwareDevice } from "../../../worker/device/software-device.ts";
import { PayloadReader } from "../../fakes/payload-reader.ts";
import { readTestCard } from "../../fakes/test-card-reader.ts";
import { agree, alternate, GET_CUR, get, plugCamera, VIDEO_IN } from "./camera.ts";
import { type Answer, Host, now, type Transfer } from "./harness.ts";

const SIZES = [
  [160, 120],
  [320, 240],
  [640, 480],
] as const;
const sizeOf = (frame: number): readonly [number, number] => SIZES[frame - 1] as (typeof SIZES)[number];
const numbers = (reader: PayloadReader, frame: number): (number | undefined)[] =>
  reader.pictures.map(({ bytes }) => readTestCard(bytes, ...sizeOf(frame)).number);
const upTo = (count: number, step = 1): number[] => Array.from({ length: count }, (_, index) => index * step);

describe("isochronous: one payload a service interval", () => {
  /** Asks for one packet every `step` microframes, for so many of them, and reads what comes. */
  function watch(host: Host, room: number, from: number, count: number, step: number, reader = new PayloadReader()) {
    for (let index = 0; index < count; index++) {
      const { status, bytes } = host.isochronous(VIDEO_IN, room, (from + index * step) >>> 0);
      expect(status).toBe(STATUS_OK);
      if (bytes.length > 0) reader.take(bytes);
    }
    expect(reader.faults).toEqual([]);
    return reader;
  }

  test.each([
    ["high", 1, 333_333, 1, 256, 1],
    ["high", 2, 666_666, 2, 512, 1],
    ["high", 2, 333_333, 3, 1024, 1],
    ["high", 3, 666_666, 4, 2048, 1],
    ["high", 3, 333_333, 5, 3072, 1],
    ["super", 3, 333_333, 3, 4096, 1],
    ["full", 1, 666_666, 4, 1023, 8],
    ["full", 2, 2_000_000, 4, 1023, 8],
    ["full", 3, 10_000_000, 4, 1023, 8],
  ] as const)(
    "%s speed, size %d every %d: every picture, whole and in time",
    async (speed, frame, interval, choice, room, step) => {
      const host = await plugCamera({ speed });
      agree(host, frame, interval);
      alternate(host, choice);
      const microframes = Math.ceil((interval * 7.5) / 1250);
      const reader = watch(host, room, 1000, microframes / step, step);
      expect(numbers(reader, frame).slice(0, 7)).toEqual(upTo(7));
      for (const [index, picture] of reader.pictures.entries()) {
        expect(picture).toMatchObject({ frameId: (index + 1) % 2, error: false });
        const due = 1000 * 125 + (index * interval) / 10;
        expect(picture.presentation).toBeGreaterThanOrEqual(due);
        expect(picture.presentation).toBeLessThan(due + 125 * step);
        for (const [packet, { time, frame }] of picture.clocks.entries()) {
          expect(time).toBe((picture.presentation ?? 0) + packet * 125 * step);
          expect(frame).toBe(Math.floor(time / 1000) % 2048);
        }
      }
      expect(host.clean).toBe(true);
    },
  );

  test("the clock counts past 2^32 microframes", async () => {
    const host = await plugCamera({ size: "160x120" });
    agree(host, 1, 333_333);
    alternate(host, 1);
    expect(numbers(watch(host, 256, 0xffff_ff00, 1200, 1), 1).slice(0, 4)).toEqual(upTo(4));
  });

  test("an alternate too small for the rate gets fewer pictures, all of them whole", async () => {
    const host = await plugCamera({});
    agree(host, 2, 333_333);
    alternate(host, 1); // 256 bytes: 153600 take 630 microframes, where 266 are a picture's time
    const reader = watch(host, 256, 0, 8000 / 2, 1);
    expect(numbers(reader, 2)).toEqual([0, 3, 6, 9, 12]);
  });

  test("a host that does not ask for a while loses pictures, none torn", async () => {
    const host = await plugCamera({});
    agree(host, 1, 333_333);
    alternate(host, 5);
    const reader = watch(host, 3072, 0, 5, 1);
    expect(reader.open).toBe(true);
    watch(host, 3072, 2_000, 2000, 1, reader); // in the middle of 7's time; what is left of 0 takes until 8's
    expect(numbers(reader, 1)).toEqual([0, 9, 10, 11, 12, 13, 14]);
  });

  test("microframes that go back, as after a reset of the controller, stop nothing", async () => {
    const host = await plugCamera({ size: "160x120" });
    agree(host, 1, 333_333);
    alternate(host, 5);
    const reader = watch(host, 3072, 5_000, 600, 1);
    watch(host, 3072, 0, 900, 1, reader);
    expect(numbers(reader, 1)).toEqual(upTo(6));
  });

  test("nothing was committed: packets of no bytes", async () => {
    const host = await plugCamera({});
    alternate(host, 5);
    for (const frame of upTo(20, 100)) expect(host.isochronous(VIDEO_IN, 3072, frame).bytes).toHaveLength(0);
  });

  test("each choice of an alternate begins the video anew; alternate 0 has no endpoint", async () => {
    const host = await plugCamera({});
    agree(host, 1, 333_333);
    for (const choice of [1, 5, 5]) {
      alternate(host, choice);
      expect(numbers(watch(host, choice === 1 ? 256 : 3072, 77, 900, 1), 1).slice(0, 3)).toEqual(upTo(3));
    }
    alternate(host, 0);
    expect(host.isochronous(VIDEO_IN, 3072, 0).status).toBe(STATUS_INVALID);
  });

  test("too little room is a babble, and the packet is not sent again", async () => {
    const host = await plugCamera({});
    agree(host, 1, 333_333);
    alternate(host, 1);
    const reader = watch(host, 256, 0, 2, 1);
    expect(host.isochronous(VIDEO_IN, 255, 2)).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
    watch(host, 256, 3, 300, 1, reader);
    expect(reader.pictures[0]?.bytes).toHaveLength(38_400 - 244);
  });

  test("a source without a picture: an empty one with the error bit, and the stream error code says why", async () => {
    const source: PictureSource = {
      fill: (index, target) => {
        target.fill(index);
        return index !== 1;
      },
    };
    const host = await plugCamera({ scene: { open: () => source } });
    agree(host, 1, 333_333);
    alternate(host, 5);
    const reader = watch(host, 3072, 0, 790, 1);
    expect(reader.pictures.map(({ error, bytes, frameId }) => [error, bytes.length, frameId])).toEqual([
      [false, 38_400, 1],
      [true, 0, 0],
      [false, 38_400, 1],
    ]);
    expect(get(host, GET_CUR, 6, 1).bytes[0]).toBe(4);
    alternate(host, 0);
    agree(host, 1, 333_333);
    expect(get(host, GET_CUR, 6, 1).bytes[0]).toBe(0);
  });
});

describe("bulk: pictures at the camera's own ticks", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A host that asks for one payload after another, until it has to wait. */
  class Reading {
    readonly host: Host;
    readonly payload: number;
    readonly reader = new PayloadReader();
    readonly answers: Answer[] = [];
    waiting: Transfer | undefined;
    #bytes: Uint8Array[] = [];
    #length = 0;

    constructor(host: Host, payload: number) {
      this.host = host;
      this.payload = payload;
    }

    /** Bounded by `most` answers: a camera that never lets its host wait would be a flood. */
    async go(most = 2000): Promise<void> {
      for (let count = 0; count < most; count++) {
        this.waiting ??= this.host.in(VIDEO_IN, this.payload);
        const { answer, length } = this.waiting;
        if (!answer) return;
        this.waiting = undefined;
        this.#take(answer, length);
      }
    }

    /** So many ms pass. */
    async pass(ms: number): Promise<void> {
      vi.advanceTimersByTime(ms);
      await this.host.settle(1);
      await this.go();
    }

    #take(answer: Answer, length: number): void {
      expect(answer.status).toBe(STATUS_OK);
      this.answers.push(answer);
      this.#bytes.push(answer.bytes);
      this.#length += answer.actual;
      if (this.#length === 0) {
        this.#bytes = []; // a zero-length packet behind a payload that ended by its length
      } else if (answer.actual < length || this.#length === this.payload) {
        this.reader.take(Uint8Array.from(Buffer.concat(this.#bytes)));
        this.#bytes = [];
        this.#length = 0;
      }
    }
  }

  test.each([
    ["full", 1, 2_000_000, 2048],
    ["high", 3, 333_333, 16384],
    ["super", 3, 666_666, 32768],
  ] as const)(
    "%s speed, size %d every %d: as fast as the host asks, then not before the next tick",
    async (speed, frame, interval, payload) => {
      const host = await plugCamera({ transfer: "bulk", speed });
      agree(host, frame, interval);
      const reading = new Reading(host, payload);
      const ms = interval / 10_000;
      for (let index = 0; index < 5; index++) {
        await reading.go();
        expect(numbers(reading.reader, frame)).toEqual(upTo(index + 1));
        expect(reading.waiting).toBeDefined();
        await reading.pass(index === 0 ? ms - 1 : ms - 2);
        expect(reading.reader.pictures).toHaveLength(index + 1);
        await reading.pass(2);
        vi.advanceTimersByTime(0);
      }
      expect(reading.reader.faults).toEqual([]);
      expect(reading.reader.pictures.map(({ frameId }) => frameId).slice(0, 3)).toEqual([1, 0, 1]);
      const [width, height] = sizeOf(frame);
      expect(reading.reader.pictures[0]?.payloads).toBe(Math.ceil((width * height * 2) / (payload - 2)));
    },
  );

  test.each([
    ["one packet", () => 512],
    ["less than a header", () => 1],
    ["7 bytes and then more", (index: number) => 7 + 97 * index],
    ["a payload and a packet", () => 16384 + 512],
  ] as const)("requests of %s are filled up to a short packet", async (_, room) => {
    const host = await plugCamera({ transfer: "bulk", size: "160x120" });
    agree(host, 1, 333_333);
    const whole = new Reading(host, 16384);
    await whole.go();
    const expected = Buffer.concat(whole.answers.map(({ bytes }) => bytes));
    if (whole.waiting) host.cancel(whole.waiting);
    agree(host, 1, 333_333);
    const parts: Uint8Array[] = [];
    for (let index = 0; ; index++) {
      const transfer = host.in(VIDEO_IN, room(index));
      if (!transfer.answer) {
        host.cancel(transfer);
        break;
      }
      parts.push(transfer.answer.bytes);
    }
    expect(Buffer.compare(Buffer.concat(parts), expected)).toBe(0);
    expect(host.clean).toBe(true);
  });

  test.each([
    ["fills its request is followed by a packet of no bytes", 1024, [1024, 0]],
    ["leaves room in its request ends there", 1025, [1024]],
  ])("a last payload of whole packets that %s", async (_, room, expected) => {
    const source: PictureSource = { fill: () => true };
    const frame = { width: 1, height: 511, bytes: 1022, intervals: [333_333] };
    const transport = new BulkTransport(16384);
    const host = await Host.plug(
      new SoftwareDevice(cameraModel({ transfer: "bulk" }), {
        start(active) {
          const parameters = { hint: 0, frameIndex: 1, frame, interval: 333_333, payload: 16384 };
          const video = new Video({ parameters, source, payload: 16384, clocked: false, failed() {} });
          transport.start(active.endpoint(VIDEO_IN), video);
        },
        stop: () => transport.start(undefined, undefined),
        control: () => false,
        ready: () => transport.advance(),
      }),
    );
    host.configure();
    for (const actual of expected) expect(now(host.in(VIDEO_IN, room))).toMatchObject({ status: STATUS_OK, actual });
    const next = host.in(VIDEO_IN, room);
    expect(next.answer).toBeUndefined();
    await host.device.close();
  });

  test("a guest slower than the rate gets every picture, later, and always has time between two", async () => {
    const host = await plugCamera({ transfer: "bulk" });
    agree(host, 3, 333_333);
    const reading = new Reading(host, 16384);
    for (let picture = 0; picture < 4; picture++) {
      for (let answers = 0; answers < 38; answers++) {
        await reading.go(1);
        vi.advanceTimersByTime(1);
      }
      await reading.go(1);
      expect(numbers(reading.reader, 3)).toEqual(upTo(picture + 1));
      vi.advanceTimersByTime(6);
      await host.settle(1);
      expect(reading.waiting?.answer, "38 ms are longer than the interval").toBeUndefined();
      vi.advanceTimersByTime(3);
      await host.settle(1);
      expect(reading.waiting?.answer).toBeDefined();
    }
    expect(reading.reader.faults).toEqual([]);
  });

  test("nothing comes before a commit, and a commit answers what waits", async () => {
    const host = await plugCamera({ transfer: "bulk" });
    const early = host.in(VIDEO_IN, 16384);
    vi.advanceTimersByTime(10_000);
    await host.settle(1);
    expect(early.answer).toBeUndefined();
    agree(host, 1, 333_333);
    await host.settle(1);
    expect(now(early).actual).toBe(16384);
  });

  test("clearing the halt, as Linux does at the end of a video, drops the rest of the picture", async () => {
    const host = await plugCamera({ transfer: "bulk" });
    agree(host, 1, 333_333);
    now(host.in(VIDEO_IN, 16384));
    host.clearHalt(VIDEO_IN);
    const reading = new Reading(host, 16384);
    await reading.go();
    await reading.pass(34);
    expect(numbers(reading.reader, 1)).toEqual([1]);
    agree(host, 1, 333_333);
    await host.settle(1);
    await reading.go();
    expect(numbers(reading.reader, 1), "a commit counts from 0").toEqual([1, 0]);
  });

  test("reset and unplug give back what waits, and no timer is left", async () => {
    const host = await plugCamera({ transfer: "bulk" });
    agree(host, 1, 333_333);
    const reading = new Reading(host, 16384);
    await reading.go();
    expect(vi.getTimerCount()).toBe(1);
    await host.device.reset();
    expect((await host.wait(reading.waiting as Transfer)).status).toBe(STATUS_CANCELLED);
    expect(vi.getTimerCount()).toBe(0);
    host.configure();
    agree(host, 1, 333_333);
    const again = new Reading(host, 16384);
    await again.go();
    expect(vi.getTimerCount()).toBe(1);
    await host.device.close();
    expect((await host.wait(again.waiting as Transfer)).status).toBe(STATUS_CANCELLED);
    expect(vi.getTimerCount()).toBe(0);
    expect(host.clean).toBe(true);
  });

  test("a cancelled request is given back, and the next one gets the picture", async () => {
    const host = await plugCamera({ transfer: "bulk" });
    agree(host, 1, 333_333);
    const reading = new Reading(host, 16384);
    await reading.go();
    const { waiting } = reading;
    reading.waiting = undefined;
    if (waiting) host.cancel(waiting);
    expect(waiting?.answer?.status).toBe(STATUS_CANCELLED);
    await reading.go();
    await reading.pass(34);
    expect(numbers(reading.reader, 1)).toEqual([0, 1]);
  });
});
