/**
 * Pictures and sound of a page in a stock Linux guest, in a real Chromium: what is drawn on a canvas is what the guest captures, and
 * what the guest plays is heard on the page with its pitch, and heard again by the guest.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { amplitudeAt } from "../fakes/analyser.ts";
import { pngOfYuy2 } from "../fakes/png.ts";
import { md5 } from "../guest/harness.ts";
import { guestTools } from "../guest/tools.ts";
import { GuestPage } from "./guest-page.ts";
import { BOOT_MS } from "./harness.ts";

const ARTEFACTS = "test/artefacts";
const [WIDTH, HEIGHT] = [160, 120];
/** Bytes of a line. */
const LINE = 2 * WIDTH;
const RATE = 48000;
/** The louder of two sines. */
const TONE = 440;

let tab: GuestPage;

beforeAll(async () => {
  tab = await GuestPage.open({
    overlay: guestTools(),
    // A camera that films a clock, a microphone that beeps, and whoever is asked says yes.
    switches: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  });
  await tab.page.addScriptTag({ type: "module", url: "/test/browser/page/media.ts" });
  await tab.page.waitForFunction(() => "media" in window);
}, BOOT_MS);
afterAll(async () => {
  await tab?.close();
  expect(tab?.errors).toEqual([]);
});

afterEach(async () => {
  await tab?.page.evaluate(() => window.media.unplugAll());
  await tab?.until("! test -e /dev/video0 && ! grep -q USB-Audio /proc/asound/cards");
});

interface Captured {
  readonly md5: string;
  /** Its first line. */
  readonly line: Uint8Array;
}

/** So many pictures, as the guest captured them, in the order in which it began them; and the one that ended last, whole. */
async function capture(count: number): Promise<{ pictures: Captured[]; last: Uint8Array }> {
  await tab.until("test -c /dev/video0");
  const log = await tab.run(
    `rm -f /tmp/frame-*; yavta -c${count} -n${Math.min(count, 8)} -f YUYV -s ${WIDTH}x${HEIGHT} -t 1/15 -F/tmp/frame-#.bin /dev/video0; cd /tmp; md5sum frame-*`,
  );
  const sums = [...log.matchAll(/^([0-9a-f]{32}) {2}frame-\d+\.bin$/gm)].map(([, sum = ""]) => sum);
  // "7 (3) [-] none 7 38400 B …": which one, its buffer, its error, its field, its sequence number, its bytes.
  const order = [...log.matchAll(/^\d+ \(\d+\) \[-\] none (\d+) \d+ B /gm)].map(([, sequence]) => Number(sequence));
  expect([sums.length, order.length], log).toEqual([count, count]);
  const lines = (await tab.exec(`for each in /tmp/frame-*; do head -c ${LINE} $each; done`)).output;
  const pictures = sums.map((md5, index) => ({
    md5,
    line: lines.subarray(index * LINE, (index + 1) * LINE),
    sequence: order[index] ?? 0,
  }));
  const name = String(count - 1).padStart(6, "0");
  const { output: last } = await tab.exec(`cat /tmp/frame-${name}.bin`);
  return { pictures: pictures.sort((a, b) => a.sequence - b.sequence), last };
}

/** A picture that is not black, as soon as there is one. */
async function captureLight(): Promise<Uint8Array> {
  for (;;) {
    const { last } = await capture(4);
    if (md5(last) !== BLACK) return last;
  }
}

/** The number that the cells of a line of a test card spell. */
function numberIn(line: Uint8Array): number {
  const bits = Array.from({ length: 20 }, (_, cell) => (line[4 * Math.ceil((cell * WIDTH) / 64)] ?? 0) > 128);
  return bits.reduce((number, bit) => 2 * number + (bit ? 1 : 0), 0);
}

function keep(name: string, picture: Uint8Array): void {
  mkdirSync(ARTEFACTS, { recursive: true });
  writeFileSync(`${ARTEFACTS}/${name}.png`, pngOfYuy2(picture, WIDTH, HEIGHT));
}

const BLACK = md5(new Uint8Array(WIDTH * HEIGHT * 2).map((_, at) => (at % 2 === 0 ? 16 : 128)));

/** What a camera makes of picture `number` of the canvas: colours by ITU-R BT.601, two pixels to a chroma sample. */
function cardOf(number: number): Uint8Array {
  const on = (bars: readonly number[]): readonly number[] => bars.map((each) => each * 191);
  const colours = ["111", "110", "011", "010", "101", "100", "001", "000"].map((bits) => on([...bits].map(Number)));
  const pairs = Math.floor(WIDTH / 40);
  const begin = number * 2 * Math.floor(pairs / 2);
  const card = new Uint8Array(WIDTH * HEIGHT * 2);
  const thickness = Math.floor(HEIGHT / 24);
  const tops = Array.from({ length: 9 }, (_, row) => Math.floor((row * (HEIGHT - thickness)) / 8));
  const pixel = (x: number, y: number): readonly number[] => {
    const row = tops.findIndex((top) => y >= top && y < top + thickness);
    if (row >= 0) {
      const word = number * 16 + row;
      const sum = (word >> 16) + ((word >> 8) & 0xff) + (word & 0xff);
      const cells = word * 256 + (255 - (sum & 0xff));
      const cell = Math.floor(((x - (x % 2)) * 32) / WIDTH);
      return Math.floor(cells / 2 ** (31 - cell)) % 2 === 1 ? [255, 255, 255] : [0, 0, 0];
    }
    if ((((x - begin) % WIDTH) + WIDTH) % WIDTH < 2 * pairs) return [255, 255, 255];
    return colours[Math.floor((x * 8) / WIDTH)] ?? [];
  };
  const luma = ([r = 0, g = 0, b = 0]: readonly number[]) => 0.299 * r + 0.587 * g + 0.114 * b;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x += 2) {
      const two = [pixel(x, y), pixel(x + 1, y)] as const;
      const mean = (of: (pixel: readonly number[]) => number) => (of(two[0]) + of(two[1])) / 2;
      const blue = mean((each) => (each[2] ?? 0) - luma(each)) / 1.772;
      const red = mean((each) => (each[0] ?? 0) - luma(each)) / 1.402;
      card.set(
        [
          Math.round(16 + (219 * luma(two[0])) / 255),
          Math.round(128 + (224 * blue) / 255),
          Math.round(16 + (219 * luma(two[1])) / 255),
          Math.round(128 + (224 * red) / 255),
        ],
        (y * WIDTH + x) * 2,
      );
    }
  }
  return card;
}

