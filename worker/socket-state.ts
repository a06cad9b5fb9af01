/** What a socket has: nothing, a device on its way in or out, or a device with its ports and the sockets behind it. */
import type { Device } from "./device.ts";
import type { Port } from "./port.ts";
import type { DeviceSource, PlugReport } from "./protocol.ts";
import type { Socket } from "./socket.ts";
import type { Tie } from "./tie.ts";

export interface Occupied {
  readonly name: "occupied";
  readonly device: Device;
  readonly source: DeviceSource;
  /** Names the device across saved states. */
  readonly id: string;
  readonly tie: Tie;
  readonly halves: readonly { readonly device: Device; readonly port: Port }[];
  /** Of a hub. */
  readonly sockets: readonly Socket[];
}

export type SocketState =
  | { readonly name: "empty" }
  | { readonly name: "opening" }
  | Occupied
  | { readonly name: "closing"; readonly closed: Promise<void> };

/** A device between two sockets, and what is plugged into it if it is a hub. */
export interface Taken extends Pick<Occupied, "device" | "source" | "id" | "tie"> {
  readonly behind: readonly { readonly number: number; readonly taken: Taken }[];
}

export function reportOf({ device, halves, sockets }: Occupied): PlugReport {
  return { plug: halves[0]?.port.plugs ?? 0, speed: device.speed, ports: sockets.length, ...device.identity };
}
