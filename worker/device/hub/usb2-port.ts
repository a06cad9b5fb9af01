/**
 * A downstream port of a USB 2.0 hub (USB 2.0 §11.5.1, figure 11-10):
 *
 *   powered-off ──power──▶ disconnected ──plug──▶ disabled ──reset──▶ enabled ◀──▶ suspended
 */
import { SPEED_HIGH, SPEED_LOW } from "../../../asm/layout.ts";
import {
  CHANGE_CONNECTION,
  CHANGE_RESET,
  DownstreamFacingPort,
  STATUS_CONNECTION,
  STATUS_ENABLE,
  STATUS_RESET,
} from "./downstream-port.ts";
import { C_PORT_ENABLE, C_PORT_SUSPEND, PORT_ENABLE, PORT_POWER, PORT_RESET, PORT_SUSPEND } from "./hub-class.ts";

const STATUS_SUSPEND = 1 << 2;
const STATUS_POWER = 1 << 8;
const STATUS_LOW_SPEED = 1 << 9;
const STATUS_HIGH_SPEED = 1 << 10;

const CHANGE_SUSPEND = 1 << (C_PORT_SUSPEND - 16);

export class Usb2Port extends DownstreamFacingPort {
  protected readonly disconnectedStatus = STATUS_POWER;

  get forwards(): boolean {
    return (this.status & (STATUS_ENABLE | STATUS_SUSPEND)) === STATUS_ENABLE;
  }

  protected get powered(): boolean {
    return (this.status & STATUS_POWER) !== 0;
  }

  protected get asleep(): boolean {
    return (this.status & STATUS_SUSPEND) !== 0;
  }

  setFeature(feature: number): boolean {
    switch (feature) {
      case PORT_POWER:
        this.powerOn();
        return true;
      case PORT_RESET:
        this.#reset();
        return true;
      case PORT_SUSPEND: // of a port that is enabled; otherwise a functional no-operation (§11.24.2.13)
        if (this.status & STATUS_ENABLE) this.status |= STATUS_SUSPEND;
        return true;
      default: // no PORT_TEST, no PORT_INDICATOR
        return false;
    }
  }

  clearFeature(feature: number): boolean {
    switch (feature) {
      case PORT_ENABLE:
        this.#disable();
        return true;
      case PORT_SUSPEND:
        if (this.asleep) this.resume();
        return true;
      case C_PORT_ENABLE: // no port error ever sets it (§11.24.2.7.2.2)
        return true;
      case C_PORT_SUSPEND:
        return this.acknowledge(CHANGE_SUSPEND);
      default:
        return this.clearCommonFeature(feature) ?? false;
    }
  }

  /** The pull-up tells low speed; high speed shows in the reset. */
  protected connected(): void {
    this.status = STATUS_POWER | STATUS_CONNECTION | (this.speed === SPEED_LOW ? STATUS_LOW_SPEED : 0);
    this.report(CHANGE_CONNECTION, "connect");
  }

  /** §11.5.1.10: at its end C_PORT_SUSPEND, whoever began it. */
  protected resume(): void {
    this.status &= ~STATUS_SUSPEND;
    this.report(CHANGE_SUSPEND, "other");
  }

  #reset(): void {
    if (!(this.status & STATUS_CONNECTION) || this.status & STATUS_RESET) return;
    this.status = (this.status & ~(STATUS_ENABLE | STATUS_SUSPEND | STATUS_HIGH_SPEED)) | STATUS_RESET;
    this.reset(() => {
      const high = this.speed === SPEED_HIGH ? STATUS_HIGH_SPEED : 0;
      this.status = (this.status & ~STATUS_RESET) | STATUS_ENABLE | high;
      this.report(CHANGE_RESET, "other");
    });
  }

  #disable(): void {
    if (!(this.status & STATUS_ENABLE)) return;
    this.status &= ~(STATUS_ENABLE | STATUS_SUSPEND | STATUS_HIGH_SPEED);
    this.quiesce();
  }
}
