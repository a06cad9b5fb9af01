/** A feature unit with the controls of its master channel: mute and volume (UAC 1.0 §5.2.2.4). */
import type { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import {
  GET_CUR_INTERFACE,
  GET_MAX_INTERFACE,
  GET_MIN_INTERFACE,
  GET_RES_INTERFACE,
  SET_CUR_INTERFACE,
} from "./audio-requests.ts";

/** Control selector << 8 | channel, as in wValue (UAC 1.0 table A-11). Channel 0 is the master. */
const MUTE = 0x0100;
const VOLUME = 0x0200;

/** Volumes in 1/256 dB (UAC 1.0 §5.2.2.4.3.2). */
export const VOLUME_MIN = -60 * 256;
export const VOLUME_MAX = 0;
export const VOLUME_RESOLUTION = 256;
/** "Code 0x8000 … −∞ dB": silence, whatever the range is. */
const VOLUME_SILENCE = -0x8000;

export class FeatureUnit {
  readonly #id: number;
  #muted = false;
  #volume = VOLUME_MAX;
  /** What a sample is multiplied with. */
  #gain = 1;

  constructor(id: number) {
    this.#id = id;
  }

  /** As a device has it that was just configured. */
  reset(): void {
    this.#muted = false;
    this.#setVolume(VOLUME_MAX);
  }

  save(): object {
    return { muted: this.#muted, volume: this.#volume };
  }

  /** A way to become what `save` said, checked. */
  read(saved: Saved): () => void {
    const muted = saved.flag("muted");
    const volume = saved.integer("volume", VOLUME_MAX, VOLUME_SILENCE);
    return () => {
      this.#muted = muted;
      this.#setVolume(volume);
    };
  }

  /** A class request to interface 0: answers it and says true, or it is none of this unit's. */
  control(request: Request): boolean {
    if (request.wIndex !== this.#id << 8) return false;
    if (request.wValue === MUTE) return this.#mute(request);
    return request.wValue === VOLUME && this.#volumes(request);
  }

  /** What becomes of the first `count` samples on their way through. */
  apply(samples: Int16Array, count: number): void {
    const gain = this.#muted ? 0 : this.#gain;
    if (gain === 1) return;
    for (let at = 0; at < count; at++) samples[at] = Math.round((samples[at] ?? 0) * gain);
  }

  /** UAC 1.0 §5.2.2.4.3.1: only the current setting. */
  #mute(request: Request): boolean {
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case GET_CUR_INTERFACE:
        return answerIn(request, Uint8Array.of(this.#muted ? 1 : 0));
      case SET_CUR_INTERFACE:
        if (request.length !== 1) return false;
        this.#muted = request.window(0)[0] !== 0;
        return answerOut(request);
      default:
        return false;
    }
  }

  /** UAC 1.0 §5.2.2.4.3.2. */
  #volumes(request: Request): boolean {
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case GET_CUR_INTERFACE:
        return answerVolume(request, this.#volume);
      case GET_MIN_INTERFACE:
        return answerVolume(request, VOLUME_MIN);
      case GET_MAX_INTERFACE:
        return answerVolume(request, VOLUME_MAX);
      case GET_RES_INTERFACE:
        return answerVolume(request, VOLUME_RESOLUTION);
      case SET_CUR_INTERFACE: {
        if (request.length !== 2) return false;
        const bytes = new Uint8Array(2);
        request.read(bytes);
        this.#setVolume((((bytes[0] ?? 0) << 16) | ((bytes[1] ?? 0) << 24)) >> 16);
        return answerOut(request);
      }
      default:
        return false;
    }
  }

  /** The nearest volume there is. */
  #setVolume(volume: number): void {
    if (volume === VOLUME_SILENCE) {
      this.#volume = VOLUME_SILENCE;
      this.#gain = 0;
      return;
    }
    const nearest = Math.round(volume / VOLUME_RESOLUTION) * VOLUME_RESOLUTION;
    this.#volume = Math.max(VOLUME_MIN, Math.min(VOLUME_MAX, nearest));
    this.#gain = 10 ** (this.#volume / 256 / 20);
  }
}

function answerVolume(request: Request, volume: number): true {
  return answerIn(request, Uint8Array.of(volume, volume >> 8));
}
