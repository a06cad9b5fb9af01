/** The speed of a WebUSB device, which no browser tells: inferred from its descriptors. */
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER, TYPE_BULK, TYPE_INTERRUPT } from "../asm/layout.ts";
import { type ConfigurationInfo, looksHighSpeed } from "./raw-descriptors.ts";

/**
 * The rule, first that fits:
 *
 *   SUPER  bcdUSB ≥ 3.00 and bMaxPacketSize0 = 9: only SuperSpeed writes it as an exponent (USB 3.2 §9.6.1)
 *   LOW    bMaxPacketSize0 = 8 and nothing but interrupt endpoints of at most 8 bytes, each polled every 10 ms or less often
 *          (USB 2.0 §5.5.3, §5.7.3, §5.7.4)
 *   FULL   bcdUSB < 2.00, or bMaxPacketSize0 ≠ 64, which high speed demands (USB 2.0 §5.5.3)
 *   HIGH   an endpoint with packets that only high speed has
 *   FULL   a bulk endpoint, all of at most 64 bytes
 *   HIGH   the device has a device qualifier, so it can do high speed (USB 2.0 §9.6.2)
 *   FULL   otherwise
 *
 * `hasQualifier` is asked only when it decides.
 */
export async function inferSpeed(
  device: Uint8Array,
  configurations: readonly ConfigurationInfo[],
  hasQualifier: () => Promise<boolean>,
): Promise<number> {
  const bcdUSB = (device[2] ?? 0) | ((device[3] ?? 0) << 8);
  const bMaxPacketSize0 = device[7] ?? 0;
  const endpoints = configurations.flatMap(({ alternates }) => alternates.flatMap((alternate) => alternate.endpoints));
  if (bcdUSB >= 0x0300 && bMaxPacketSize0 === 9) return SPEED_SUPER;
  if (
    bMaxPacketSize0 === 8 &&
    endpoints.length > 0 &&
    endpoints.every(({ type, packetSize, interval }) => type === TYPE_INTERRUPT && packetSize <= 8 && interval >= 10)
  ) {
    return SPEED_LOW;
  }
  if (bcdUSB < 0x0200 || bMaxPacketSize0 !== 64) return SPEED_FULL;
  if (endpoints.some(looksHighSpeed)) return SPEED_HIGH;
  if (endpoints.some(({ type }) => type === TYPE_BULK)) return SPEED_FULL;
  return (await hasQualifier()) ? SPEED_HIGH : SPEED_FULL;
}
