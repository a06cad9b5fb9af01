/**
 * A source behind each IN endpoint and a sink behind each OUT endpoint: endless data of a pattern that both ends know.
 *
 * What waits is answered a millisecond later, so that the host has time to take it back, as it has with a device of
 * silicon: Linux's usbtest never gets hold of a transfer that is over before its submission returns. Isochronous transfers
 * are answered at once, and all of a benchmark's device.
 */
import { STATUS_OK } from "../../../asm/layout.ts";
import type { Request } from "../../request.ts";
import type { Endpoint } from "../endpoint.ts";

/** "mod63": byte i of a packet is i modulo 63. Both patterns begin anew with each transfer. */
export type Pattern = "zero" | "mod63";

const ANSWER_MS = 1;
const CHUNK_SIZE = 32 << 10;

export class SourceSink {
  readonly #pattern: Pattern;
  readonly #atOnce: boolean;
  /** Whole packets of the pattern, by the packet's size. */
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #received = new Uint8Array(CHUNK_SIZE);
  readonly #waiting = new Set<Endpoint>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(pattern: Pattern, atOnce: boolean) {
    this.#pattern = pattern;
    this.#atOnce = atOnce;
  }

  ready(endpoint: Endpoint): void {
    if (endpoint.isochronous || this.#atOnce) {
      this.#answer(endpoint);
      return;
    }
    this.#waiting.add(endpoint);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const each of this.#waiting) this.#answer(each);
      this.#waiting.clear();
    }, ANSWER_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  /** Answers all that waits. A sink that is sent something else halts, unless it is isochronous. */
  #answer(endpoint: Endpoint): void {
    for (let request = endpoint.head; request; request = endpoint.head) {
      if (request.isIn) {
        endpoint.complete(STATUS_OK, this.#send(endpoint, request));
        continue;
      }
      const good = this.#receive(endpoint, request);
      if (good === request.length || endpoint.isochronous) endpoint.complete(STATUS_OK, request.length);
      else endpoint.stall(good);
    }
  }

  /** Answers the bytes sent: as many as there is room for, and at most a packet an interval. */
  #send(endpoint: Endpoint, request: Request): number {
    const length = endpoint.isochronous ? Math.min(request.length, endpoint.maxPacketSize) : request.length;
    const chunk = this.#chunk(endpoint.maxPacketSize);
    let sent = 0;
    while (sent < length) {
      sent += request.write(length - sent < chunk.length ? chunk.subarray(0, length - sent) : chunk, sent);
    }
    return sent;
  }

  /** Answers the bytes before the first packet with a wrong byte. */
  #receive({ maxPacketSize }: Endpoint, request: Request): number {
    const chunk = this.#chunk(maxPacketSize);
    for (let start = 0; start < request.length; start += chunk.length) {
      const count = Math.min(request.read(this.#received, start), chunk.length);
      for (let at = 0; at < count; at++) {
        if (this.#received[at] !== chunk[at]) return start + at - (at % maxPacketSize);
      }
    }
    return request.length;
  }

  #chunk(maxPacketSize: number): Uint8Array {
    let chunk = this.#chunks.get(maxPacketSize);
    if (!chunk) {
      chunk = new Uint8Array(CHUNK_SIZE - (CHUNK_SIZE % maxPacketSize));
      if (this.#pattern === "mod63") {
        for (let at = 0; at < chunk.length; at++) chunk[at] = (at % maxPacketSize) % 63;
      }
      this.#chunks.set(maxPacketSize, chunk);
    }
    return chunk;
  }
}
