import { expect, test } from "vitest";
import { SoundRecorder } from "../../../worker/device/audio/sound-recorder.ts";

/** A packet whose every number is `value`. */
function play(recorder: SoundRecorder, value: number, frame: number, rate = 48000, count = 96): void {
  recorder.play(new Int16Array(98).fill(value), count, frame, rate);
}

const runs = (recorder: SoundRecorder) =>
  recorder.output().runs.map(({ frame, rate, samples }) => [frame, rate, samples.length, samples[0], samples.at(-1)]);

test("packets in consecutive frames are one run, also across the end of the counter", () => {
  const recorder = new SoundRecorder();
  play(recorder, 1, 0xfffffff8);
  play(recorder, 2, 0);
  play(recorder, 3, 8);
  expect(runs(recorder)).toEqual([[0xfffffff8, 48000, 288, 1, 3]]);
});

test("a frame without sound, a packet twice and another sampling frequency begin a run", () => {
  const recorder = new SoundRecorder();
  play(recorder, 1, 8);
  play(recorder, 2, 24);
  play(recorder, 3, 24);
  play(recorder, 4, 32, 44100, 88);
  expect(runs(recorder)).toEqual([
    [8, 48000, 96, 1, 1],
    [24, 48000, 96, 2, 2],
    [24, 48000, 96, 3, 3],
    [32, 44100, 88, 4, 4],
  ]);
});

test("what was asked for is given away; the next sound begins a run", () => {
  const recorder = new SoundRecorder();
  expect(recorder.output()).toEqual({ type: "sound", channels: 2, runs: [], lost: 0 });
  play(recorder, 1, 8);
  const first = recorder.output();
  play(recorder, 2, 16);
  expect(runs(recorder)).toEqual([[16, 48000, 96, 2, 2]]);
  expect(first.runs[0]?.samples.every((each) => each === 1)).toBe(true);
  expect(recorder.output().runs).toEqual([]);
});

test("keeps at most four seconds, the newest, and counts what it gave up", () => {
  const recorder = new SoundRecorder();
  for (let packet = 0; packet < 4001; packet++) play(recorder, packet & 0x7fff, 8 * packet);
  const { runs, lost } = recorder.output();
  expect(lost).toBe(4 * 48000);
  expect(runs.map(({ frame, samples }) => [frame, samples.length, samples[0]])).toEqual([[32000, 96, 4000]]);
  expect(recorder.output().lost).toBe(0);
});

test("keeps at most 256 runs", () => {
  const recorder = new SoundRecorder();
  for (let packet = 0; packet < 257; packet++) play(recorder, packet, 16 * packet);
  const { runs, lost } = recorder.output();
  expect(lost).toBe(256 * 48);
  expect(runs.map(({ frame }) => frame)).toEqual([4096]);
});

test("tells of output from 20 ms on, and of what is left when the stream ends", () => {
  let told = 0;
  const recorder = new SoundRecorder(() => told++);
  recorder.changed();
  for (let packet = 0; packet < 19; packet++) play(recorder, 1, 8 * packet);
  expect(told).toBe(0);
  play(recorder, 1, 8 * 19);
  expect(told).toBe(1);
  recorder.output();
  play(recorder, 1, 8 * 20);
  expect(told).toBe(1);
  recorder.changed();
  expect(told).toBe(2);
});
