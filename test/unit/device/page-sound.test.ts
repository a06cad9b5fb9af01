/** Sound of a page on its way through a microphone: at the guest's rate, a little later, and nothing torn by either side's pace. */
import { describe, expect, test } from "vitest";
import { PageSound } from "../../../worker/device/audio/page-sound.ts";
import { createDevice } from "../../../worker/device/index.ts";
import { amplitudeAt } from "../../fakes/analyser.ts";
import { Host } from "./harness.ts";
import { quiet } from "./saved.ts";

/** 60 ms at 48 kHz. */
const LATENCY = 2880;

const give = (sound: PageSound, samples: ArrayLike<number>, rate = 48000) =>
  sound.input({ type: "sound", rate, samples: Float32Array.from(samples) });

/** Counts up, as 16-bit samples. */
const counting = (first: number, count: number) => Array.from({ length: count }, (_, n) => (first + n) / 0x8000);

const range = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);

/** A guest that reads packets of a millisecond. */
class Reader {
  readonly #sound: PageSound;
  readonly #rate: number;
  #first = 0;

  constructor(sound: PageSound, rate = 48000) {
    this.#sound = sound;
    this.#rate = rate;
  }

  read(packets: number): number[] {
    const length = this.#rate / 1000;
    return range(0, packets).flatMap(() => {
      const packet = new Int16Array(length + 1).fill(0x5a5a);
      this.#sound.fill(packet, this.#first, length, this.#rate);
      expect(packet[length]).toBe(0x5a5a);
      this.#first += length;
      return [...packet.subarray(0, length)];
    });
  }

  /** Packets that the guest does not ask for. */
  skip(packets: number): void {
    this.#first += (packets * this.#rate) / 1000;
  }
}

const silence = (packets: number) => Array(48 * packets).fill(0);

