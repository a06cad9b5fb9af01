import { expect, test } from "vitest";
import {
  putAudioControl,
  putFeatureUnit,
  putFormat,
  putInputTerminal,
  putOutputTerminal,
  putStreaming,
  putStreamingEndpoint,
} from "../../../worker/device/audio/audio-descriptor.ts";
import { bytes, hex } from "./harness.ts";

/** What `put` emits at offset 3 of a field of a5, whose bytes around it stay. */
function emitted(put: (into: Uint8Array, at: number) => number): string {
  const room = new Uint8Array(256).fill(0xa5);
  const end = put(room, 3);
  expect(hex(room.subarray(0, 3))).toBe("a5a5a5");
  expect(room.subarray(end).every((each) => each === 0xa5)).toBe(true);
  return hex(room.subarray(3, end));
}

const golden = (text: string): string => hex(bytes(text));

test("terminals (UAC 1.0 §4.3.2.1, §4.3.2.2)", () => {
  expect(
    emitted((into, at) =>
      putInputTerminal(into, at, { id: 0x11, type: 0x3322, channels: 0x44, channelConfig: 0x6655 }),
    ),
  ).toBe(golden("0c 24 02 11 2233 00 44 5566 00 00"));
  expect(emitted((into, at) => putOutputTerminal(into, at, { id: 0x11, type: 0x3322, source: 0x44 }))).toBe(
    golden("09 24 03 11 2233 00 44 00"),
  );
});

test("feature unit (UAC 1.0 §4.3.2.5): the master's controls, none for its channels", () => {
  const unit = { id: 0x11, source: 0x22, controls: 0x33 };
  expect(emitted((into, at) => putFeatureUnit(into, at, { ...unit, channels: 1 }))).toBe(
    golden("09 24 06 11 22 01 33 00 00"),
  );
  expect(emitted((into, at) => putFeatureUnit(into, at, { ...unit, channels: 3 }))).toBe(
    golden("0b 24 06 11 22 01 33 00 00 00 00"),
  );
});

test("AudioControl header (UAC 1.0 §4.3.2) counts what is behind it", () => {
  const put = (into: Uint8Array, at: number) =>
    putAudioControl(into, at, 0x11, (units, from) => {
      units.set(bytes("04 24 22 33"), from);
      return from + 4;
    });
  expect(emitted(put)).toBe(golden("09 24 01 0001 0d00 01 11  04 24 22 33"));
});

test("streaming interface, its format and its endpoint (UAC 1.0 §4.5.2, Formats 1.0 §2.2.5, UAC 1.0 §4.6.1.2)", () => {
  expect(emitted((into, at) => putStreaming(into, at, 0x11))).toBe(golden("07 24 01 11 01 0100"));
  expect(
    emitted((into, at) => putFormat(into, at, { channels: 0x11, sampleBytes: 2, frequencies: [0x443322, 0x776655] })),
  ).toBe(golden("0e 24 02 01 11 02 10 02 223344 556677"));
  expect(emitted((into, at) => putStreamingEndpoint(into, at, 0x11))).toBe(golden("07 25 01 11 00 0000"));
});
