/** Hosts with an Ethernet adapter each, on one cable, and the parts of frames and NTBs. */
import { type Cable, Cables } from "../../../worker/device/ethernet/cable.ts";
import { createEthernet, DEFAULT_CABLE } from "../../../worker/device/ethernet/ethernet.ts";
import type { EthernetSource } from "../../../worker/protocol.ts";
import { bytes, Host, pattern } from "./harness.ts";

export const NOTIFICATION_IN = 0x81;
export const BULK_IN = 0x82;
export const BULK_OUT = 0x02;

export const MAC = "02:00:5e:00:53:01";
export const BROADCAST = "ff ff ff ff ff ff";

/** An adapter at the default cable of `cables`, configured, in the alternate that carries frames unless it is said. */
export async function plugEthernet(
  source: Omit<EthernetSource, "kind"> = {},
  cables = new Cables(),
  alternate = 1,
): Promise<Host> {
  const host = await Host.plug(createEthernet({ mac: MAC, speed: "high", ...source }, cables));
  host.configure();
  if (alternate > 0) select(host, alternate);
  return host;
}

/** SET_INTERFACE of the Data interface. */
export function select(host: Host, alternate: number): void {
  host.control({ bmRequestType: 0x01, bRequest: 11, wValue: alternate, wIndex: 1 });
}

/** Another station, which keeps what it hears. */
export function listener(cables: Cables, name = DEFAULT_CABLE) {
  const cable: Cable = cables.named(name);
  const frames: Uint8Array[] = [];
  /** Frames of each burst. */
  const bursts: number[] = [];
  const station = {
    frames,
    bursts,
    receive: (frame: Uint8Array) => frames.push(frame.slice()),
    flush: () => bursts.push(frames.length - bursts.reduce((sum, count) => sum + count, 0)),
    linkChanged: () => {},
    say(...sent: Uint8Array[]) {
      for (const each of sent) cable.send(station, each);
      cable.flush(station);
    },
    leave: () => cable.leave(station),
  };
  cable.join(station);
  return station;
}

/** A frame to this destination, with data that differ by `seed`. */
export function frame(length: number, seed = 1, destination: string = MAC): Uint8Array {
  const all = pattern(length, seed);
  all.set(bytes(destination.replaceAll(":", "")));
  return all;
}
