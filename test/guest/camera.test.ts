/**
 * A camera of a stock Linux guest, judged by pictures: those that left the camera, by what went over the ring, are those that
 * the guest captured, byte for byte; the test card says of each that it is whole, and which one it is.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PayloadReader } from "../fakes/payload-reader.ts";
import { pngOfYuy2 } from "../fakes/png.ts";
import { readTestCard } from "../fakes/test-card-reader.ts";
import { type Bench, md5, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";

const ARTEFACTS = "test/artefacts";
const VIDEO_IN = 0x81;

interface Video {
  readonly width: number;
  readonly height: number;
  /** Pictures a second. */
  readonly rate: number;
  readonly count: number;
}

/** What left the camera: its pictures, and during which of them the guest left frames of the bus out. */
class Sent {
  readonly reader = new PayloadReader();
  readonly #leaps = new Set<number>();
  #frame: number | undefined;

  /** One payload, or a packet without bytes, due `interval` µs after the one before. */
  take(payload: Uint8Array, frame: number, interval: number): void {
    const leapt = this.#frame !== undefined && frame !== (this.#frame + interval / 125) >>> 0;
    if (interval > 0 && leapt) this.#leaps.add(this.reader.pictures.length);
    this.#frame = frame;
    if (payload.length > 0) this.reader.take(payload);
  }

  /** Was the guest late while the picture before this one was sent, or before this one began? */
  excuses(picture: number): boolean {
    return this.#leaps.has(picture - 1) || this.#leaps.has(picture);
  }
}

async function plugged<T>(bench: Bench, camera: object, work: () => Promise<T>): Promise<T> {
  const { controller, host, until } = bench;
  await controller.port(1).plug(host.device("camera", camera));
  try {
    await until("test -c /dev/video0");
    return await work();
  } finally {
    await controller.port(1).unplug();
    await until("! test -e /dev/video0");
  }
}

/** The numbers of the pictures that the guest captured, in order, each compared with what left the camera. */
async function capture(bench: Bench, { width, height, rate, count }: Video): Promise<number[]> {
  const sent = new Sent();
  const stop = bench.controller.trace({
    urbs({ phase, endpoint, data, frame, interval, status }) {
      if (phase === "complete" && endpoint === VIDEO_IN && status === 0) sent.take(data, frame, interval);
    },
  });
  // The driver has a buffer for each picture from the beginning: none is missing because a program was slow.
  const log = await bench.run(
    `rm -f /tmp/frame-*; yavta -c${count} -n${count} -f YUYV -s ${width}x${height} -t 1/${rate} ` +
      "-F/tmp/frame-#.bin /dev/video0 && cd /tmp && md5sum frame-*",
  );
  stop();
  const { pictures, faults } = sent.reader;
  expect(faults).toEqual([]);
  const numbers = pictures.map(({ bytes }) => readTestCard(bytes, width, height).number ?? Number.NaN);
  const sums = [...log.matchAll(/^([0-9a-f]{32}) {2}frame-\d+\.bin$/gm)].map(([, sum]) => sum);
  // "7 (3) [-] none 7 153600 B …": which one, its buffer, its error, its field, its sequence number, its bytes.
  // A slow guest's copies may end in another order than they began; the sequence number is that of the beginning.
  const lines = [...log.matchAll(/^\d+ \(\d+\) \[(.)\] none (\d+) \d+ B /gm)];
  expect(lines, log).toHaveLength(count);
  for (const [index, [, error, sequence]] of lines.entries()) {
    const picture = pictures[Number(sequence)];
    expect(`${error}${sums[index]}`, `${log}${JSON.stringify(numbers)}`).toBe(
      `-${md5(picture?.bytes ?? new Uint8Array(0))}`,
    );
  }
  for (let picture = 1; picture < count; picture++) {
    const step = (numbers[picture] ?? 0) - (numbers[picture - 1] ?? 0);
    if (step !== 1) expect([step > 1, sent.excuses(picture)], `${numbers}`).toEqual([true, true]);
  }
  return numbers.slice(0, count);
}

