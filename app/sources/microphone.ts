/** The computer's microphone as one of the guest. */
import type { DeviceSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction } from "./feed.ts";
import { refused, unavailable } from "./refused.ts";
import { levelMeter, openSound, shownLevel, soundActions } from "./sound.ts";

/** A sound card hands on what it hears; but the guest's speaker may be heard in the same room. */
const AUDIO = { echoCancellation: true, noiseSuppression: false, autoGainControl: false };
/** Pieces of 20 ms on their way to a worker that is busy: then the next ones are left out. */
const PIECES_MAX = 10;

/** Asks for the microphone. Rejects with a sentence for the person. */
export async function openMicrophone(): Promise<MicrophoneFeed> {
  if (!navigator.mediaDevices?.getUserMedia) throw unavailable("microphone");
  const asked = navigator.mediaDevices.getUserMedia({ audio: AUDIO });
  const stream = await asked.catch((error: unknown) => {
    throw refused("microphone", error);
  });
  try {
    return await streamMicrophone(stream);
  } catch (error) {
    for (const track of stream.getTracks()) track.stop();
    throw error;
  }
}

/** Any sound of the page, such as that of a MediaStreamAudioDestinationNode. Its tracks are stopped at the unplug. */
export async function streamMicrophone(stream: MediaStream): Promise<MicrophoneFeed> {
  return new MicrophoneFeed(await openSound(), stream);
}

export class MicrophoneFeed implements Feed {
  readonly source: DeviceSource = { kind: "microphone", sound: "page" };
  readonly view = levelMeter("What the guest's microphone hears");
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  readonly #context: AudioContext;
  readonly #stream: MediaStream;
  #port: UsbPort | undefined;
  #muted = false;
  #pending = 0;

  constructor(context: AudioContext, stream: MediaStream) {
    this.#context = context;
    this.#stream = stream;
    const hear = new AudioWorkletNode(context, "pvusb-hear");
    hear.port.onmessage = ({ data }: MessageEvent<Float32Array>) => void this.#heard(data);
    context.createMediaStreamSource(stream).connect(hear).connect(context.destination);
    context.onstatechange = () => this.onChange?.();
    const ended = "The computer's microphone is gone: it was pulled out, or its permission was taken back.";
    stream.getAudioTracks()[0]?.addEventListener("ended", () => this.onEnd?.(ended));
  }

  get actions(): readonly FeedAction[] {
    const title = "The guest's microphone hears nothing until this is pressed again";
    return soundActions(this.#context, { muted: this.#muted, title, toggle: () => this.#mute() });
  }

  plugged(port: UsbPort): void {
    this.#port = port;
  }

  async close(): Promise<void> {
    this.#port = undefined;
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#context.state !== "closed") await this.#context.close();
  }

  #mute(): void {
    this.#muted = !this.#muted;
    for (const track of this.#stream.getAudioTracks()) track.enabled = !this.#muted;
    this.onChange?.();
  }

  async #heard(samples: Float32Array): Promise<void> {
    this.view.value = shownLevel(samples.reduce((loudest, each) => Math.max(loudest, Math.abs(each)), 0));
    if (!this.#port || this.#pending >= PIECES_MAX) return;
    this.#pending++;
    try {
      await this.#port.input({ type: "sound", rate: this.#context.sampleRate, samples }, [samples.buffer]);
    } catch {
      // Unplugged meanwhile, or its worker is dead: if it comes back, so does the feed.
    } finally {
      this.#pending--;
    }
  }
}
