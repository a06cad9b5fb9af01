import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TYPE_ISOCHRONOUS } from "../../asm/layout.ts";
import type { DeviceSource, PlayedSound } from "../../dist/app/index.js";
import { amplitudeAt } from "../fakes/analyser.ts";
import { type Bench, pattern, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";

/** With a buffer of four seconds: no program is too slow for it, and ALSA waits that long for a guest of little pace. */
const RAW = "-q -D hw:0 -t raw -f S16_LE -B 4000000 -F 100000";
/** Microframes: only a guest that is later than this, as on a host with far too much to do, loses any. */
const LATE_MAX = 800;
/** A prime: the wave repeats after a whole second, and no shorter gap goes unseen. */
const TONE = 439;
/** A second of it. */
const WAVE = Int16Array.from({ length: 48000 }, (_, n) =>
  Math.round(0x4000 * Math.sin((2 * Math.PI * ((TONE * n) % 48000)) / 48000)),
);

describe.each([
  ["worker", "full", "high", 44100],
  ["thread", "high", "full", 48000],
] as const)("audio devices of a stock Linux guest, backend in a %s", (placement, hears, plays, rate) => {
  let bench: Bench;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pvusb-audio-"));
    bench = await startGuest({ placement }, { overlay: guestTools() });
  });
  afterAll(async () => {
    await bench?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** With the device in port 1, the guest's only sound card, and a disk with these bytes, which has others afterwards. */
  async function withDisk(device: DeviceSource, node: string, bytes: Uint8Array, work: () => Promise<void>) {
    const { controller, host, until } = bench;
    const path = join(folder, "disk.img");
    writeFileSync(path, bytes);
    await controller.port(1).plug(device);
    await controller.port(2).plug(host.device("flash-drive", { image: { path } }));
    await until(`test -c /dev/snd/${node} -a -b /dev/sda`);
    try {
      await work();
    } finally {
      await controller.port(1).unplug();
      await controller.port(2).unplug();
    }
    await until("! grep -q USB-Audio /proc/asound/cards && ! test -e /dev/sda");
    return new Uint8Array(readFileSync(path));
  }

  it(`record a tone with arecord at ${hears} speed, no sample wrong and none missing`, async () => {
    const microphone = bench.host.device("microphone", { tone: TONE, speed: hears });
    const frames: number[] = [];
    const stop = bench.controller.trace({
      urbs: ({ phase, type, frame }) => {
        if (phase === "submit" && type === TYPE_ISOCHRONOUS) frames.push(frame);
      },
    });
    const bytes = await withDisk(microphone, "pcmC0D0c", new Uint8Array(1 << 17), async () => {
      await bench.run(`arecord ${RAW} -r 48000 -c 1 -d 1 /tmp/heard 2>&1; stat -c %s /tmp/heard`);
      await bench.run("dd if=/tmp/heard of=/dev/sda bs=64k 2>/dev/null; rm /tmp/heard; sync");
      const card = await bench.run("cat /proc/asound/cards /proc/asound/card0/stream0; amixer -c 0 sset Mic 10dB-");
      expect(card).toMatch(new RegExp(`0 \\[Microphone .*\n +pvusb Microphone at usb-.*-1, ${hears} speed`));
      expect(card).toMatch(
        /Format: S16_LE\n +Channels: 1\n +Endpoint: 0x81 \(1 IN\) \(SYNC\)\n +Rates: 48000, 44100\n/,
      );
      expect(card).toMatch(/Capture 50 \[83%\] \[-10\.00dB\] \[on\]/);
    });
    stop();
    const heard = new Int16Array(bytes.buffer, 0, 48000);
    const sent = frames.flatMap((frame) => Array.from({ length: 48 }, (_, n) => WAVE[(6 * frame + n) % 48000]));
    expect(heard.findIndex((each, at) => each !== sent[at])).toBe(-1);
    const jumps = frames.slice(1).map((frame, index) => frame - (frames[index] as number) - 8);
    expect(jumps.filter((jump) => jump !== 0 && jump < LATE_MAX)).toEqual([]);
    if (jumps.every((jump) => jump === 0)) expect(amplitudeAt(heard, TONE, 48000)).toBeCloseTo(0x4000, -1);
  });

  it(`play what aplay sends at ${plays} speed and ${rate} Hz, sample for sample`, async () => {
    const sound = new Int16Array(pattern(512 * 250, rate).buffer).map((each) => each || 1); // silence is Linux's own
    let played: PlayedSound | undefined;
    const speaker = bench.host.device("speaker", { speed: plays });
    await withDisk(speaker, "pcmC0D0p", new Uint8Array(sound.buffer), async () => {
      await bench.run(`aplay ${RAW} -r ${rate} -c 2 /dev/sda 2>&1`);
      played = (await bench.controller.port(1).output()) as PlayedSound;
      const card = await bench.run(
        "cat /proc/asound/cards /proc/asound/card0/stream0; amixer -c 0 sset PCM 20dB- mute",
      );
      expect(card).toMatch(new RegExp(`0 \\[Speaker .*\n +pvusb Speaker at usb-.*-1, ${plays} speed`));
      expect(card).toMatch(
        /Format: S16_LE\n +Channels: 2\n +Endpoint: 0x01 \(1 OUT\) \(ADAPTIVE\)\n +Rates: 48000, 44100\n/,
      );
      expect(card).toMatch(/Playback 40 \[67%\] \[-20\.00dB\] \[off\]/);
    });
    expect(played?.lost).toBe(0);
    const runs = played?.runs ?? [];
    expect(new Set(runs.map((run) => run.rate))).toEqual(new Set([rate]));
    const ends = runs.map(({ frame, samples }) => frame + (samples.length / 2 / rate) * 8000);
    const jumps = runs.slice(1).map(({ frame }, index) => frame - (ends[index] as number));
    expect(jumps.filter((jump) => jump < LATE_MAX - 8)).toEqual([]);
    const samples = Int16Array.from(runs.flatMap((run) => [...run.samples]));
    const first = samples.findIndex((each) => each !== 0);
    expect(first % 2).toBe(0);
    expect(sound.findIndex((each, at) => each !== samples[first + at])).toBe(-1);
    expect(samples.slice(first + sound.length).every((each) => each === 0)).toBe(true);
  });
});
