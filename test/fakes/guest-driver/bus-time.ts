/** A clock that stands until a test moves it: performance.now() and the timers of the host. */
import { afterEach, beforeEach, vi } from "vitest";

const MICROFRAMES_PER_MS = 8;

/** Use in a describe block. `pass(microframes)` lets so much of the bus's time go by, timers included. */
export function standingClock(): { pass(microframes: number): void } {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  return {
    pass: (microframes) => {
      vi.advanceTimersByTime(microframes / MICROFRAMES_PER_MS);
    },
  };
}