describe("sound of the page", () => {
  test("begins when the latency is there, and then is read sample for sample", () => {
    const sound = new PageSound();
    const reader = new Reader(sound);
    expect(reader.read(2)).toEqual(silence(2));
    give(sound, counting(1, LATENCY - 1));
    expect(reader.read(1)).toEqual(silence(1));
    give(sound, counting(LATENCY, 1));
    expect(reader.read(1)).toEqual(range(1, 48));
    for (let packet = 1; packet < 200; packet++) {
      give(sound, counting(LATENCY + 48 * (packet - 1) + 1, 48));
      expect(reader.read(1)).toEqual(range(48 * packet + 1, 48));
    }
  });

  test("that runs empty is silent until the latency is there again, and loses nothing", () => {
    const sound = new PageSound();
    const reader = new Reader(sound);
    give(sound, counting(1, LATENCY + 20));
    expect(reader.read(60)).toEqual(range(1, LATENCY));
    expect(reader.read(2)).toEqual(silence(2));
    give(sound, counting(LATENCY + 21, LATENCY - 21));
    expect(reader.read(1)).toEqual(silence(1));
    give(sound, counting(2 * LATENCY, 1));
    expect(reader.read(1)).toEqual(range(LATENCY + 1, 48));
  });

  test("that nobody reads is kept for 0.3 s, and then the oldest is left out, down to the latency", () => {
    const sound = new PageSound();
    const reader = new Reader(sound);
    give(sound, counting(1, LATENCY));
    reader.read(1);
    give(sound, counting(LATENCY + 1, 14400 + 48 - LATENCY));
    expect(reader.read(1)).toEqual(range(49, 48));
    give(sound, counting(14449, 50));
    expect(reader.read(1)).toEqual(range(14449 + 50 - LATENCY, 48));
  });

  test("is the newest again for a guest that comes back", () => {
    const sound = new PageSound();
    const reader = new Reader(sound);
    give(sound, counting(1, 10_000));
    reader.skip(100);
    expect(reader.read(1)).toEqual(range(10_001 - LATENCY, 48));
    reader.skip(100);
    expect(reader.read(1)).toEqual(range(10_049 - LATENCY, 48)); // nothing older than the latency: it goes on
  });

  test("of a piece longer than the ring is its newest part", () => {
    const sound = new PageSound();
    give(
      sound,
      counting(0, 100_000).map((each) => each % 1),
    );
    expect(new Reader(sound).read(1)[0]).toBe((100_000 - LATENCY) % 0x8000);
  });

  test.each([
    [48000, 44100],
    [44100, 48000],
    [16000, 48000],
    [96000, 48000],
    [192000, 44100],
  ])("of %d Hz has its pitch at %d Hz", (from, to) => {
    const sound = new PageSound();
    const length = Math.floor(to / 1000);
    const heard: number[] = [];
    let first = 0;
    for (let packet = 0; packet < 1200; packet++) {
      const samples = range(
        Math.round((packet * from) / 1000),
        Math.round(((packet + 1) * from) / 1000) - Math.round((packet * from) / 1000),
      );
      give(
        sound,
        samples.map((n) => Math.sin((2 * Math.PI * 1000 * n) / from) / 2),
        from,
      );
      // 44.1 kHz: 44 samples a packet, and each tenth one more.
      const count = packet % 10 === 9 ? to / 100 - 9 * length : length;
      const into = new Int16Array(count);
      sound.fill(into, first, count, to);
      first += count;
      if (packet >= 200) heard.push(...into);
    }
    const samples = Int16Array.from(heard);
    expect(samples).toHaveLength(to);
    expect(amplitudeAt(samples, 1000, to)).toBeGreaterThan(0x4000 * 0.97);
    const noise = samples.reduce((sum, each) => sum + each * each, 0) / to - amplitudeAt(samples, 1000, to) ** 2 / 2;
    expect(Math.sqrt(Math.max(0, noise))).toBeLessThan(0x4000 * 0.03);
  });

  test("another rate begins anew", () => {
    const sound = new PageSound();
    const reader = new Reader(sound);
    give(sound, counting(1, LATENCY + 48));
    expect(reader.read(1)).toEqual(range(1, 48));
    give(sound, counting(1, 100), 24000);
    expect(reader.read(1)).toEqual(silence(1));
    give(sound, counting(101, LATENCY / 2 - 100), 24000);
    expect(reader.read(1).slice(0, 5)).toEqual([1, 2, 2, 3, 3]); // 1.5 and 2.5 are rounded up
  });

  test("is within full scale, and what is no number is silence", () => {
    const sound = new PageSound();
    give(sound, [1, 2, -1, -9, Number.NaN, Number.POSITIVE_INFINITY, 0.5, ...Array(LATENCY).fill(0)]);
    expect(new Reader(sound).read(1).slice(0, 7)).toEqual([32767, 32767, -32768, -32768, 0, 32767, 16384]);
  });

  test("what is no sound is not taken", () => {
    const sound = new PageSound();
    const samples = new Float32Array(LATENCY).fill(1);
    for (const bad of [
      undefined,
      null,
      { type: "serial", rate: 48000, samples },
      { type: "sound", rate: 7999, samples },
      { type: "sound", rate: 192001, samples },
      { type: "sound", rate: 48000.5, samples },
      { type: "sound", rate: "48000", samples },
      { type: "sound", rate: 48000, samples: [...samples] },
      { type: "sound", rate: 48000, samples: new Float64Array(samples) },
    ]) {
      sound.input(bad);
    }
    expect(new Reader(sound).read(1)).toEqual(silence(1));
  });
});

test("a microphone of the page passes it on, a packet a millisecond", async () => {
  const host = await Host.plug(await createDevice({ kind: "microphone", sound: "page" }, quiet));
  host.configure();
  host.control({ bmRequestType: 0x01, bRequest: 11, wValue: 1, wIndex: 1 });
  const packet = (frame: number) => [...new Int16Array(host.isochronous(0x81, 96, frame).bytes.slice().buffer)];
  expect(packet(8)).toEqual(silence(1));
  host.device.input?.({ type: "sound", rate: 48000, samples: Float32Array.from(counting(1, LATENCY)) });
  expect(packet(16)).toEqual(range(1, 48));
  expect(packet(24)).toEqual(range(49, 48));
});
