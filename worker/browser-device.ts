/**
 * An opened USBDevice as the browser has it: what is claimed, which alternates are selected, and the calls that change it.
 * Chromium refuses a state change while another is under way, and control transfers too: they take turns. Each is given
 * some time, and a device whose change does not end is given up, because the browser does nothing for it from then on.
 */
import { claimInterface, claimsUntil } from "./claim-interface.ts";
import { inTime } from "./in-time.ts";
import { PlugError } from "./plug-error.ts";
import { isDisconnected, nameOf } from "./transfer-status.ts";
import type { Ability, UsbManners } from "./usb-manners.ts";

const NONE: ReadonlySet<number> = new Set();

export class BrowserDevice {
  readonly usb: USBDevice;
  /** The interfaces of the active configuration that are claimed. */
  readonly claimed: Set<number>;
  readonly #name: string;
  readonly #manners: UsbManners;
  readonly #stuck: (reason: string) => void;
  /** The alternate selected for each interface, where it is not 0. */
  readonly #alternates = new Map<number, number>();
  #turn: Promise<unknown> = Promise.resolve();
  /** The device is being made as it was, after a close(). */
  #renewal: Promise<void> | undefined;
  #isClosing = false;

  /** `stuck` hears of a change that does not end. */
  constructor(
    usb: USBDevice,
    name: string,
    claimed: ReadonlySet<number>,
    manners: UsbManners,
    stuck: (reason: string) => void,
  ) {
    this.usb = usb;
    this.claimed = new Set(claimed);
    this.#name = name;
    this.#manners = manners;
    this.#stuck = stuck;
  }

  /** bConfigurationValue of the active configuration; 0 is none. */
  get configuration(): number {
    return this.usb.configuration?.configurationValue ?? 0;
  }

  alternateOf(interfaceNumber: number): number {
    return this.#alternates.get(interfaceNumber) ?? 0;
  }

  /** Does a transfer, now or as soon as the device is open again. */
  transfer<T>(call: () => Promise<T>): Promise<T> {
    return this.#renewal ? this.#renewal.then(call) : call();
  }

