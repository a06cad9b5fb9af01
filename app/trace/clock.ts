/** The traces' clock: µs since 1970, which never goes back. */
export function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
