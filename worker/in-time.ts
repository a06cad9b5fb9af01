/** A call of WebUSB that need not end: on Windows a claim can stay open for good. */
import { PlugError } from "./plug-error.ts";

/** Longer than any system's own limit: the slowest, a reset or a request that the device does not answer, takes 5 s. */
export const STEP_TIMEOUT = 10_000;

/** Rejects with a PlugError if `work` is not done in time. `what` is a gerund with its object. */
export async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new PlugError(
      "AccessError",
      `The browser does not finish ${what}. Reconnect it; on Windows, it needs the WinUSB driver.`,
    );
    timer = setTimeout(() => reject(error), STEP_TIMEOUT);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
