/** A HID device of the computer, by WebHID, as one of the guest. */
import type { DeviceOutput, HidRequest, HidSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction, FeedPlace } from "./feed.ts";
import { followOutput } from "./follow-output.ts";
import type { Hid, HidConnectionEvent, HidDevice, HidInputReportEvent } from "./hid-api.ts";
import { rebuildReportDescriptor } from "./report-descriptor.ts";
import { tell } from "./tell.ts";

/** Input reports on their way to the device; a report more is dropped. */
const UNDER_WAY_MAX = 64;

/** Opens the device. Rejects with a sentence. */
export async function openWebHid(hid: Hid, device: HidDevice): Promise<WebHidFeed> {
  const { collections, vendorId, productId, productName } = device;
  if (collections.length === 0) {
    throw new Error(
      "The browser keeps all of this device to itself: it is a keyboard, a mouse or a security key. Plug “Keyboard” or “Mouse” instead.",
    );
  }
  const reportDescriptor = rebuildReportDescriptor(collections);
  try {
    if (!device.opened) await device.open();
  } catch (cause) {
    throw new Error(
      "The browser cannot open this device; another program, or the system, may have it. Close that program, or on Linux let yourself use the device (udev), then plug again.",
      { cause },
    );
  }
  return new WebHidFeed(hid, device, { kind: "hid", vendorId, productId, product: productName, reportDescriptor });
}

export class WebHidFeed implements Feed {
  readonly source: HidSource;
  readonly actions: readonly FeedAction[] = [];
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  readonly #hid: Hid;
  readonly #device: HidDevice;
  #port: UsbPort | undefined;
  #endOutput: (() => void) | undefined;
  #underWay = 0;

  constructor(hid: Hid, device: HidDevice, source: HidSource) {
    this.#hid = hid;
    this.#device = device;
    this.source = source;
    hid.addEventListener("disconnect", this.#disconnected);
    device.addEventListener("inputreport", this.#reported);
  }

  plugged(port: UsbPort, _: FeedPlace): void {
    this.#endOutput?.();
    this.#port = port;
    this.#endOutput = followOutput(port, (output) => this.#serve(port, output));
  }

  async close(): Promise<void> {
    this.#hid.removeEventListener("disconnect", this.#disconnected);
    this.#device.removeEventListener("inputreport", this.#reported);
    this.#endOutput?.();
    this.#port = undefined;
    await this.#device.close().catch(() => undefined);
  }

  #disconnected = (event: Event): void => {
    if ((event as HidConnectionEvent).device === this.#device)
      this.onEnd?.("the device was pulled out of the computer");
  };

  #reported = async (event: Event): Promise<void> => {
    const { reportId, data } = event as HidInputReportEvent;
    if (this.#underWay === UNDER_WAY_MAX) return;
    this.#underWay++;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    await tell(this.#port, { type: "hid-report", id: reportId, bytes });
    this.#underWay--;
  };

  /** One after another, as the guest has sent them. */
  async #serve(port: UsbPort, output: DeviceOutput): Promise<void> {
    if (output.type !== "hid") return;
    for (const request of output.requests) {
      const bytes = await this.#do(request).catch(() => undefined);
      if (request.answer !== undefined) {
        await tell(port, { type: "hid-answer", answer: request.answer, ...(bytes && { bytes }) });
      }
    }
  }

  /** What came of it; rejects when the device or the browser refuses. */
  async #do(request: HidRequest): Promise<Uint8Array> {
    if (request.is === "receive") {
      const { buffer, byteOffset, byteLength } = await this.#device.receiveFeatureReport(request.id);
      return new Uint8Array(buffer, byteOffset, byteLength).slice();
    }
    const bytes = Uint8Array.from(request.bytes);
    if (request.report === "output") await this.#device.sendReport(request.id, bytes);
    else await this.#device.sendFeatureReport(request.id, bytes);
    return new Uint8Array(0);
  }
}
