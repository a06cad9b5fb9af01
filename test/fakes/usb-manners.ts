/** What differs between the systems below a browser, as Chromium's sources and reports of others tell it. */
export interface FakeManners {
  readonly canReset: boolean;
  readonly canSelectConfiguration: boolean;
  readonly hasIsochronous: boolean;
  /** A stall is a NetworkError, like any other failure. */
  readonly stallIsNetworkError: boolean;
  /** clearHalt() cancels every transfer of the endpoint's interface. */
  readonly clearHaltCancelsInterface: boolean;
  /** selectConfiguration() cancels everything and releases all claims, instead of failing while there is one. */
  readonly configurationReleasesClaims: boolean;
  /** releaseInterface() ends the transfers of the interface. */
  readonly releaseEndsTransfers: boolean;
  /** After reset(), interfaces cannot be released until the device is closed. */
  readonly releaseFailsAfterReset: boolean;
  /** Until it is opened for the first time, which asks the person, its serial number is not told. bcdUSB never is. */
  readonly hidesUntilOpened: boolean;
}

export type System = "linux" | "windows" | "mac" | "android";

const LINUX: FakeManners = {
  canReset: true,
  canSelectConfiguration: true,
  hasIsochronous: true,
  stallIsNetworkError: false,
  clearHaltCancelsInterface: false,
  configurationReleasesClaims: false,
  releaseEndsTransfers: true,
  releaseFailsAfterReset: true,
  hidesUntilOpened: false,
};

export const MANNERS: Readonly<Record<System, FakeManners>> = {
  linux: LINUX,
  android: { ...LINUX, hidesUntilOpened: true },
  mac: {
    ...LINUX,
    clearHaltCancelsInterface: true,
    configurationReleasesClaims: true,
    releaseFailsAfterReset: false,
  },
  windows: {
    ...LINUX,
    canReset: false,
    canSelectConfiguration: false,
    hasIsochronous: false,
    stallIsNetworkError: true,
    releaseEndsTransfers: false,
    releaseFailsAfterReset: false,
  },
};
