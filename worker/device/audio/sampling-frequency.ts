/** The sampling frequency control of a streaming endpoint (UAC 1.0 §5.2.3.2.3.1). */
import type { Request } from "../../request.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import {
  GET_CUR_ENDPOINT,
  GET_MAX_ENDPOINT,
  GET_MIN_ENDPOINT,
  GET_RES_ENDPOINT,
  SET_CUR_ENDPOINT,
} from "./audio-requests.ts";

/** Hz, as the format descriptor lists them; the first one is what a device begins with. */
export const SAMPLING_FREQUENCIES = [48000, 44100] as const;

/** Control selector << 8, as in wValue (UAC 1.0 table A-19). */
const SAMPLING_FREQ_CONTROL = 0x0100;

export class SamplingFrequency {
  #current: number = SAMPLING_FREQUENCIES[0];

  /** Hz. */
  get current(): number {
    return this.#current;
  }

  /** As a device has it that was just configured. */
  reset(): void {
    this.#current = SAMPLING_FREQUENCIES[0];
  }

  /** The nearest there is. */
  set(frequency: number): void {
    this.#current = nearest(frequency);
  }

  /** A class request to the endpoint: answers it and says true, or it is none of this control's. */
  control(request: Request): boolean {
    if (request.wValue !== SAMPLING_FREQ_CONTROL) return false;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case GET_CUR_ENDPOINT:
        return answerFrequency(request, this.#current);
      case GET_MIN_ENDPOINT:
        return answerFrequency(request, Math.min(...SAMPLING_FREQUENCIES));
      case GET_MAX_ENDPOINT:
        return answerFrequency(request, Math.max(...SAMPLING_FREQUENCIES));
      case GET_RES_ENDPOINT:
        return answerFrequency(request, Math.abs(SAMPLING_FREQUENCIES[0] - SAMPLING_FREQUENCIES[1]));
      case SET_CUR_ENDPOINT: {
        if (request.length !== 3) return false;
        const bytes = new Uint8Array(3);
        request.read(bytes);
        this.set((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16));
        return answerOut(request);
      }
      default:
        return false;
    }
  }
}

/** "… rounded to the nearest supported one": the host reads back which it got. */
function nearest(frequency: number): number {
  const distance = (each: number) => Math.abs(each - frequency);
  return SAMPLING_FREQUENCIES.reduce((best, each) => (distance(each) < distance(best) ? each : best));
}

function answerFrequency(request: Request, frequency: number): true {
  return answerIn(request, Uint8Array.of(frequency, frequency >> 8, frequency >> 16));
}
