/**
 * A video over an isochronous endpoint: each request is one service interval, answered at once with one payload, or with no
 * bytes when there is nothing to send (UVC 1.1 §2.4.3.2). The clock is the bus's own: the microframe in which a request is due.
 *
 *   0        1        2        3        4        5        ticks, one an interval
 *   ├▓▓▓─────├▓▓▓─────├▓▓▓─────├▓▓▓─────                  pictures, when there is bandwidth enough
 *   ├▓▓▓▓▓▓▓▓▓▓▓──────├▓▓▓▓▓▓▓▓▓▓▓──────├▓▓▓▓▓▓▓▓▓▓▓──    and when there is not: a tick that finds one on its way is left out
 */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Transport } from "./transport.ts";
import type { Video } from "./video.ts";

/** 100 ns. */
const MICROFRAME = 1250;

export class IsochronousTransport implements Transport {
  #endpoint: Endpoint | undefined;
  #video: Video | undefined;
  /** The microframe of the last request, and how long the video has run by then. */
  #microframe = 0;
  #elapsed = -1;
  /** The last tick that has passed, taken or left out: a picture's number. */
  #tick = -1;

  start(endpoint: Endpoint | undefined, video: Video | undefined): void {
    this.#endpoint = endpoint;
    this.#video = video;
    this.#elapsed = -1;
    this.#tick = -1;
    this.advance();
  }

  advance(): void {
    for (let request = this.#endpoint?.head; request; request = this.#endpoint?.head) {
      const { frame } = request;
      const video = this.#video;
      this.#follow(frame);
      if (video && this.#isTime(video)) video.begin(this.#tick, frame);
      if (!video?.sending) {
        this.#endpoint?.complete(STATUS_OK, 0);
        continue;
      }
      const header = video.header(frame);
      const { data } = video;
      const length = header.length + data.length;
      const fits = length <= request.length;
      if (fits) {
        request.write(header);
        request.write(data, header.length);
      }
      video.sent(); // also what did not fit: nothing is sent twice (USB 2.0 §5.6.5)
      this.#endpoint?.complete(fits ? STATUS_OK : STATUS_BABBLE, fits ? length : 0);
    }
  }

  /** Has a tick come, and is there no picture on its way? */
  #isTime(video: Video): boolean {
    const tick = Math.floor(this.#elapsed / video.interval);
    if (tick <= this.#tick) return false;
    this.#tick = tick;
    return !video.sending;
  }

  /** A video begins with its first request. Microframes count as u32, may jump, and start anew when the controller does. */
  #follow(microframe: number): void {
    const passed = this.#elapsed < 0 ? 0 : (microframe - this.#microframe) | 0;
    this.#microframe = microframe;
    this.#elapsed = Math.max(0, this.#elapsed) + Math.max(0, passed) * MICROFRAME;
  }
}
