/** The one file of the guest's side that says navigator.usb: what was granted to the page, what comes and goes. */

/** True if this browser has WebUSB at all. A page whose policy forbids it still has the object: getDevices() rejects then. */
export function hasWebUsb(): boolean {
  return usb() !== undefined;
}

function usb(): USB | undefined {
  return globalThis.navigator?.usb;
}

/** The devices that a person has granted to this page and that are plugged into their computer. */
export class GrantedDevices {
  #devices: readonly USBDevice[] = [];
  #reads = 0;
  /** Called after any change of the list. */
  onChange: ((devices: readonly USBDevice[]) => void) | undefined;

  get list(): readonly USBDevice[] {
    return this.#devices;
  }

  /** Reads the list and follows it. Rejects with a SecurityError where the page may not use USB. */
  async start(): Promise<void> {
    const root = usb();
    if (!root) return;
    const read = () => void this.#read().catch(() => undefined); // forbidden meanwhile: the list stays
    root.addEventListener("connect", read);
    root.addEventListener("disconnect", read);
    await this.#read();
  }

  /**
   * Asks the person for one more device. Needs a click, and uses it up. Undefined when they closed the browser's chooser
   * without a choice.
   */
  async request(): Promise<USBDevice | undefined> {
    const root = usb();
    if (!root) return undefined;
    try {
      const device = await root.requestDevice({ filters: [] });
      await this.#read();
      return device;
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotFoundError") return undefined;
      throw error;
    }
  }

  /** Gives the permission for a device back. */
  async forget(device: USBDevice): Promise<void> {
    await device.forget();
    await this.#read();
  }

  /** Answers may overtake each other: only the last question's counts. */
  async #read(): Promise<void> {
    const read = ++this.#reads;
    const devices = (await usb()?.getDevices()) ?? [];
    if (read !== this.#reads) return;
    this.#devices = devices;
    this.onChange?.(devices);
  }
}
