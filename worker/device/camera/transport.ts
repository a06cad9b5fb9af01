/** How payloads reach the host: isochronous.ts, bulk.ts. */
import type { Endpoint } from "../endpoint.ts";
import type { Video } from "./video.ts";

export interface Transport {
  /** From now on this video goes over this endpoint; without one of the two there is nothing to send. */
  start(endpoint: Endpoint | undefined, video: Video | undefined): void;
  /** The endpoint's head is another one. */
  advance(): void;
  /** CLEAR_FEATURE(ENDPOINT_HALT). */
  haltCleared?(): void;
}
