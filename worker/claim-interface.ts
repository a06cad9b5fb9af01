/**
 * WebUSB claimInterface(), for a device that may have been closed a moment ago, by this page or by a worker that died.
 * Chromium's close() resolves before the system has let the device go, by some 30 ms with transfers in flight, and until then
 * a claim fails as if a driver had the interface.
 */
import { nameOf } from "./transfer-status.ts";

/** ms in which the system lets a device go. */
const LET_GO = 300;
const PAUSE = 10;

/** Until when claims of now may be tried again: one time for all of a device's interfaces. */
export function claimsUntil(): number {
  return performance.now() + LET_GO;
}

export async function claimInterface(device: USBDevice, interfaceNumber: number, until: number): Promise<void> {
  for (;;) {
    try {
      return await device.claimInterface(interfaceNumber);
    } catch (error) {
      if (nameOf(error) !== "NetworkError" || performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
