/** What the browser offers, such as a camera or a keyboard's keys, as a device that can be plugged. */
import type { DeviceSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";

/** Where a feed's device is. */
export interface FeedPlace {
  /** What the guest draws its screen in, if it is on the page. */
  readonly screen: HTMLElement | undefined;
  /** Brings that into sight. */
  show?(): void;
  /** Says something to the person, and to a screen reader. */
  say?(text: string): void;
}

/** A button beside the device. */
export interface FeedAction {
  readonly id: string;
  readonly label: string;
  /** More about it, for who points at it or hears it. */
  readonly title: string;
  /** For what goes on until it is pressed again. */
  readonly pressed?: boolean;
  run(): Promise<void> | void;
}

/** Connects something of the browser with a software device, for as long as that is plugged. */
export interface Feed {
  /** What the device is made from, at each plug. */
  readonly source: DeviceSource;
  /** The device is in this port now: after its plug, after each move, and when its worker was replaced. */
  plugged(port: UsbPort, place: FeedPlace): void;
  /** The device is about to be unplugged by a person, or its guest to be stopped: what it holds can still be read. */
  leaving?(): Promise<void> | void;
  /** The device is unplugged, or was never plugged: what the browser gave is given back. */
  close(): Promise<void> | void;
  /** Called by the feed when the browser's side has ended, with a sentence: then the device is unplugged. */
  onEnd: ((reason: string) => void) | undefined;
  /** Called by the feed when `actions` or `view` are others than before. */
  onChange: (() => void) | undefined;
  readonly actions: readonly FeedAction[];
  /** Shown beside the device: a preview, a terminal. */
  readonly view?: HTMLElement | undefined;
}