describe("a camera of a stock Linux guest", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({ placement: "thread" }, { overlay: guestTools() });
  });
  afterAll(() => bench?.stop());

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

  it("is there with its sizes and rates, and lsusb -v reads its descriptors without a complaint", async () => {
    await plugged(bench, {}, async () => {
      const formats = await bench.run("yavta --enum-formats /dev/video0");
      for (const size of ["160x120", "320x240", "640x480"]) {
        expect(formats).toContain(`Frame size: ${size} (1/30, 1/15, 1/5)`);
      }
      const shown = await bench.run("lsusb -v -d 1209:0004 2>&1");
      const subtypes = [...shown.matchAll(/bDescriptorSubtype +\d+ \((\w+)\)/g)].map(([, name]) => name);
      expect(subtypes).toEqual([
        ...["HEADER", "INPUT_TERMINAL", "PROCESSING_UNIT", "OUTPUT_TERMINAL", "INPUT_HEADER", "FORMAT_UNCOMPRESSED"],
        ...["FRAME_UNCOMPRESSED", "FRAME_UNCOMPRESSED", "FRAME_UNCOMPRESSED", "COLORFORMAT"],
      ]);
      expect(shown).toContain("{32595559-0000-0010-8000-00aa00389b71}");
      expect(shown).toContain("0x1400  3x 1024 bytes");
      expect(shown).not.toMatch(/warning|error|invalid|unrecognized|junk|can't/i);
    });
  });

  describe.each(["bulk", "isochronous"] as const)("over %s", (transfer) => {
    it.each([
      ["high", { width: 320, height: 240, rate: 15, count: 10 }],
      ["high", { width: 640, height: 480, rate: 30, count: 10 }],
      ["super", { width: 640, height: 480, rate: 15, count: 5 }],
    ] as const)("shows at %s speed each picture whole: %o", async (speed, video) => {
      await plugged(bench, { transfer, speed }, () => capture(bench, video));
    });

    it("shows every picture when there is time enough", async () => {
      const { width, height } = { width: 160, height: 120 };
      await plugged(bench, { transfer, speed: "full" }, async () => {
        expect(await capture(bench, { width, height, rate: 1, count: 4 })).toEqual(upTo(4));
        const { output } = await bench.guest.exec("cat /tmp/frame-000003.bin");
        expect(readTestCard(output, width, height).rows).toEqual(Array(9).fill(3));
        mkdirSync(ARTEFACTS, { recursive: true });
        writeFileSync(`${ARTEFACTS}/camera-${transfer}.png`, pngOfYuy2(output, width, height));
      });
    });

    it("is pulled out in the middle of a video, and shows another one when it is back", async () => {
      const { controller, host, run, until } = bench;
      await plugged(bench, { transfer }, async () => {
        await run("rm -f /tmp/over; (yavta -c100000 -n8 -f YUYV -s 160x120 /dev/video0 >/tmp/log 2>&1; >/tmp/over) &");
        await until("grep -q '^5 (' /tmp/log");
        await controller.port(1).unplug();
        await until("test -e /tmp/over && ! test -e /dev/video0");
        await controller.port(1).plug(host.device("camera", { transfer }));
        await until("test -c /dev/video0");
        await capture(bench, { width: 160, height: 120, rate: 30, count: 5 });
      });
    });
  });
});

describe("a camera of a stock Linux guest, backend in a worker", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({ placement: "worker" }, { overlay: guestTools() });
  });
  afterAll(() => bench?.stop());

  it.each(["bulk", "isochronous"] as const)("shows over %s each picture whole", async (transfer) => {
    await plugged(bench, { transfer }, () => capture(bench, { width: 320, height: 240, rate: 30, count: 10 }));
  });
});
