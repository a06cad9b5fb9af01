import { describe, expect, test } from "vitest";
import {
  SPEED_FULL,
  SPEED_HIGH,
  STATUS_BABBLE,
  STATUS_INVALID,
  STATUS_OK,
  STATUS_STALL,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import type { AudioSpeed } from "../../../worker/device/audio/audio-model.ts";
import { createMicrophone } from "../../../worker/device/audio/microphone.ts";
import { createSpeaker } from "../../../worker/device/audio/speaker.ts";
import { AnalyserSink, amplitudeAt } from "../../fakes/analyser.ts";
import { type Answer, bytes, Host, hex, now } from "./harness.ts";

const SPEAKER = 0x01;
const MICROPHONE = 0x81;
/** The feature unit of interface 0, as in wIndex. */
const UNIT = 0x0200;

const KINDS = {
  speaker: { address: SPEAKER, create: (speed: AudioSpeed) => createSpeaker({ sink: new AnalyserSink(), speed }) },
  microphone: { address: MICROPHONE, create: (speed: AudioSpeed) => createMicrophone({ speed }) },
} as const;

const alternate = (host: Host, value: number): Answer =>
  host.control({ bmRequestType: 0x01, bRequest: 11, wValue: value, wIndex: 1 });

async function streaming(device: Parameters<typeof Host.plug>[0]): Promise<Host> {
  const host = await Host.plug(device);
  host.configure();
  expect(alternate(host, 1).status).toBe(STATUS_OK);
  return host;
}

async function plugSpeaker(): Promise<{ host: Host; sink: AnalyserSink }> {
  const sink = new AnalyserSink();
  return { host: await streaming(createSpeaker({ sink })), sink };
}

/** A class request with room for its answer, or with data. */
function request(
  host: Host,
  bmRequestType: number,
  bRequest: number,
  wValue: number,
  wIndex: number,
  data: string | number,
) {
  const setup = { bmRequestType, bRequest, wValue, wIndex };
  return typeof data === "number" ? host.control({ ...setup, wLength: data }) : host.control(setup, bytes(data));
}

const setVolume = (host: Host, value: string) => request(host, 0x21, 0x01, 0x0200, UNIT, value);
const setMute = (host: Host, value: string) => request(host, 0x21, 0x01, 0x0100, UNIT, value);
const setRate = (host: Host, address: number, value: string) => request(host, 0x22, 0x01, 0x0100, address, value);

/** The numbers of a packet. */
const numbers = ({ bytes }: Answer): number[] => [...new Int16Array(bytes.slice().buffer)];

describe("descriptors", () => {
  const descriptor = (host: Host, wValue: number) =>
    hex(host.control({ bmRequestType: 0x80, bRequest: 6, wValue, wLength: 255 }).bytes);

  /** A configuration with the endpoint's bInterval and the configuration's type to be filled in. */
  const speaker = (type: string, interval: string) => `
    09 ${type} 7100 02 01 00 80 32
    09 04 00 00 00 01 01 00 00
      09 24 01 0001 2800 01 01
      0c 24 02 01 0101 00 02 0300 00 00
      0a 24 06 02 01 01 03 00 00 00
      09 24 03 03 0103 00 02 00
    09 04 01 00 00 01 02 00 00
    09 04 01 01 01 01 02 00 00
      07 24 01 01 01 0100
      0e 24 02 01 02 02 10 02 80bb00 44ac00
      09 05 01 09 c400 ${interval} 00 00
      07 25 01 01 00 0000`;
  const microphone = (type: string, interval: string) => `
    09 ${type} 7000 02 01 00 80 32
    09 04 00 00 00 01 01 00 00
      09 24 01 0001 2700 01 01
      0c 24 02 01 0102 00 01 0000 00 00
      09 24 06 02 01 01 03 00 00
      09 24 03 03 0101 00 02 00
    09 04 01 00 00 01 02 00 00
    09 04 01 01 01 01 02 00 00
      07 24 01 03 01 0100
      0e 24 02 01 01 02 10 02 80bb00 44ac00
      09 05 81 0d 6000 ${interval} 00 00
      07 25 01 01 00 0000`;

  test.each([
    ["speaker", speaker, "0500"],
    ["microphone", microphone, "0600"],
  ] as const)("of a %s at full speed, a packet a frame", async (kind, configuration, product) => {
    const host = await Host.plug(KINDS[kind].create("full"));
    expect(host.device.speed).toBe(SPEED_FULL);
    expect(descriptor(host, 0x0100)).toBe(hex(bytes(`12 01 1001 00 00 00 40 0912 ${product} 0001 01 02 00 01`)));
    expect(descriptor(host, 0x0200)).toBe(hex(bytes(configuration("02", "01"))));
    expect(descriptor(host, 0x0600)).toBe("");
  });

  test.each([
    ["speaker", speaker, "0500"],
    ["microphone", microphone, "0600"],
  ] as const)("of a %s at high speed, a packet each 8 microframes", async (kind, configuration, product) => {
    const host = await Host.plug(KINDS[kind].create("high"));
    expect(host.device.speed).toBe(SPEED_HIGH);
    expect(descriptor(host, 0x0100)).toBe(hex(bytes(`12 01 0002 00 00 00 40 0912 ${product} 0001 01 02 00 01`)));
    expect(descriptor(host, 0x0200)).toBe(hex(bytes(configuration("02", "04"))));
    expect(descriptor(host, 0x0600)).toBe(hex(bytes("0a 06 1001 00 00 00 40 01 00")));
    expect(descriptor(host, 0x0700)).toBe(hex(bytes(configuration("07", "01"))));
  });

  test("no stream without alternate 1", async () => {
    for (const { address, create } of Object.values(KINDS)) {
      const host = await Host.plug(create("full"));
      host.configure();
      expect(now(host.submit(address, TYPE_ISOCHRONOUS, 96)).status).toBe(STATUS_INVALID);
      alternate(host, 1);
      expect(host.isochronous(address, 96, 0).status).toBe(STATUS_OK);
      alternate(host, 0);
      expect(now(host.submit(address, TYPE_ISOCHRONOUS, 96)).status).toBe(STATUS_INVALID);
      expect(alternate(host, 2).status).toBe(STATUS_STALL);
    }
  });
});

describe.each(Object.entries(KINDS))("class requests of a %s", (_, { address, create }) => {
  const get = (host: Host, bRequest: number, wValue: number, length = 2, wIndex = UNIT) => {
    const { status, bytes } = request(host, 0xa1, bRequest, wValue, wIndex, length);
    return status === STATUS_OK ? hex(bytes) : status;
  };
  const getRate = (host: Host, bRequest: number) => hex(request(host, 0xa2, bRequest, 0x0100, address, 3).bytes);

  test("volume: current, least, most and step in 1/256 dB (UAC 1.0 §5.2.2.4.3.2)", async () => {
    const host = await streaming(create("full"));
    expect([0x81, 0x82, 0x83, 0x84].map((each) => get(host, each, 0x0200))).toEqual(["0000", "00c4", "0000", "0001"]);
    for (const [asked, got] of [
      ["00f6", "00f6"], // -10 dB
      ["70f6", "00f6"], // the nearest step
      ["90f6", "00f7"],
      ["00c4", "00c4"],
      ["00c3", "00c4"], // less than the least
      ["0180", "00c4"],
      ["0005", "0000"], // more than the most
      ["ff7f", "0000"],
      ["0080", "0080"], // silence
    ] as const) {
      expect(setVolume(host, asked).status).toBe(STATUS_OK);
      expect(get(host, 0x81, 0x0200), asked).toBe(got);
    }
    expect(get(host, 0x81, 0x0200, 1)).toBe("00");
    expect(get(host, 0x81, 0x0200, 8)).toBe("0080");
  });

  test("mute: only its current setting (UAC 1.0 §5.2.2.4.3.1)", async () => {
    const host = await streaming(create("full"));
    expect(get(host, 0x81, 0x0100, 1)).toBe("00");
    expect(setMute(host, "01").status).toBe(STATUS_OK);
    expect(get(host, 0x81, 0x0100, 1)).toBe("01");
    for (const bRequest of [0x82, 0x83, 0x84]) expect(get(host, bRequest, 0x0100, 1)).toBe(STATUS_STALL);
  });

  test("sampling frequency of the endpoint, rounded to one that there is (UAC 1.0 §5.2.3.2.3.1)", async () => {
    const host = await streaming(create("full"));
    expect([0x81, 0x82, 0x83, 0x84].map((each) => getRate(host, each))).toEqual([
      "80bb00", // 48000
      "44ac00", // 44100
      "80bb00",
      "3c0f00", // 3900
    ]);
    for (const [asked, got] of [
      ["44ac00", "44ac00"],
      ["80bb00", "80bb00"],
      ["40af00", "44ac00"], // 44864
      ["ffffff", "80bb00"],
      ["000000", "44ac00"],
    ] as const) {
      expect(setRate(host, address, asked).status).toBe(STATUS_OK);
      expect(getRate(host, 0x81), asked).toBe(got);
    }
    alternate(host, 0);
    expect(request(host, 0xa2, 0x81, 0x0100, address, 3).status, "no endpoint").toBe(STATUS_STALL);
    alternate(host, 1);
    expect(getRate(host, 0x81)).toBe("44ac00");
  });

  test("a new configuration and a reset bring back the defaults", async () => {
    const host = await streaming(create("full"));
    for (const again of [() => host.configure(), () => host.reset().then(() => host.configure())]) {
      setVolume(host, "00f6");
      setMute(host, "01");
      setRate(host, address, "44ac00");
      await again();
      alternate(host, 1);
      expect(get(host, 0x81, 0x0200)).toBe("0000");
      expect(get(host, 0x81, 0x0100, 1)).toBe("00");
      expect(getRate(host, 0x81)).toBe("80bb00");
    }
  });

  test("everything else is stalled", async () => {
    const host = await streaming(create("full"));
    for (const [bmRequestType, bRequest, wValue, wIndex, data] of [
      [0x21, 0x01, 0x0200, UNIT, "00"], // lengths
      [0x21, 0x01, 0x0200, UNIT, "000000"],
      [0x21, 0x01, 0x0100, UNIT, "0100"],
      [0x22, 0x01, 0x0100, address, "80bb"],
      [0x21, 0x02, 0x0200, UNIT, "0000"], // SET_MIN, SET_MAX, SET_RES
      [0x21, 0x03, 0x0200, UNIT, "0000"],
      [0x21, 0x04, 0x0200, UNIT, "0000"],
      [0x22, 0x02, 0x0100, address, "80bb00"],
      [0xa1, 0x85, 0x0000, UNIT, 2], // GET_MEM, GET_STAT
      [0xa1, 0xff, 0x0000, UNIT, 2],
      [0xa1, 0x81, 0x0201, UNIT, 2], // a channel, another control, another unit, another interface
      [0xa1, 0x81, 0x0300, UNIT, 2],
      [0xa1, 0x81, 0x0200, 0x0100, 2],
      [0xa1, 0x81, 0x0200, 0x0201, 2],
      [0xa2, 0x81, 0x0200, address, 3], // pitch
      [0xa2, 0x81, 0x0101, address, 3],
      [0xa2, 0x81, 0x0100, address ^ 0x80, 3],
      [0xa2, 0x81, 0x0100, address | 0x100, 3],
      [0xa0, 0x81, 0x0200, UNIT, 2], // recipients
      [0xc1, 0x81, 0x0200, UNIT, 2],
      [0xa1, 0x01, 0x0200, UNIT, 2], // directions
      [0x21, 0x81, 0x0200, UNIT, "0000"],
    ] as const) {
      expect(request(host, bmRequestType, bRequest, wValue, wIndex, data).status).toBe(STATUS_STALL);
    }
    host.configure(0);
    expect(get(host, 0x81, 0x0200), "not configured").toBe(STATUS_STALL);
  });
});

describe("a microphone", () => {
  const packet = (host: Host, frame: number, length = 96) => host.isochronous(MICROPHONE, length, frame);

  test("hears a tone: half of full scale, 48 samples a millisecond", async () => {
    const host = await streaming(createMicrophone({ tone: 12000 }));
    const quarter = [0, 0x4000, 0, -0x4000]; // a quarter of the sampling frequency
    expect(numbers(packet(host, 0))).toEqual(Array.from({ length: 48 }, (_, at) => quarter[at % 4]));
    const host3 = await streaming(createMicrophone({ tone: 3000 }));
    const sixteenth = [0, 6270, 11585, 15137, 16384, 15137, 11585, 6270];
    const wave = [...sixteenth, ...sixteenth.map((each) => -each || 0)];
    expect(numbers(packet(host3, 8))).toEqual(Array.from({ length: 48 }, (_, at) => wave[at % 16]));
  });

  test("sample n depends on the bus's time alone: any frame, any order, any packet twice", async () => {
    const host = await streaming(createMicrophone({ tone: 439 }));
    const wave = (n: number) => Math.round(0x4000 * Math.sin((2 * Math.PI * ((439 * n) % 48000)) / 48000));
    for (const frame of [0, 8, 16, 8000, 8, 0xfffffff0, 0x80000000, 12345, 12345]) {
      const { status, actual } = packet(host, frame, 200);
      expect({ status, actual }).toEqual({ status: STATUS_OK, actual: 96 });
      expect(numbers(packet(host, frame))).toEqual(Array.from({ length: 48 }, (_, at) => wave(6 * frame + at)));
    }
  });

  test("goes on without a seam at 44.1 kHz too: 44 samples, and each tenth time 45", async () => {
    const host = await streaming(createMicrophone({ tone: 441 }));
    setRate(host, MICROPHONE, "44ac00");
    const packets = Array.from({ length: 1000 }, (_, count) => numbers(packet(host, 8 * count)));
    expect(packets.slice(0, 11).map(({ length }) => length)).toEqual([44, 44, 44, 44, 44, 44, 44, 44, 44, 45, 44]);
    const sound = packets.flat();
    expect(sound).toHaveLength(44100);
    expect(sound.every((each, at) => each === sound[at % 100])).toBe(true); // 44100 / 441
    expect(amplitudeAt(Int16Array.from(sound), 441, 44100)).toBeCloseTo(0x4000, -1);
  });

  test("is quieter and silent as its feature unit says", async () => {
    const host = await streaming(createMicrophone({ tone: 12000 }));
    setVolume(host, "00ec"); // -20 dB: a tenth
    expect(numbers(packet(host, 0)).slice(0, 4)).toEqual([0, 1638, 0, -1638]);
    setMute(host, "01");
    expect(numbers(packet(host, 0)).every((each) => each === 0)).toBe(true);
    setMute(host, "00");
    setVolume(host, "0080");
    expect(numbers(packet(host, 0)).every((each) => each === 0)).toBe(true);
    setVolume(host, "0000");
    expect(numbers(packet(host, 0))[1]).toBe(0x4000);
  });

  test("does not write beyond the room it is given", async () => {
    const host = await streaming(createMicrophone());
    for (const length of [0, 1, 95])
      expect(packet(host, 0, length)).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
    expect(packet(host, 0).actual).toBe(96);
  });

  test.each([0, -1, 20001, 440.5, Number.NaN])("refuses a tone of %s Hz", (tone) => {
    expect(() => createMicrophone({ tone })).toThrow("from 1 to 20000");
  });
});

describe("a speaker", () => {
  /** Left counts up from `first`, right is its opposite. */
  const sound = (first: number, count: number): Uint8Array =>
    new Uint8Array(Int16Array.from({ length: 2 * count }, (_, at) => (at & 1 ? -1 : 1) * (first + (at >> 1))).buffer);

  test("hands each packet on, with its frame and sampling frequency, sample for sample", async () => {
    const { host, sink } = await plugSpeaker();
    for (let count = 0; count < 5; count++) {
      const { status, actual } = host.isochronous(SPEAKER, sound(1 + 48 * count, 48), 0xfffffff0 + 8 * count);
      expect({ status, actual }).toEqual({ status: STATUS_OK, actual: 192 });
    }
    expect(sink.packets.map(({ frame }) => frame)).toEqual([0xfffffff0, 0xfffffff8, 0, 8, 16]);
    expect(sink.gaps).toEqual([]);
    expect([...sink.channel(0)]).toEqual(Array.from({ length: 240 }, (_, at) => 1 + at));
    expect([...sink.channel(1)]).toEqual(Array.from({ length: 240 }, (_, at) => -1 - at));
    host.isochronous(SPEAKER, sound(1, 48), 40);
    setRate(host, SPEAKER, "44ac00");
    host.isochronous(SPEAKER, sound(1, 44), 48);
    expect(sink.gaps).toEqual([24]);
    expect(sink.packets.slice(-2).map(({ rate, samples }) => [rate, samples.length])).toEqual([
      [48000, 96],
      [44100, 88],
    ]);
  });

  test("takes packets that are empty, odd or too long", async () => {
    const { host, sink } = await plugSpeaker();
    for (const [length, played] of [
      [0, undefined],
      [3, undefined],
      [7, 2],
      [196, 98],
      [200, 98],
      [70000, 98],
    ] as const) {
      sink.packets.length = 0;
      expect(host.isochronous(SPEAKER, new Uint8Array(length).fill(1), 0)).toMatchObject({ status: 0, actual: length });
      expect(sink.packets[0]?.samples.length, `${length}`).toBe(played);
    }
  });

  test("plays at the volume it is set to", async () => {
    const { host, sink } = await plugSpeaker();
    const loud = new Uint8Array(Int16Array.of(32767, -32768).buffer);
    const played = () => {
      host.isochronous(SPEAKER, loud, 0);
      return [...(sink.packets.pop()?.samples ?? [])];
    };
    expect(played()).toEqual([32767, -32768]);
    setVolume(host, "00ec");
    expect(played()).toEqual([3277, -3277]);
    setVolume(host, "00c4"); // -60 dB: a thousandth
    expect(played()).toEqual([33, -33]);
    setMute(host, "01");
    expect(played()).toEqual([0, 0]);
    setMute(host, "00");
    expect(played()).toEqual([33, -33]);
  });
});
