/** What a test does with pictures and sound on the page of guests.ts: `window.media`. */
import { canvasCamera } from "../../../dist/app/sources/canvas.js";
import type { Feed } from "../../../dist/app/sources/feed.js";
import { openMicrophone, streamMicrophone } from "../../../dist/app/sources/microphone.js";
import { openScreen } from "../../../dist/app/sources/screen.js";
import { openSpeaker, type SpeakerFeed } from "../../../dist/app/sources/speaker.js";
import { openWebcam } from "../../../dist/app/sources/webcam.js";

const plugged = new Map<number, Feed>();
/** Why feeds ended, by port. */
const ended = new Map<number, string>();

async function plug<T extends Feed>(number: number, feed: T): Promise<T> {
  const port = (await window.firstGuest()).controller.port(number);
  plugged.set(number, feed);
  feed.onEnd = (reason) => ended.set(number, reason);
  await port.plug(feed.source);
  feed.plugged(port, { screen: undefined });
  return feed;
}

/** The test card of worker/device/camera/test-card.ts, drawn again for picture `number`. */
function drawCard(context: CanvasRenderingContext2D, number: number): void {
  const { width, height } = context.canvas;
  const fill = (colour: string, x: number, y: number, across: number, down: number) => {
    context.fillStyle = colour;
    context.fillRect(x, y, across, down);
  };
  const bars = ["#bfbfbf", "#bfbf00", "#00bfbf", "#00bf00", "#bf00bf", "#bf0000", "#0000bf", "#000000"];
  for (const [index, colour] of bars.entries()) fill(colour, (index * width) / 8, 0, width / 8, height);
  const pairs = Math.floor(width / 40);
  const begin = (number * 2 * Math.floor(pairs / 2)) % width;
  fill("#fff", begin, 0, 2 * pairs, height);
  fill("#fff", begin - width, 0, 2 * pairs, height);
  const thickness = Math.floor(height / 24);
  for (let row = 0; row < 9; row++) {
    const top = Math.floor((row * (height - thickness)) / 8);
    const word = number * 16 + row;
    const sum = (word >> 16) + ((word >> 8) & 0xff) + (word & 0xff);
    const bits = (word * 256 + (255 - (sum & 0xff))).toString(2).padStart(32, "0");
    for (const [cell, bit] of [...bits].entries()) {
      const [from = 0, to = 0] = [cell, cell + 1].map((each) => 2 * Math.ceil((each * width) / 64));
      fill(bit === "1" ? "#fff" : "#000", from, top, to - from, thickness);
    }
  }
}

let speaker: SpeakerFeed | undefined;

window.media = {
  /** A canvas with a test card that is another one every 20 ms. */
  async plugCard(port, width, height) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    if (!context) throw new Error("There is no canvas.");
    let number = 0;
    drawCard(context, number);
    setInterval(() => drawCard(context, ++number), 20);
    await plug(port, canvasCamera(canvas));
  },

  async plugWebcam(port, withElement) {
    if (withElement) Object.assign(window, { MediaStreamTrackProcessor: undefined });
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia;
    let track: MediaStreamTrack | undefined;
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await ask.call(mediaDevices, constraints);
      [track] = stream.getVideoTracks();
      return stream;
    };
    await plug(port, await openWebcam());
    mediaDevices.getUserMedia = ask;
    // The fake camera cannot be pulled out.
    window.media.pullOut = () => track?.dispatchEvent(new Event("ended"));
  },
  pullOut: () => undefined,

  async plugScreen(port) {
    await plug(port, await openScreen());
  },

  async plugSpeaker(port) {
    speaker = await plug(port, await openSpeaker());
  },

  /** A microphone that hears the speaker. */
  async plugMicrophone(port) {
    if (!speaker) throw new Error("Nothing is to be heard.");
    const loop = new MediaStreamAudioDestinationNode(speaker.sound.context as AudioContext);
    speaker.sound.connect(loop);
    await plug(port, await streamMicrophone(loop.stream));
  },

  /** Until this is what the speaker's sound has most of, and it is no whisper. */
  async untilHeard(hertz) {
    if (!speaker) throw new Error("Nothing is to be heard.");
    const { context } = speaker.sound;
    const analyser = new AnalyserNode(context, { fftSize: 32768, smoothingTimeConstant: 0 });
    speaker.sound.connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    const width = context.sampleRate / analyser.fftSize;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      analyser.getFloatFrequencyData(bins);
      const loudest = bins.indexOf(Math.max(...bins));
      if ((bins[loudest] ?? 0) > -40 && Math.abs(loudest * width - hertz) < 2 * width) return loudest * width;
    }
  },

  async unplugAll() {
    for (const [number, feed] of plugged) {
      await (await window.firstGuest()).controller.port(number).unplug();
      await feed.close();
    }
    plugged.clear();
  },

  press(number, id) {
    const action = plugged.get(number)?.actions.find((each) => each.id === id);
    void action?.run();
  },

  actions: (number) => plugged.get(number)?.actions.map(({ id, pressed }) => `${id}${pressed ? " pressed" : ""}`) ?? [],
  ended: (number) => ended.get(number),

  /** What a page is told that may not use any of it. */
  async refused() {
    const frame = document.createElement("iframe");
    frame.allow = "camera 'none'; microphone 'none'; display-capture 'none'";
    frame.srcdoc = `<script type="module" src="${import.meta.url}"></script>`;
    document.body.append(frame);
    while (!frame.contentWindow?.media) await new Promise((resolve) => setTimeout(resolve, 20));
    return frame.contentWindow.media.open();
  },
  open: () =>
    Promise.all(
      [openWebcam, openMicrophone, openScreen].map((open) =>
        open().then(
          () => "granted",
          (error: Error) => error.message,
        ),
      ),
    ),
};

declare global {
  interface Window {
    media: {
      plugCard(port: number, width: number, height: number): Promise<void>;
      plugWebcam(port: number, withElement: boolean): Promise<void>;
      pullOut(): void;
      plugScreen(port: number): Promise<void>;
      plugSpeaker(port: number): Promise<void>;
      plugMicrophone(port: number): Promise<void>;
      untilHeard(hertz: number): Promise<number>;
      unplugAll(): Promise<void>;
      press(port: number, action: string): void;
      actions(port: number): string[];
      ended(port: number): string | undefined;
      refused(): Promise<string[]>;
      open(): Promise<string[]>;
    };
  }
}
