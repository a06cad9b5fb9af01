/**
 * A video over a bulk endpoint. A payload is as many packets as it needs, and a short packet (of no bytes, where that must be)
 * ends one that is shorter than dwMaxPayloadTransferSize and the last one of a picture; requests may be cut otherwise (UVC 1.1
 * §2.4.3.1).
 *
 * Bulk has no clock: a host asks again as soon as it is answered. So the camera has one of its own, as a sensor does. A
 * picture goes out as fast as the host takes it; then the host's next request waits until the next picture's time. Without that
 * a guest would be in its interrupt handler for ever, because it is answered inside its doorbell. For a guest that takes
 * longer than the interval the clock slows down: pictures come later, none is left out, and between two of them there is always
 * a part of the interval for the guest's other work.
 */
import { STATUS_OK } from "../../../asm/layout.ts";
import type { Request } from "../../request.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Transport } from "./transport.ts";
import type { Video } from "./video.ts";

/** 100 ns in a millisecond. */
const MILLISECOND = 10_000;
/** What is left of an interval at least, behind a picture. */
const PAUSE_PART = 4;

export class BulkTransport implements Transport {
  readonly #payload: number;
  #endpoint: Endpoint | undefined;
  #video: Video | undefined;
  /** Bytes of the next payload that the host has, header first. */
  #offset = 0;
  /** A zero-length packet is owed: the last payload was whole packets and filled its request. */
  #zeroPacket = false;
  /** ms, when the next picture may begin. */
  #due = 0;
  #number = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** dwMaxPayloadTransferSize. */
  constructor(payload: number) {
    this.#payload = payload;
  }

  start(endpoint: Endpoint | undefined, video: Video | undefined): void {
    this.#endpoint = endpoint;
    this.#video = video;
    this.#due = performance.now();
    this.#number = 0;
    this.haltCleared();
    this.advance();
  }

  /** The host has thrown away what it had of the picture; Linux says so when it stops a video. */
  haltCleared(): void {
    clearTimeout(this.#timer);
    if (this.#video?.sending) this.#ended(this.#video.interval / MILLISECOND);
    this.#video?.drop();
    this.#offset = 0;
    this.#zeroPacket = false;
  }

  /** Each turn answers a request, so it ends. */
  advance(): void {
    const video = this.#video;
    if (!video) return;
    for (let request = this.#endpoint?.head; request; request = this.#endpoint?.head) {
      if (this.#zeroPacket) {
        this.#zeroPacket = false;
        this.#endpoint?.complete(STATUS_OK, 0);
      } else if (video.sending || this.#begin(video)) {
        this.#endpoint?.complete(STATUS_OK, this.#send(video, request));
      } else {
        return;
      }
    }
  }

  /** Begins the next picture if its time has come. Otherwise false, and a timer waits; when it is early, it waits again. */
  #begin(video: Video): boolean {
    const wait = this.#due - performance.now();
    if (wait <= 0) {
      video.begin(this.#number++);
      return true;
    }
    clearTimeout(this.#timer);
    const timer = setTimeout(() => this.advance(), Math.ceil(wait));
    (timer as { unref?(): void }).unref?.();
    this.#timer = timer;
    return false;
  }

  /** Fills the request up to its end or to a short packet. Answers the bytes. */
  #send(video: Video, request: Request): number {
    const packet = this.#endpoint?.maxPacketSize ?? 1;
    let done = 0;
    for (;;) {
      const header = video.header();
      const length = header.length + video.data.length;
      done += this.#copy(request, done, header, video.data);
      if (this.#offset < length) return done;
      this.#offset = 0;
      video.sent();
      if (!video.sending) this.#ended(video.interval / MILLISECOND);
      if (length < this.#payload || !video.sending) {
        this.#zeroPacket = done === request.length && length % packet === 0;
        return done;
      }
    }
  }

  #copy(request: Request, at: number, header: Uint8Array, data: Uint8Array): number {
    let done = 0;
    if (this.#offset < header.length) {
      done = request.write(this.#offset === 0 ? header : header.subarray(this.#offset), at);
      this.#offset += done;
      if (this.#offset < header.length) return done;
    }
    const from = this.#offset - header.length;
    const moved = request.write(from === 0 ? data : data.subarray(from), at + done);
    this.#offset += moved;
    return done + moved;
  }

  #ended(interval: number): void {
    this.#due = Math.max(this.#due + interval, performance.now() + interval / PAUSE_PART);
  }
}
