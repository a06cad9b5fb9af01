/** The page's audio thread, as a browser has it: the processors' own text, 128 frames at a time. */
import { expect, test } from "vitest";
import { type PlayMessage, soundProcessors } from "../../../app/sources/sound-processors.ts";

type Processor = {
  port: { onmessage(event: { data: unknown }): void };
  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
};

const QUANTUM = 128;
/** 80 ms at 48 kHz. */
const LATENCY = 3840;

function make(name: string, sampleRate: number) {
  const sent: unknown[] = [];
  const made = new Map<string, new () => Processor>();
  class AudioWorkletProcessor {
    readonly port = { onmessage: () => {}, postMessage: (message: unknown) => void sent.push(message) };
  }
  const scope = { AudioWorkletProcessor, sampleRate, registerProcessor: made.set.bind(made) };
  new Function(...Object.keys(scope), soundProcessors)(...Object.values(scope));
  const Made = made.get(name);
  if (!Made) throw new Error(`There is no ${name}.`);
  return { processor: new Made(), sent };
}

function player(sampleRate = 48000) {
  const { processor, sent } = make("pvusb-play", sampleRate);
  return {
    sent,
    /** Left counts up, right is its opposite. */
    give(first: number, count: number, rate = 48000) {
      const samples = Int16Array.from({ length: 2 * count }, (_, at) => (at & 1 ? -1 : 1) * (first + (at >> 1)));
      processor.port.onmessage({ data: { rate, samples } satisfies PlayMessage });
    },
    send(message: PlayMessage) {
      processor.port.onmessage({ data: message });
    },
    /** 16-bit samples of the left channel; the right one is its opposite. */
    hear(quanta = 1) {
      return Array.from({ length: quanta }, () => {
        const [left, right] = [new Float32Array(QUANTUM), new Float32Array(QUANTUM)];
        expect(processor.process([], [[left, right]])).toBe(true);
        expect([...right].map((each) => -each || 0)).toEqual([...left]);
        return [...left].map((each) => each * 0x8000);
      }).flat();
    },
  };
}

const range = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);
const SILENCE = Array(QUANTUM).fill(0);

test("plays when the latency is there, sample for sample", () => {
  const { give, hear } = player();
  expect(hear()).toEqual(SILENCE);
  give(1, LATENCY - 1);
  expect(hear()).toEqual(SILENCE);
  give(LATENCY, 1);
  expect(hear(4)).toEqual(range(1, 4 * QUANTUM));
  give(LATENCY + 1, 960);
  expect(hear(4)).toEqual(range(4 * QUANTUM + 1, 4 * QUANTUM));
});

test("is silent when it runs empty, and goes on when the latency is there again", () => {
  const { give, hear } = player();
  give(1, LATENCY + 5);
  expect(hear(30)).toEqual(range(1, 30 * QUANTUM));
  expect(hear()).toEqual(SILENCE);
  give(LATENCY + 6, LATENCY - 5);
  expect(hear()).toEqual(range(LATENCY + 1, QUANTUM));
});

test("leaves the oldest out when more than 0.4 s wait", () => {
  const { give, hear } = player();
  give(1, 19200);
  expect(hear()).toEqual(range(1, QUANTUM));
  give(19201, 129);
  expect(hear()).toEqual(range(19330 - LATENCY, QUANTUM));
});

test("plays another rate at its pace", () => {
  const { give, hear } = player(96000);
  give(1, LATENCY);
  expect(hear().slice(0, 5)).toEqual([1, 1.5, 2, 2.5, 3]);
  give(1, 10, 44100);
  expect(hear()).toEqual(SILENCE);
});

test("tells the level that is heard when it changes, and silence once", () => {
  const { send, hear, sent } = player();
  send({ rate: 48000, samples: new Int16Array(2 * LATENCY).fill(0x4000).map((each, at) => (at & 1 ? -each : each)) });
  hear(100);
  expect(sent).toEqual([0.5, 0]);
});

test("a half of a frame, and nothing at all, make no sound", () => {
  const { send, hear } = player();
  send({ rate: 48000, samples: new Int16Array(0) });
  send({ rate: 48000, samples: Int16Array.of(7) });
  expect(hear()).toEqual(SILENCE);
});

test("hears 20 ms at a time, of all channels their mean", () => {
  const { processor, sent } = make("pvusb-hear", 48000);
  const left = Float32Array.from({ length: QUANTUM }, (_, at) => at / QUANTUM);
  for (let quantum = 0; quantum < 15; quantum++) processor.process([[left, new Float32Array(QUANTUM)]], [[]]);
  processor.process([[]], [[]]); // nothing is connected any more
  expect(sent).toHaveLength(2);
  const [piece] = sent as Float32Array[];
  expect(piece).toHaveLength(960);
  expect([...(piece ?? [])]).toEqual(range(0, 960).map((n) => (n % QUANTUM) / QUANTUM / 2));
});
