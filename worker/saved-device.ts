/** Devices of a saved state, as they come out of a file: not trusted. */
import { SOCKETS_MAX } from "../asm/layout.ts";
import { Saved, StateError } from "../asm/saved.ts";
import type { Device } from "./device.ts";
import { TIERS_MAX } from "./place.ts";
import type { DeviceSource, SavedDevice } from "./protocol.ts";

/** Throws a StateError for what is no saved device. */
export function readSavedDevice(data: unknown, tier = 0): SavedDevice {
  const saved = new Saved(data, "a device");
  const origin = saved.get("origin");
  if (typeof origin !== "string") new Saved(origin, "a device's source").text("kind");
  if (tier > TIERS_MAX) throw saved.wrong("devices");
  return {
    port: saved.integer("port", SOCKETS_MAX, 1),
    plugs: saved.integers("plugs", 0xffffffff, 2),
    id: saved.text("id"),
    origin: origin as DeviceSource | string,
    states: saved.get("states") === undefined ? undefined : saved.list("states", 2),
    devices: saved.list("devices", SOCKETS_MAX).map((device) => readSavedDevice(device, tier + 1)),
  };
}

/** Throws a StateError, or an ImageError. Answers what the person should know. */
export function restoreHalves(halves: readonly Device[], states: readonly unknown[]): string | undefined {
  if (halves.length !== states.length || halves.some(({ restore }) => !restore)) {
    throw new StateError(`This pvusb does not restore a device such as ${halves[0]?.identity.product}.`);
  }
  const notes = halves.map((half, index) => half.restore?.(states[index]));
  return notes.find((note) => note !== undefined);
}
