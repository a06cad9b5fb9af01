/**
 * How many random programs a property runs: `normal` of them from a fixed seed in `npm test`, so that a green run stays
 * green; PVUSB_FUZZ times as many from a seed of their own in `npm run fuzz`, which prints the seed of what it finds.
 */
export function runs(normal: number): { numRuns: number; seed?: number } {
  const { PVUSB_FUZZ = "0" } = process.env;
  const factor = Number(PVUSB_FUZZ);
  return factor > 0 ? { numRuns: normal * factor } : { numRuns: normal, seed: 2009 };
}
