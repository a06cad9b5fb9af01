/**
 * The queue of one endpoint of a WebUSB device: several transfers in flight, answers in order. in-queue.ts and out-queue.ts
 * are its two directions; a *flight* is one transferIn() or transferOut() whose promise is open or whose turn has not come.
 *
 * WebUSB cannot cancel a transfer. When the guest gives one up, it is answered at once, and its flight becomes an orphan:
 * it stays in its place of the line, and holds nothing of the guest's any more.
 */
import type { Request } from "./request.ts";

export interface EndpointQueue {
  /** A transfer has stalled since the last forget(). */
  readonly halted: boolean;
  submit(request: Request): void;
  /** Answers a transfer it holds with STATUS_CANCELLED. */
  cancel(request: Request): void;
  /** Answers all it holds with STATUS_CANCELLED. What is in flight stays in line. */
  cancelAll(): void;
  /** Forgets a halt, and data that arrived for transfers given up: after clearHalt(). What is in flight stays in line. */
  forget(): void;
  /** The end: the browser ends what is in flight (reset, another alternate or configuration, close). */
  discard(): void;
}
