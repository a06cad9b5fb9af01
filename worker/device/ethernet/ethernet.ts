/** An Ethernet adapter at a cable. */
import { PlugError } from "../../plug-error.ts";
import type { EthernetSource } from "../../protocol.ts";
import { busEachWay } from "../bus.ts";
import { SoftwareDevice } from "../software-device.ts";
import type { Cables } from "./cable.ts";
import { type CdcClass, cdcModel, type EthernetSpeed } from "./cdc-model.ts";
import { Ecm } from "./ecm.ts";
import { formatMacAddress, parseMacAddress, randomMacAddress } from "./mac-address.ts";
import { Ncm } from "./ncm.ts";

/** The cable of adapters and programs that name none. */
export const DEFAULT_CABLE = "lan";
const CABLE_NAME_MAX = 64;

/** What an adapter of this speed of the bus says of its cable, in bits a second. */
const BIT_RATES: Record<EthernetSpeed, number> = { full: 10_000_000, high: 100_000_000, super: 1_000_000_000 };
const CLASSES: Record<CdcClass, typeof Ncm | typeof Ecm> = { ncm: Ncm, ecm: Ecm };

export function createEthernet(source: Omit<EthernetSource, "kind">, cables: Cables): SoftwareDevice {
  const { class: cdcClass = "ncm", speed = "super", mac, cable = DEFAULT_CABLE, rate } = source;
  if (!Object.hasOwn(CLASSES, cdcClass)) {
    throw new PlugError("UnsupportedError", `An Ethernet adapter is of class ncm or ecm, and not ${cdcClass}.`);
  }
  checkCableName(cable);
  const buses = busEachWay(rate && rate / 8);
  const address = mac === undefined ? randomMacAddress() : parseMacAddress(mac);
  const model = cdcModel(cdcClass, speed, address);
  const conduct = new CLASSES[cdcClass]({ cable: cables.named(cable), address, bitRate: rate ?? BIT_RATES[speed] });
  const origin = {
    kind: "ethernet",
    class: cdcClass,
    speed,
    mac: formatMacAddress(address),
    cable,
    ...(rate !== undefined && { rate }),
  } as const;
  return new SoftwareDevice(model, conduct, [], origin, buses);
}

/** Throws an UnsupportedError. */
export function checkCableName(name: unknown): void {
  if (typeof name === "string" && name.length > 0 && name.length <= CABLE_NAME_MAX) return;
  throw new PlugError("UnsupportedError", `A cable has a name of 1 to ${CABLE_NAME_MAX} characters.`);
}
