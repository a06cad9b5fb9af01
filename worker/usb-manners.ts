/**
 * What browsers and the systems below them do differently with USB. It is learned from what happens, over all devices, and
 * never from the browser's name, but for one thing that would be learned too late: undefined until something has shown it.
 *
 *   canReset                a reset() worked; or one failed, and the device answered afterwards
 *   canSelectConfiguration  a selectConfiguration() worked; or one failed, with nothing claimed and the device there
 *   hasIsochronous          an isochronous transfer worked; or an endpoint's first ones all failed
 *   stallIsNetworkError     an endpoint was found halted after a NetworkError; or a control transfer said "stall"
 *
 * One that worked settles the matter; failures count only as long as nothing worked, because they may be the device's. So
 * nothing is left untried for what is written here: it decides what a NetworkError of endpoint 0 means (failures.ts), and
 * what the person is told at a plug.
 */
export type Ability = "canReset" | "canSelectConfiguration" | "hasIsochronous";

/** What a person is told of what a system cannot do. */
const LIMITS: Readonly<Record<Ability, string>> = {
  canReset:
    "This browser cannot reset a device here (on Windows none can): a device that hangs must be pulled out and connected again.",
  canSelectConfiguration:
    "This browser cannot change a device's configuration here: the guest has the one that the computer chose.",
  hasIsochronous:
    "This browser has no isochronous transfers here (on Windows none has): no sound or picture comes from such an endpoint. Use a computer with Linux, macOS or ChromeOS.",
};

/** Chromium's way to usbfs: Linux, ChromeOS, Android. Nothing here says navigator elsewhere than in a browser. */
const USBFS = /Linux|CrOS|Android/;

/**
 * The one thing that cannot be learned from what happens: Chromium over usbfs ends, as a whole, when an isochronous transfer is
 * done (seen with 156 on Linux: test/usbfs/README.md).
 */
export function isochronousKills(
  { userAgent = "" }: { readonly userAgent?: string } = globalThis.navigator ?? {},
): boolean {
  return USBFS.test(userAgent) && /Chrom/.test(userAgent);
}

const KILLS =
  "Its isochronous endpoints are not used: Chromium on Linux, ChromeOS and Android would end, with all its windows, at their first transfer. Use a computer with macOS for its sound or picture.";

export class UsbManners {
  /** Isochronous transfers must not be tried. */
  readonly isochronousKills: boolean;
  readonly #abilities = new Map<Ability, boolean>();
  #stallIsNetworkError: boolean | undefined;

  constructor(kills = isochronousKills()) {
    this.isochronousKills = kills;
  }

  has(ability: Ability): boolean | undefined {
    return this.#abilities.get(ability);
  }

  worked(ability: Ability): void {
    this.#abilities.set(ability, true);
  }

  failed(ability: Ability): void {
    if (!this.#abilities.has(ability)) this.#abilities.set(ability, false);
  }

  get stallIsNetworkError(): boolean | undefined {
    return this.#stallIsNetworkError;
  }

  /** A control transfer's status was "stall". */
  stallSaid(): void {
    this.#stallIsNetworkError = false;
  }

  /** A NetworkError was a stall. */
  stallFound(): void {
    this.#stallIsNetworkError ??= true;
  }

  /** Sentences for the person, about a device that has isochronous endpoints or has none. */
  notes(hasIsochronous: boolean): string[] {
    const limits = [...this.#abilities].flatMap(([ability, works]) => (works ? [] : [LIMITS[ability]]));
    return hasIsochronous && this.isochronousKills ? [...limits, KILLS] : limits;
  }
}
