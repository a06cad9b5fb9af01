/** An Ethernet adapter whose cable leads to the network of the guest's own machine: v86's fetch, wisp or relay. */
import type { EthernetSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed } from "./feed.ts";

let cables = 0;

export class EthernetFeed implements Feed {
  /** A cable of its own: v86's network gives each that asks the same address. */
  readonly source: EthernetSource = { kind: "ethernet", cable: `network-${++cables}` };
  readonly actions = [];
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  #joined: Promise<(() => void) | undefined> = Promise.resolve(undefined);

  plugged(port: UsbPort): void {
    const before = this.#joined;
    this.#joined = (async () => {
      (await before)?.();
      try {
        return await port.controller.joinNetwork(this.source.cable ?? "");
      } catch (error) {
        this.onEnd?.((error as Error).message);
        return undefined;
      }
    })();
  }

  /** The guest is about to be gone, and its network with it. */
  async leaving(): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    const joined = this.#joined;
    this.#joined = Promise.resolve(undefined);
    (await joined)?.();
  }
}
