/** The one file of the guest's side that says navigator.usb: what was granted to the page, what comes and goes. */

/** True if this browser has WebUSB at all. A page whose policy forbids it still has the object: getDevices() rejects then. */
export function hasWebUsb(): boolean {
  return usb() !== undefined;
}

function usb(): USB | undefined {
  return globalThis.navigator?.usb;
}

/** The devices that a person has granted to this page and that are plugged into their computer; in Node, all. */
export class GrantedDevices {
  #root: USB | undefined;
  #devices: readonly USBDevice[] = [];
  #reads = 0;
  #stop = new AbortController();
  /** Called after any change of the list, and perhaps without one. */
  onChange: ((devices: readonly USBDevice[]) => void) | undefined;
  /** Called when the page is seen again, with the list read anew: what happened while it was frozen was told to nobody. */
  onReturn: (() => void) | undefined;

  get list(): readonly USBDevice[] {
    return this.#devices;
  }

  /** Reads the list and follows it, of `root` instead of navigator.usb. Rejects with a SecurityError where the page may not use USB. */
  async start(root = usb()): Promise<void> {
    if (!root) return;
    this.#root = root;
    const { signal } = this.#stop;
    const connected = () => void this.refresh();
    const disconnected = ({ device }: USBConnectionEvent) => {
      this.#have(this.#devices.filter((each) => each !== device));
      void this.refresh();
    };
    root.addEventListener("connect", connected);
    root.addEventListener("disconnect", disconnected);
    signal.addEventListener("abort", () => {
      root.removeEventListener("connect", connected);
      root.removeEventListener("disconnect", disconnected);
    });
    this.#followPage(signal);
    await this.#read();
  }

  /** Follows nothing any more. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#root = undefined;
    this.#reads++;
  }

  /**
   * Asks the person for one more device. Needs a click, and uses it up. Undefined when they closed the browser's chooser
   * without a choice.
   */
  async request(): Promise<USBDevice | undefined> {
    const root = this.#root ?? usb();
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

  /** Reads the list again. Where that is forbidden meanwhile, it stays. */
  async refresh(): Promise<void> {
    await this.#read().catch(() => undefined);
  }

  #followPage(signal: AbortSignal): void {
    const { document } = globalThis;
    if (!document) return;
    const returned = async () => {
      if (document.visibilityState !== "visible") return;
      await this.refresh();
      this.onReturn?.();
    };
    document.addEventListener("visibilitychange", returned, { signal });
    globalThis.addEventListener("pageshow", returned, { signal });
  }

  /** Answers may overtake each other: only the last question's counts. */
  async #read(): Promise<void> {
    const read = ++this.#reads;
    const devices = (await this.#root?.getDevices()) ?? [];
    if (read !== this.#reads) return;
    this.#have(devices);
  }

  #have(devices: readonly USBDevice[]): void {
    this.#devices = devices;
    this.onChange?.(devices);
  }
}
