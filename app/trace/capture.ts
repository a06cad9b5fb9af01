/** What a host's controllers and their devices say to each other, as a pcapng file that Wireshark and tshark read. */
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../asm/layout.ts";
import { portName } from "./lines.ts";
import { enhancedPacket, interfaceDescription, sectionHeader } from "./pcapng.ts";
import type { TraceListeners } from "./trace.ts";
import type { UrbTrace } from "./urb-trace.ts";
import { LINKTYPE_USB_LINUX_MMAPPED, PACKET_MAX, usbmonPacket } from "./usbmon.ts";

const SPEED_WORDS: Readonly<Record<number, string>> = {
  [SPEED_LOW]: ", low speed",
  [SPEED_FULL]: ", full speed",
  [SPEED_HIGH]: ", high speed",
  [SPEED_SUPER]: ", super speed",
};

/** What a capture uses of a controller. */
export interface Captured {
  /** The bus number in the capture. */
  readonly id: number;
  readonly ports: { readonly length: number };
  trace(listeners: TraceListeners): () => void;
}

export class Capture {
  readonly #write: (block: Uint8Array<ArrayBuffer>) => void;
  readonly #stops: (() => void)[] = [];

  /** Calls `write` with the file's bytes, block by block, in the midst of the controller's work: it must not throw. */
  constructor(write: (block: Uint8Array<ArrayBuffer>) => void) {
    this.#write = write;
    write(sectionHeader("pvusb"));
  }

  /** Takes what the controller's ports carry from now on. */
  add(controller: Captured): void {
    const bus = controller.id;
    const description = {
      linkType: LINKTYPE_USB_LINUX_MMAPPED,
      longest: PACKET_MAX,
      name: `pvusb${bus}`,
      description: `virtual USB controller ${bus} with ${controller.ports.length} ports`,
    };
    this.#write(interfaceDescription(description));
    const number = this.#stops.length;
    /** By USB address: whose it was when it was last said. */
    const said: (string | undefined)[] = [];
    const urbs = (trace: UrbTrace) => {
      const { address, plug, port, route, speed, time } = trace;
      const device = `${portName(port, route)}, plug ${plug}${SPEED_WORDS[speed] ?? ""}`;
      const comment = said[address] === device ? undefined : `Device ${bus}.${address} is in ${device}`;
      said[address] = device;
      this.#write(enhancedPacket({ interface: number, time, ...usbmonPacket(trace, bus), comment }));
    };
    this.#stops.push(controller.trace({ urbs }));
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}
