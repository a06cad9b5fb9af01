/** At the plug of a WebUSB device: which interfaces the guest can have. */
import { claimInterface, claimsUntil } from "./claim-interface.ts";
import { inTime } from "./in-time.ts";
import { PlugError } from "./plug-error.ts";
import { type ConfigurationInfo, interfacesOf, protectedClassOf } from "./raw-descriptors.ts";
import { isReal } from "./real-device.ts";
import { isDisconnected, nameOf } from "./transfer-status.ts";
import { goneError, heldNote, nothingClaimed } from "./webusb-words.ts";

export interface Claims {
  readonly claimed: ReadonlySet<number>;
  readonly notes: readonly string[];
  /** The page may have protected classes, too. */
  readonly exempt: boolean;
  /** The interfaces of a configuration that the guest cannot have. */
  held(configuration: ConfigurationInfo): ReadonlySet<number>;
}

/**
 * Claims what the active configuration has. The browser's own answer decides what is protected, because some pages are
 * exempt; of configurations that are not active, only the classes are known.
 */
export async function claimAll(
  device: USBDevice,
  name: string,
  configurations: readonly ConfigurationInfo[],
): Promise<Claims> {
  const value = device.configuration?.configurationValue;
  const active = configurations.find((configuration) => configuration.value === value);
  const claimed = new Set<number>();
  const held = new Set<number>();
  const notes: string[] = [];
  const until = claimsUntil();
  let busy = false;
  let exempt = isReal(device);
  for (const number of active ? interfacesOf(active) : []) {
    const protectedClass = active && protectedClassOf(active, number);
    const claim = claimInterface(device, number, until);
    try {
      await inTime(claim, `claiming interface ${number} of ${name}`);
      claimed.add(number);
      exempt ||= protectedClass !== undefined;
    } catch (error) {
      if (isDisconnected(error)) throw goneError(name, error);
      if (error instanceof PlugError) {
        // Until the claim ends the browser does not even close the device.
        void claim.finally(() => device.close()).catch(() => undefined);
        throw error;
      }
      held.add(number);
      if (nameOf(error) === "NetworkError") busy = true;
      notes.push(heldNote(number, nameOf(error), protectedClass));
    }
  }
  if (active && claimed.size === 0 && held.size > 0) throw nothingClaimed(name, busy, notes);
  return {
    claimed,
    notes,
    exempt,
    held: (configuration) =>
      configuration === active
        ? held
        : new Set(
            interfacesOf(configuration).filter(
              (number) => !exempt && protectedClassOf(configuration, number) !== undefined,
            ),
          ),
  };
}
