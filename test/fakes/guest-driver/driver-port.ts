/** A root hub port, as the driver has it (xHCI 1.2 §5.4.8). */
import type { MemoryWindow } from "../../../app/guest/machine.ts";

const CONNECTED = 1 << 0;
const ENABLED = 1 << 1;
const RESET = 1 << 4;
const LINK_STATE_SHIFT = 5;
const POWER = 1 << 9;
const SPEED_SHIFT = 10;
const STROBE = 1 << 16;
const CHANGES = 0x7f << 17;
const WARM_RESET = 0x80000000;
/** The bits that a driver writes back as they are, so that nothing happens by accident. */
const NEUTRAL = POWER | (3 << 14) | (7 << 25);

export class DriverPort {
  readonly id: number;
  readonly #bar: MemoryWindow;
  readonly #base: number;
  readonly #settle: () => void;

  constructor(id: number, bar: MemoryWindow, base: number, settle: () => void) {
    this.id = id;
    this.#bar = bar;
    this.#base = base;
    this.#settle = settle;
  }

  get portsc(): number {
    return this.#bar.read(this.#base, 4);
  }
  get powered(): boolean {
    return (this.portsc & POWER) !== 0;
  }
  get connected(): boolean {
    return (this.portsc & CONNECTED) !== 0;
  }
  get enabled(): boolean {
    return (this.portsc & ENABLED) !== 0;
  }
  get resetting(): boolean {
    return (this.portsc & RESET) !== 0;
  }
  get linkState(): number {
    return (this.portsc >>> LINK_STATE_SHIFT) & 0xf;
  }
  get speed(): number {
    return (this.portsc >>> SPEED_SHIFT) & 0xf;
  }
  /** The change bits, as they stand in the register. */
  get changes(): number {
    return this.portsc & CHANGES;
  }

  clearChanges(bits = CHANGES): void {
    this.write(bits);
  }

  startReset(warm = false): void {
    this.write(warm ? WARM_RESET : RESET);
  }

  /** A reset that a hub driver is content with. */
  reset(): void {
    this.startReset();
    if (this.resetting) throw new Error(`Port ${this.id} does not come back from its reset.`);
    if (!this.enabled) throw new Error(`Port ${this.id} is not enabled after its reset.`);
    this.clearChanges();
  }

  disable(): void {
    this.write(ENABLED);
  }

  setPower(on: boolean): void {
    this.#write(on ? this.#neutral : this.#neutral & ~POWER, on ? POWER : 0);
  }

  setLinkState(state: number): void {
    this.write((STROBE | (state << LINK_STATE_SHIFT)) >>> 0);
  }

  write(bits: number): void {
    this.#write(this.#neutral, bits);
  }

  /** PORTPMSC, whose meaning is the protocol's. */
  get powerManagement(): number {
    return this.#bar.read(this.#base + 4, 4);
  }
  set powerManagement(value: number) {
    this.#bar.write(this.#base + 4, 4, value);
  }

  get #neutral(): number {
    return this.portsc & NEUTRAL;
  }

  #write(neutral: number, bits: number): void {
    this.#bar.write(this.#base, 4, (neutral | bits) >>> 0);
    this.#settle();
  }
}
