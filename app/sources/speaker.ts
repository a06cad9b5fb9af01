/** The guest's speaker, heard from the page. */
import type { DeviceOutput, DeviceSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction } from "./feed.ts";
import { followOutput } from "./follow-output.ts";
import { levelMeter, openSound, shownLevel, soundActions } from "./sound.ts";
import type { PlayMessage } from "./sound-processors.ts";

/** As guests play it, most of the time: then it is heard sample for sample. */
const RATE = 48000;

/** Call it in the person's click, or the browser keeps the sound back until there is one. Rejects with a sentence. */
export async function openSpeaker(): Promise<SpeakerFeed> {
  return new SpeakerFeed(await openSound({ sampleRate: RATE }));
}

export class SpeakerFeed implements Feed {
  readonly source: DeviceSource = { kind: "speaker" };
  readonly view = levelMeter("What the guest's speaker plays");
  /** What is heard, for who wants to do more with it. */
  readonly sound: AudioNode;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  readonly #context: AudioContext;
  readonly #play: AudioWorkletNode;
  readonly #gain: GainNode;
  #muted = false;
  #leave: (() => void) | undefined;

  constructor(context: AudioContext) {
    this.#context = context;
    this.#play = new AudioWorkletNode(context, "pvusb-play", { numberOfInputs: 0, outputChannelCount: [2] });
    this.#play.port.onmessage = ({ data }: MessageEvent<number>) => {
      this.view.value = shownLevel(data);
    };
    this.#gain = context.createGain();
    this.sound = this.#gain;
    this.#play.connect(this.#gain).connect(context.destination);
    context.onstatechange = () => this.onChange?.();
  }

  get actions(): readonly FeedAction[] {
    const title = "The guest's speaker is not heard until this is pressed again";
    return soundActions(this.#context, { muted: this.#muted, title, toggle: () => this.#mute() });
  }

  plugged(port: UsbPort): void {
    this.#leave?.();
    this.#leave = followOutput(port, (output) => this.#take(output));
  }

  async close(): Promise<void> {
    this.#leave?.();
    if (this.#context.state !== "closed") await this.#context.close();
  }

  #mute(): void {
    this.#muted = !this.#muted;
    this.#gain.gain.value = this.#muted ? 0 : 1;
    this.onChange?.();
  }

  #take(output: DeviceOutput): void {
    if (output.type !== "sound") return;
    for (const { rate, samples } of output.runs) {
      const message: PlayMessage = { rate, samples };
      this.#play.port.postMessage(message, [samples.buffer]);
    }
  }
}
