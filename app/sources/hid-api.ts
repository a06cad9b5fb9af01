/** WebHID, as far as it is used here (WICG WebHID §4 to §7). Chromium has it; its types are in no library. */

export interface Hid extends EventTarget {
  getDevices(): Promise<HidDevice[]>;
  /** One for each interface of the device that the person chose; none if the person chose nothing. */
  requestDevice(options: { readonly filters: readonly object[] }): Promise<HidDevice[]>;
}

export interface HidDevice extends EventTarget {
  readonly opened: boolean;
  readonly vendorId: number;
  readonly productId: number;
  readonly productName: string;
  readonly collections: readonly HidCollection[];
  open(): Promise<void>;
  close(): Promise<void>;
  forget(): Promise<void>;
  /** Without the report's id. */
  sendReport(reportId: number, data: BufferSource): Promise<void>;
  sendFeatureReport(reportId: number, data: BufferSource): Promise<void>;
  /** As the device sent it: with ids the first byte is the id. */
  receiveFeatureReport(reportId: number): Promise<DataView>;
}

export interface HidInputReportEvent extends Event {
  readonly reportId: number;
  /** Without the report's id. */
  readonly data: DataView;
}

/** "connect" and "disconnect". */
export interface HidConnectionEvent extends Event {
  readonly device: HidDevice;
}

export interface HidCollection {
  readonly usagePage?: number;
  readonly usage?: number;
  readonly type?: number;
  readonly children?: readonly HidCollection[];
  readonly inputReports?: readonly HidReport[];
  readonly outputReports?: readonly HidReport[];
  readonly featureReports?: readonly HidReport[];
}

export interface HidReport {
  readonly reportId?: number;
  readonly items?: readonly HidReportItem[];
}

/** Usages have their page in the upper 16 bits. */
export interface HidReportItem {
  readonly isAbsolute?: boolean;
  readonly isArray?: boolean;
  readonly isBufferedBytes?: boolean;
  readonly isConstant?: boolean;
  readonly isLinear?: boolean;
  readonly isRange?: boolean;
  readonly isVolatile?: boolean;
  readonly hasNull?: boolean;
  readonly hasPreferredState?: boolean;
  readonly wrap?: boolean;
  readonly usages?: readonly number[];
  readonly usageMinimum?: number;
  readonly usageMaximum?: number;
  readonly reportSize?: number;
  readonly reportCount?: number;
  readonly unitExponent?: number;
  readonly unitSystem?: string;
  readonly unitFactorLengthExponent?: number;
  readonly unitFactorMassExponent?: number;
  readonly unitFactorTimeExponent?: number;
  readonly unitFactorTemperatureExponent?: number;
  readonly unitFactorCurrentExponent?: number;
  readonly unitFactorLuminousIntensityExponent?: number;
  readonly logicalMinimum?: number;
  readonly logicalMaximum?: number;
  readonly physicalMinimum?: number;
  readonly physicalMaximum?: number;
}

/** Undefined in a browser that has none. */
export function browserHid(): Hid | undefined {
  return (globalThis.navigator as (Navigator & { readonly hid?: Hid }) | undefined)?.hid;
}
