/**
 * What a rejected transfer means to the guest. Most rejections say it themselves (transfer-status.ts). A NetworkError does
 * not: it is noise on the wire; or a stall, where the system has no word for it (Windows); or the device has been pulled out
 * and the browser's event is still to come. An AbortError is the last of these, or a cancel that nobody asked for, and never
 * a stall. So the device is asked for its status (USB 2.0 §9.4.5):
 *
 *   asked                 answer                          the transfer's status
 *   GET_STATUS(endpoint)  halted                          STALL
 *                         not halted                      TRANSACTION_ERROR
 *                         refused: ask the device itself
 *   GET_STATUS(device)    any, for endpoint 0             STALL, unless this system has said "stall" before: a request that is
 *                                                         refused leaves endpoint 0 ready for the next (USB 2.0 §8.5.3.4)
 *                         any, for another endpoint       the same: it does not say whether it is halted
 *                         none                            TRANSACTION_ERROR, but no sooner than GONE_WITHIN
 *
 * The transfer is not answered before that is known, and if the device turns out to be gone, its port drops and answers it.
 */
import { STATUS_NO_DEVICE, STATUS_STALL, STATUS_TRANSACTION_ERROR } from "../asm/layout.ts";
import { isAborted, isDisconnected, nameOf, rejectionStatus } from "./transfer-status.ts";
import type { UsbManners } from "./usb-manners.ts";

/** ms after a failure in which the browser says that the device is gone, if it is. */
export const GONE_WITHIN = 100;

const GET_STATUS = 0;

type Finding = "halted" | "running" | "refused" | "silent";

export class Failures {
  readonly #usb: USBDevice;
  readonly #manners: UsbManners;
  readonly #gone: () => void;
  /** By bEndpointAddress: transfers that fail together fail for one reason. */
  readonly #open = new Map<number, Promise<number>>();
  readonly #waits = new Set<() => void>();

  constructor(usb: USBDevice, manners: UsbManners, gone: () => void) {
    this.#usb = usb;
    this.#manners = manners;
    this.#gone = gone;
  }

  /** The STATUS_… of a rejected transfer. Never rejects. */
  async statusOf(error: unknown, endpoint: number): Promise<number> {
    if (isDisconnected(error)) {
      this.#gone();
      return STATUS_NO_DEVICE;
    }
    if (isAborted(error)) {
      await this.#found(endpoint);
      return STATUS_TRANSACTION_ERROR;
    }
    return nameOf(error) === "NetworkError" ? this.#found(endpoint) : rejectionStatus(error);
  }

  /** The device is no more: what is still asked needs no answer. */
  close(): void {
    for (const end of this.#waits) end();
  }

  #found(endpoint: number): Promise<number> {
    const open = this.#open.get(endpoint);
    if (open) return open;
    const found = this.#find(endpoint);
    this.#open.set(endpoint, found);
    void found.then(() => this.#open.delete(endpoint));
    return found;
  }

  async #find(endpoint: number): Promise<number> {
    let end: () => void = () => undefined;
    const late = new Promise<"silent">((resolve) => {
      end = () => resolve("silent");
    });
    const timer = setTimeout(end, GONE_WITHIN);
    this.#waits.add(end);
    let finding = endpoint === 0 ? "refused" : await Promise.race([this.#ask("endpoint", endpoint), late]);
    if (finding === "refused") finding = await Promise.race([this.#ask("device", 0), late]);
    if (finding === "silent") await late;
    clearTimeout(timer);
    this.#waits.delete(end);
    if (finding === "halted") this.#manners.stallFound();
    if (finding === "halted") return STATUS_STALL;
    if (finding === "refused" && this.#manners.stallIsNetworkError !== false) return STATUS_STALL;
    return STATUS_TRANSACTION_ERROR;
  }

  /** "refused" is also what a device says of itself that answers at all. */
  async #ask(recipient: "endpoint" | "device", index: number): Promise<Finding> {
    try {
      const setup = { requestType: "standard", recipient, request: GET_STATUS, value: 0, index } as const;
      const { status, data } = await this.#usb.controlTransferIn(setup, 2);
      if (status === "stall") this.#manners.stallSaid();
      if (status !== "ok" || recipient === "device" || !data?.byteLength) return "refused";
      return data.getUint8(0) & 1 ? "halted" : "running";
    } catch (error) {
      if (isDisconnected(error)) this.#gone();
      return recipient === "endpoint" ? "refused" : "silent";
    }
  }
}