  /** All calls below are for the inside of a turn, but for close(). */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch((error: unknown) => {
      if (error instanceof PlugError) this.#stuck(error.message);
    });
    return result;
  }

  /** Claims what can be claimed of `interfaces`. Those of `mine` were claimed before a close(): they may take a while. */
  async claim(interfaces: readonly number[], mine: ReadonlySet<number> = NONE): Promise<void> {
    const until = claimsUntil();
    for (const number of interfaces) {
      const claim = () => claimInterface(this.usb, number, mine.has(number) ? until : 0);
      if (await this.#does(claim, "claiming an interface of")) this.claimed.add(number);
    }
  }

  /** Releases everything and selects another configuration. False when the browser cannot, as on Windows. */
  async selectConfiguration(value: number): Promise<boolean> {
    this.#alternates.clear();
    for (const number of [...this.claimed]) {
      // After a reset Chromium cannot release what it says is claimed; closing releases everything.
      if (!(await this.#does(() => this.usb.releaseInterface(number), "releasing an interface of"))) {
        await this.#reopen();
        break;
      }
    }
    this.claimed.clear();
    return this.#can("canSelectConfiguration", () => this.usb.selectConfiguration(value), "configuring");
  }

  /** WebUSB selectAlternateInterface(). */
  async selectAlternate(interfaceNumber: number, alternate: number): Promise<void> {
    const select = () => this.usb.selectAlternateInterface(interfaceNumber, alternate);
    await this.#step(select, "selecting an alternate setting of");
    if (alternate === 0) this.#alternates.delete(interfaceNumber);
    else this.#alternates.set(interfaceNumber, alternate);
  }

  /** Back to alternate 0 wherever another is selected. `selected` is told of each interface. */
  async selectFirstAlternates(selected: (interfaceNumber: number) => void): Promise<void> {
    for (const number of [...this.#alternates.keys()]) {
      if (await this.#does(() => this.selectAlternate(number, 0), "selecting an alternate setting of"))
        selected(number);
    }
  }

  /** WebUSB clearHalt(). */
  async clearHalt(endpointAddress: number): Promise<void> {
    const direction = endpointAddress & 0x80 ? "in" : "out";
    await this.#step(() => this.usb.clearHalt(direction, endpointAddress & 0x0f), "clearing a halt of");
  }

  /**
   * A port reset, as near to one as the browser comes: nothing is in flight any more, what can be claimed is claimed, and
   * alternates are 0. Closing is the one call that ends transfers everywhere; and after reset() what the browser says is
   * claimed need not be. False when the browser cannot reset: halts are still there.
   */
  async reset(interfaces: readonly number[]): Promise<boolean> {
    const { configuration } = this;
    const isReset = await this.#can("canReset", () => this.usb.reset(), "resetting");
    await this.#reopen();
    await this.#configure(configuration, interfaces);
    for (const number of this.#alternates.keys()) {
      if (this.claimed.has(number)) await this.#does(() => this.usb.selectAlternateInterface(number, 0), "resetting");
    }
    this.#alternates.clear();
    return isReset;
  }

  /**
   * Ends everything in flight without the device's help, which may not answer. The device is closed and opened, and set to
   * what it was set to; transfers that are begun meanwhile wait. False when it could not be set to all of that. Rejects when
   * there is no device any more, and leaves it to the unplug to answer them.
   */
  async renew(): Promise<boolean> {
    let begin: () => void = () => undefined;
    this.#renewal = new Promise((resolve) => {
      begin = resolve;
    });
    const isWhole = await this.#renew();
    this.#renewal = undefined;
    begin();
    return isWhole;
  }

  async #renew(): Promise<boolean> {
    const { configuration } = this;
    const interfaces = [...this.claimed];
    const alternates = [...this.#alternates];
    await this.#reopen();
    await this.#configure(configuration, interfaces);
    let isWhole = this.configuration === configuration && interfaces.every((number) => this.claimed.has(number));
    this.#alternates.clear();
    for (const [number, alternate] of alternates) {
      const select = () => this.selectAlternate(number, alternate);
      if (!this.claimed.has(number) || !(await this.#does(select, "selecting an alternate setting of")))
        isWhole = false;
    }
    return isWhole;
  }

  /** Whatever is under way comes to its end first, but no further step of it is begun. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.inTurn(() => inTime(this.usb.close(), `closing ${this.#name}`));
  }

  async #reopen(): Promise<void> {
    await this.#step(() => this.usb.close(), "closing");
    await this.#step(() => this.usb.open(), "opening");
  }

  /** After an open(): the configuration of before, and the claims. */
  async #configure(configuration: number, interfaces: readonly number[]): Promise<void> {
    if (configuration !== 0 && this.configuration !== configuration) {
      await this.#does(() => this.usb.selectConfiguration(configuration), "configuring");
    }
    const mine = new Set(this.claimed);
    this.claimed.clear();
    await this.claim(interfaces, mine);
  }

  /** Does what some systems cannot, and learns whether this one can. */
  async #can(ability: Ability, call: () => Promise<unknown>, doing: string): Promise<boolean> {
    try {
      await this.#step(call, doing);
      this.#manners.worked(ability);
      return true;
    } catch (error) {
      if (isFatal(error)) throw error;
      if (nameOf(error) === "NetworkError") this.#manners.failed(ability);
      return false;
    }
  }

  /** Whether it worked. Rejects when the device is gone or stuck. */
  async #does(call: () => Promise<unknown>, doing: string): Promise<boolean> {
    try {
      await this.#step(call, doing);
      return true;
    } catch (error) {
      if (isFatal(error)) throw error;
      return false;
    }
  }

  async #step<T>(call: () => Promise<T>, doing: string): Promise<T> {
    if (this.#isClosing) throw new DOMException("The device is being closed.", "AbortError");
    return inTime(call(), `${doing} ${this.#name}`);
  }
}

function isFatal(error: unknown): boolean {
  return isDisconnected(error) || error instanceof PlugError;
}
