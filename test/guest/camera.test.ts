/**
 * A camera of a stock Linux guest, judged by pictures: every captured one is, byte for byte, one that the test card shows, and
 * their numbers say whether one is missing.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestCard } from "../../worker/device/camera/test-card.ts";
import { pngOfYuy2 } from "../fakes/png.ts";
import { readTestCard } from "../fakes/test-card-reader.ts";
import { type Bench, md5, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";

const ARTEFACTS = "test/artefacts";

describe("a camera of a stock Linux guest", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({ placement: "thread" }, { overlay: guestTools() });
  });
  afterAll(() => bench?.stop());

  async function plugged<T>(camera: object, work: () => Promise<T>): Promise<T> {
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

  function yavta(width: number, height: number, rate: number, count: number): string {
    return `yavta -c${count} -n${Math.min(count, 30)} -f YUYV -s ${width}x${height} -t 1/${rate} -F/tmp/frame-#.bin /dev/video0`;
  }

  async function file(path: string): Promise<Uint8Array> {
    const { output } = await bench.guest.exec(`cat ${path}`, { timeout: 60_000 });
    return output;
  }

  /**
   * Captures `count` pictures and says, in the order in which the driver began them, which ones of the card's they are. The
   * driver has all the buffers from the beginning, so none is missing because a program was slow.
   */
  async function capture(width: number, height: number, rate: number, count: number): Promise<number[]> {
    const log = await bench.run(
      `rm -f /tmp/frame-*; ${yavta(width, height, rate, count)} && cd /tmp && md5sum frame-*`,
    );
    const card = new TestCard(width, height);
    const bytes = new Uint8Array(width * height * 2);
    const shown = new Map<string, number>();
    for (let number = 0; number < count * 2; number++) {
      card.fill(number, bytes);
      shown.set(md5(bytes), number);
    }
    const sums = [...log.matchAll(/^([0-9a-f]{32}) {2}(frame-\d+\.bin)$/gm)];
    // "7 (3) [-] none 7 153600 B …": which one, its buffer, its error, its field, its sequence number, its bytes
    const lines = [...log.matchAll(/^(\d+) \(\d+\) \[(.)\] none (\d+) (\d+) B /gm)];
    expect(sums, log).toHaveLength(count);
    expect(lines, log).toHaveLength(count);
    const numbers: number[] = [];
    for (const [index, [, sum = "", name = ""]] of sums.entries()) {
      const number = shown.get(sum);
      if (number === undefined) {
        const reading = JSON.stringify(readTestCard(await file(`/tmp/${name}`), width, height));
        throw new Error(`${name} is none of the card's pictures: ${reading}\n${log}`);
      }
      const [, , error, sequence, length] = lines[index] ?? [];
      expect([error, Number(length)]).toEqual(["-", bytes.length]);
      numbers[Number(sequence)] = number;
    }
    return numbers;
  }

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

  describe.each(["bulk"] as const)("over %s", (transfer) => {
    it("is there with its sizes and rates, and lsusb -v reads its descriptors without a complaint", async () => {
      await plugged({ transfer }, async () => {
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
        expect(shown).toContain(transfer === "bulk" ? "0x0200  1x 512 bytes" : "0x1400  3x 1024 bytes");
        expect(shown).not.toMatch(/warning|error|invalid|unrecognized|junk|can't/i);
      });
    });

    it.each([
      ["high", 160, 120, 30, 30],
      ["high", 320, 240, 15, 30],
      ["high", 640, 480, 15, 20],
      ["full", 160, 120, 5, 5],
      ["super", 320, 240, 15, 10],
    ] as const)(
      "shows at %s speed %dx%d at %d a second: each picture whole, none missing",
      async (speed, width, height, rate, count) => {
        await plugged({ transfer, speed }, async () => {
          expect(await capture(width, height, rate, count)).toEqual(upTo(count));
          if (width < 640) return;
          mkdirSync(ARTEFACTS, { recursive: true });
          const bytes = await file("/tmp/frame-000010.bin");
          writeFileSync(`${ARTEFACTS}/camera-${transfer}.png`, pngOfYuy2(bytes, width, height));
          expect(readTestCard(bytes, width, height).rows).toEqual(Array(9).fill(10));
        });
      },
    );

    it("is pulled out in the middle of a video, and shows another one when it is back", async () => {
      const { controller, host, run, until } = bench;
      await plugged({ transfer }, async () => {
        await run("rm -f /tmp/over; (yavta -c100000 -n8 -f YUYV -s 160x120 /dev/video0 >/tmp/log 2>&1; >/tmp/over) &");
        await until("grep -q '^5 (' /tmp/log");
        await controller.port(1).unplug();
        await until("test -e /tmp/over && ! test -e /dev/video0");
        await controller.port(1).plug(host.device("camera", { transfer }));
        await until("test -c /dev/video0");
        expect(await capture(160, 120, 30, 5)).toEqual(upTo(5));
      });
    });
  });
});