it("a canvas test card goes through the camera into the guest, and comes back frame by frame equal", async () => {
  await tab.page.evaluate(([width, height]) => window.media.plugCard(1, width, height), [WIDTH, HEIGHT] as const);
  const { pictures, last } = await capture(10);
  keep("media-card", last);
  const first = pictures.findIndex(({ md5 }) => md5 !== BLACK); // black until the page's first picture is there
  const shown = pictures.slice(first).map(({ md5, line }) => ({ md5, number: numberIn(line) }));
  expect(shown.map(({ md5 }) => md5)).toEqual(shown.map(({ number }) => md5(cardOf(number))));
  const numbers = shown.map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect([first, new Set(numbers).size > 4], `${numbers}`).toEqual([expect.toSatisfy((each) => each < 4), true]);
});

it.each([
  ["the computer's camera", false],
  ["the computer's camera, in a browser that gives no frames", true],
])("%s is the guest's, until it is pulled out", async (name, withElement) => {
  await tab.page.evaluate((withElement) => window.media.plugWebcam(1, withElement), withElement);
  const picture = await captureLight();
  keep(`media-${withElement ? "element" : "webcam"}`, picture);
  const chroma = picture.filter((_, at) => at % 2 === 1);
  expect(chroma.filter((each) => Math.abs(each - 128) > 10).length, name).toBeGreaterThan(chroma.length / 10);
  await tab.page.evaluate(() => window.media.pullOut());
  expect(await tab.page.evaluate(() => window.media.ended(1))).toMatch(/^The computer's camera is gone: /);
});

it("a shared screen is what the guest's camera sees", async () => {
  await tab.page.evaluate(() => window.media.plugScreen(1));
  const picture = await captureLight();
  keep("media-screen", picture);
});

it("a tone through the speaker comes back with its frequency: on the page, and by the microphone in the guest", async () => {
  await tab.page.evaluate(async () => {
    await window.media.plugSpeaker(2);
    await window.media.plugMicrophone(3);
  });
  await tab.until("test -c /dev/snd/pcmC0D0p -a -c /dev/snd/pcmC1D0c");
  const sine = (volume: number, hertz: number) => `${volume}*sin(${2 * Math.PI * hertz}*$_/${RATE})`;
  const second = `for (0..${RATE - 1}) { my $s = ${sine(8192, TONE)} + ${sine(2048, 1000)}; $b .= pack("s<2", $s, $s) }`;
  const play = `perl -e '${second} print $b while !-e "/tmp/enough"' | aplay -q -D hw:0 -t raw -f S16_LE -r ${RATE} -c 2`;
  await tab.run(`rm -f /tmp/enough; ${play} >/dev/null 2>&1 &`);
  expect(await tab.page.evaluate((tone) => window.media.untilHeard(tone), TONE)).toBeCloseTo(TONE, -1);
  // A guest of a busy host plays and hears with gaps, and sometimes nothing for a second.
  let heard = await record();
  while (loudest(heard).amplitude < 1000) heard = await record();
  expect(loudest(heard).hertz).toBe(TONE);

  const actions = (port: number) => tab.page.evaluate((port) => window.media.actions(port), port);
  await tab.page.evaluate(() => window.media.press(3, "mute"));
  expect([await actions(2), await actions(3)]).toEqual([["mute"], ["mute pressed"]]);
  expect((await record()).every((each) => each === 0)).toBe(true);
  await tab.run("touch /tmp/enough");
});

/** Half a second of what the guest's microphone hears, when a little time has passed. */
async function record(): Promise<Int16Array> {
  await tab.run(`arecord -q -D hw:1 -t raw -f S16_LE -r ${RATE} -c 1 -d 1 /tmp/heard 2>&1`);
  const { output } = await tab.exec("cat /tmp/heard");
  return new Int16Array(output.slice().buffer).subarray(RATE / 2);
}

/** Of all whole tens of Hz up to 2000. */
function loudest(sound: Int16Array): { readonly hertz: number; readonly amplitude: number } {
  const tones = Array.from({ length: 200 }, (_, index) => {
    const hertz = 10 * (index + 1);
    return { hertz, amplitude: amplitudeAt(sound, hertz, RATE) };
  });
  return tones.reduce((best, each) => (each.amplitude > best.amplitude ? each : best));
}

it("a page that is refused says in a sentence what to do", async () => {
  const sentences = await tab.page.evaluate(() => window.media.refused());
  expect(sentences).toEqual([
    expect.stringMatching(/does not let this page use the camera\. Allow the camera for this page/),
    expect.stringMatching(/does not let this page use the microphone\. Allow the microphone for this page/),
    expect.stringMatching(/^No screen was shared\. Plug again and choose/),
  ]);
});
