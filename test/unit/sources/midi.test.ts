/** MIDI of the page, at a MIDI adapter: Web MIDI's ports, and the pieces that the guest's MIDI is taken apart into. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MidiMessages } from "../../../app/sources/midi-messages.ts";
import { noteName, semitoneOf } from "../../../app/sources/piano-keys.ts";
import { openMidi, type WebMidiFeed } from "../../../app/sources/web-midi.ts";
import { createMidi } from "../../../worker/device/midi/midi.ts";
import { FedPort } from "../../fakes/fed-port.ts";
import { FakeMidi } from "../../fakes/midi-access.ts";
import { bytes, hex, now, pattern } from "../device/harness.ts";

const IN = 0x81;
const OUT = 0x01;

async function plug(midi: FakeMidi): Promise<{ feed: WebMidiFeed; port: FedPort; sent: readonly string[] }> {
  const feed = await openMidi(midi.request);
  const { kind: _, ...source } = feed.source;
  const port = await FedPort.plug((host) => createMidi(source, host));
  feed.plugged(port.usb);
  await port.host.settle();
  return { feed, port, sent: midi.sent };
}

function connected(): FakeMidi {
  const midi = new FakeMidi();
  midi.connect("input", "keys");
  midi.connect("output", "synth");
  return midi;
}

/** What the guest gets, in packets. */
async function heard(port: FedPort, play: () => void): Promise<string | undefined> {
  const transfer = port.host.in(IN, 512);
  play();
  await port.host.settle();
  if (!transfer.answer) port.host.cancel(transfer);
  return transfer.answer?.actual ? hex(transfer.answer.bytes) : undefined;
}

async function plays(port: FedPort, packets: string): Promise<void> {
  now(port.host.out(OUT, bytes(packets)));
  await port.host.settle();
}

describe("Web MIDI", () => {
  test("is the first input and the first output until others are chosen", async () => {
    const midi = connected();
    midi.connect("input", "pads");
    midi.connect("output", "drums");
    const { feed, port, sent } = await plug(midi);
    expect(await heard(port, () => midi.play("keys", 0x90, 60, 100))).toBe("09903c64");
    expect(await heard(port, () => midi.play("pads", 0x90, 61, 100))).toBeUndefined();
    await plays(port, "09903c64 0ff80000");
    feed.chooseInput("pads");
    feed.chooseOutput("drums");
    expect(await heard(port, () => midi.play("pads", 0xc0, 5))).toBe("0cc00500");
    expect(await heard(port, () => midi.play("keys", 0xc0, 5))).toBeUndefined();
    await plays(port, "08803c00");
    expect(sent).toEqual(["synth 903c64", "synth f8", "drums 803c00"]);
    expect(midi.open.sort()).toEqual(["drums", "pads"]);
    feed.chooseInput("");
    await port.host.settle();
    expect(await heard(port, () => midi.play("pads", 0xc0, 5))).toBeUndefined();
    midi.connect("input", "more");
    await port.host.settle();
    expect(feed.input).toBeUndefined(); // none was chosen
    await feed.close();
    expect(midi.open).toEqual([]);
  });

  test("asks for SysEx apart, and until then it passes neither way", async () => {
    const midi = connected();
    const { feed, port, sent } = await plug(midi);
    const sysex = [0xf0, 0x11, 0x22, 0x33, 0xf7];
    expect(await heard(port, () => midi.play("keys", ...sysex))).toBeUndefined();
    await plays(port, "04f01122 0633f700");
    expect(sent).toEqual([]);
    expect(feed.actions[0]).toMatchObject({ label: "SysEx", pressed: false });
    expect(feed.actions[0]?.title).toContain("The guest has sent some that went nowhere");
    midi.refuses.sysex = true;
    await expect(feed.actions[0]?.run()).rejects.toThrow(/does not let this page use MIDI with SysEx/);
    midi.refuses.sysex = false;
    await feed.actions[0]?.run();
    expect(feed.actions[0]).toMatchObject({ pressed: true });
    expect(await heard(port, () => midi.play("keys", ...sysex))).toBe("04f011220633f700");
    await plays(port, "04f01122 0633f700 09903c64");
    expect(sent).toEqual(["synth f0112233f7", "synth 903c64"]);
    expect(midi.open).toEqual(["keys", "synth"]);
  });

  test("goes on with what is connected: a port that was pulled out gives way to another, and none is no end", async () => {
    const midi = connected();
    const { feed, port, sent } = await plug(midi);
    let changes = 0;
    feed.onChange = () => changes++;
    midi.disconnect("synth");
    midi.disconnect("keys");
    await port.host.settle();
    expect([feed.input, feed.output]).toEqual([undefined, undefined]);
    expect(changes).toBeGreaterThan(0);
    await plays(port, "09903c64");
    midi.connect("input", "pads");
    midi.connect("output", "synth");
    await port.host.settle();
    expect(await heard(port, () => midi.play("pads", 0x90, 60, 100))).toBe("09903c64");
    await plays(port, "09903d64");
    expect(sent).toEqual(["synth 903d64"]);
  });

  test("tells a person what to do where there is none", async () => {
    await expect(openMidi(undefined)).rejects.toThrow(/Use a current Chrome, Edge or Firefox/);
    const midi = new FakeMidi();
    midi.refuses.midi = true;
    await expect(openMidi(midi.request)).rejects.toThrow(/Allow it for this page in the browser's site settings/);
  });

  test("keeps to its bounds with a guest that listens and takes nothing", async () => {
    const midi = connected();
    const { port } = await plug(midi);
    const transfer = port.host.in(IN, 4);
    for (let turn = 0; turn < 200_000; turn++) midi.play("keys", 0x90, 60, 100);
    await port.host.settle();
    expect(now(transfer).actual).toBe(4);
  });
});

describe("the guest's MIDI", () => {
  const messages = (...pieces: string[]) => {
    const all: string[] = [];
    const messages = new MidiMessages();
    for (const piece of pieces) messages.take(bytes(piece), (message) => all.push(hex(message)));
    return all;
  };

  test.each([
    ["messages of each length", ["903c64c005f6f811"], ["903c64", "c005", "f6", "f8"]],
    ["one in pieces, a clock in it", ["90", "3cf8", "64"], ["f8", "903c64"]],
    ["SysEx in pieces, a clock in it", ["f011", "22f833", "f7"], ["f8", "f0112233f7"]],
    ["SysEx that another message cuts off", ["f01122903c64f7"], ["903c64"]],
    ["what belongs to nothing", ["1122f7f43390903c64"], ["903c64"]],
    ["no running status: the device has none", ["903c643d65"], ["903c64"]],
  ])("%s", (_, pieces, expected) => {
    expect(messages(...pieces)).toEqual(expected);
  });

  test("whatever it is, what comes out is what Web MIDI takes", async () => {
    const midi = connected();
    const { output } = { output: (await midi.request({ sysex: true })).outputs.get("synth") };
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }), (pieces) => {
        const messages = new MidiMessages();
        for (const piece of pieces) messages.take(piece, (message) => output?.send(message));
      }),
      { numRuns: 500 },
    );
  });

  test("a SysEx without an end is not kept for ever", () => {
    const all: number[] = [];
    const messages = new MidiMessages();
    messages.take(Uint8Array.of(0xf0), () => undefined);
    for (let turn = 0; turn < 20; turn++) {
      messages.take(
        pattern(100_000).map((byte) => byte & 0x7f),
        (message) => all.push(message.length),
      );
    }
    messages.take(bytes("f7903c64"), (message) => all.push(message.length));
    expect(all).toEqual([3]);
  });
});

test("the keys of a computer are a piano's: two rows, with the black keys above the white ones", () => {
  const note = (code: string) => noteName(60 + (semitoneOf(code) ?? Number.NaN));
  expect(["KeyZ", "KeyS", "KeyX", "KeyM", "KeyQ", "Digit2", "KeyU", "KeyI"].map(note)).toEqual([
    ...["C 4", "C sharp 4", "D 4", "B 4"],
    ...["C 5", "C sharp 5", "B 5", "C 6"],
  ]);
  expect(semitoneOf("KeyA")).toBeUndefined();
  expect(semitoneOf("toString")).toBeUndefined();
});
