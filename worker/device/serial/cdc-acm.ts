/**
 * A CDC-ACM adapter between its endpoints and a serial line.
 *
 *   bulk OUT ──▶ line            a transfer waits while there is no room at the other end, and during a break
 *   bulk IN  ◀── line            what there is, as soon as there is something
 *   interrupt IN ◀── SERIAL_STATE  of DCD, DSR and RI when they change; a break once
 *
 * The class knows no handshake. No byte is lost all the same: a host is held back by the transfers that wait, and the far end by
 * the `input` that is not over.
 */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { DeviceInput, DeviceOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { SERIAL_STATE_LENGTH, serialState } from "../cdc/notification.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { Inflow } from "../inflow.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import { BULK_IN, BULK_OUT, CONTROL_INTERFACE, NOTIFICATION_IN } from "./cdc-acm-model.ts";
import * as acm from "./cdc-acm-requests.ts";
import { MODEM_DCD, MODEM_DSR, MODEM_RI, type SerialLine } from "./serial-line.ts";

/** Moved at a time. */
const CHUNK_SIZE = 512;

export class CdcAcm implements DeviceFunction {
  readonly #line: SerialLine;
  readonly #inflow = new Inflow();
  readonly #chunk = new Uint8Array(CHUNK_SIZE);
  readonly #coding = new Uint8Array(acm.LINE_CODING_LENGTH);
  /** Here when it is configured. */
  #notification: Endpoint | undefined;
  #in: Endpoint | undefined;
  #out: Endpoint | undefined;
  /** Bytes sent of the OUT transfer that waits. */
  #sent = 0;
  /** STATE_… that the host has been told. */
  #told = 0;
  /** A break, of which it has not. */
  #owesBreak = false;
  /** Runs during a break of so many ms. */
  #breakTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(line: SerialLine) {
    this.#line = line;
  }

  start(active: ActiveConfiguration): void {
    this.stop();
    this.#join(active);
  }

  stop(): void {
    this.#join(undefined);
    this.#sent = 0;
    this.#told = 0;
    this.#owesBreak = false;
    this.#line.reset();
  }

  control(request: Request): boolean {
    const answered = request.wIndex === CONTROL_INTERFACE && this.#in !== undefined && this.#answer(request);
    this.#advance();
    return answered;
  }

  ready(): void {
    this.#advance();
  }

  withdrawn(endpoint: Endpoint): void {
    if (endpoint === this.#out) this.#sent = 0;
    this.#advance();
  }

  input(message: unknown): Promise<void> | void {
    const input = message as DeviceInput | undefined;
    if (typeof input !== "object" || input === null) return;
    let taken: Promise<void> | undefined;
    if (input.type !== "serial") this.#line.input(input);
    else if (input.bytes instanceof Uint8Array && !this.#line.isLoopback) taken = this.#inflow.add(input.bytes);
    this.#advance();
    return taken;
  }

  output(): DeviceOutput {
    const output = this.#line.output();
    this.#advance(); // there is room again
    return output;
  }

  /** Bytes sent of a transfer that waits stay sent, as with an FT232R. A break of so many ms is over. */
  save(): unknown {
    return {
      line: this.#line.save(),
      sent: this.#sent,
      told: this.#told,
      owesBreak: this.#owesBreak,
      timedBreak: this.#breakTimer !== undefined,
    };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the serial adapter");
    const becomeLine = this.#line.read(saved.record("line"));
    const sent = saved.integer("sent");
    const told = saved.integer("told", 0xff);
    const owesBreak = saved.flag("owesBreak");
    const timedBreak = saved.flag("timedBreak");
    becomeLine();
    this.#join(active);
    this.#sent = sent;
    this.#told = told;
    this.#owesBreak = owesBreak;
    if (timedBreak) this.#line.setBreak(false);
  }

  close(): void {
    this.#inflow.drop();
  }

  #join(active: ActiveConfiguration | undefined): void {
    this.#stopTimer();
    this.#notification = active?.endpoint(NOTIFICATION_IN);
    this.#in = active?.endpoint(BULK_IN);
    this.#out = active?.endpoint(BULK_OUT);
    this.#line.receives = active !== undefined;
  }

  #answer(request: Request): boolean {
    const { wValue, length } = request;
    const line = this.#line;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case acm.SET_LINE_CODING: {
        if (length !== acm.LINE_CODING_LENGTH) return false;
        request.read(this.#coding);
        const settings = acm.lineCodingOf(this.#coding);
        if (!settings) return false;
        line.settings = settings;
        return answerOut(request);
      }
      case acm.GET_LINE_CODING:
        acm.putLineCoding(this.#coding, line.settings);
        return answerIn(request, this.#coding);
      case acm.SET_CONTROL_LINE_STATE:
        if (length !== 0) return false;
        line.setOutputs((wValue & acm.CONTROL_DTR) !== 0, (wValue & acm.CONTROL_RTS) !== 0);
        return answerOut(request);
      case acm.SEND_BREAK:
        if (length !== 0) return false;
        this.#sendBreak(wValue);
        return answerOut(request);
      default:
        return false;
    }
  }

  /** PSTN 1.2 §6.3.13. */
  #sendBreak(duration: number): void {
    this.#stopTimer();
    this.#line.setBreak(duration !== 0);
    if (duration === 0 || duration === acm.BREAK_ON) return;
    this.#breakTimer = setTimeout(() => {
      this.#breakTimer = undefined;
      this.#line.setBreak(false);
      this.#advance();
    }, duration);
    (this.#breakTimer as { unref?(): void }).unref?.();
  }

  #stopTimer(): void {
    clearTimeout(this.#breakTimer);
    this.#breakTimer = undefined;
  }

  readonly #accept = (bytes: Uint8Array, at: number): number => this.#line.accept(bytes, at);

  #advance(): void {
    do {
      this.#takeBreaks();
      this.#inflow.pour(this.#accept);
    } while (this.#send() || this.#give());
    this.#notify();
  }

  /** A break is told of by a notification, and is no byte. */
  #takeBreaks(): void {
    while (this.#line.atBreak) {
      this.#line.take(this.#chunk, 0, 1);
      this.#owesBreak = true;
    }
  }

  /** Sends some of what waits. False when nothing moved. */
  #send(): boolean {
    const request = this.#out?.head;
    if (!request || !this.#line.clearToSend) return false;
    const count = Math.min(request.read(this.#chunk, this.#sent), this.#line.room);
    if (count > 0) this.#line.send(this.#chunk, count);
    this.#sent += count;
    if (this.#sent >= request.length) {
      this.#sent = 0;
      this.#out?.complete(STATUS_OK, request.length);
      return true;
    }
    return count > 0;
  }

  /** Answers an IN transfer. False when it has to wait. */
  #give(): boolean {
    const request = this.#in?.head;
    const line = this.#line;
    if (!request || line.run === 0) return false;
    let at = 0;
    let count: number;
    do {
      count = Math.min(line.run, request.length - at, CHUNK_SIZE);
      line.take(this.#chunk, 0, count);
      request.write(count === CHUNK_SIZE ? this.#chunk : this.#chunk.subarray(0, count), at);
      at += count;
    } while (count === CHUNK_SIZE && !line.atBreak);
    this.#in?.complete(STATUS_OK, at);
    return true;
  }

  /** STATE_… as it lasts. */
  get #state(): number {
    const status = this.#line.modemStatus;
    return (
      (status & MODEM_DCD ? acm.STATE_DCD : 0) |
      (status & MODEM_DSR ? acm.STATE_DSR : 0) |
      (status & MODEM_RI ? acm.STATE_RING : 0)
    );
  }

  /** Each turn answers a request, so it ends. */
  #notify(): void {
    for (let request = this.#notification?.head; request; request = this.#notification?.head) {
      const state = this.#state;
      if (state === this.#told && !this.#owesBreak) return;
      const bytes = serialState(CONTROL_INTERFACE, state | (this.#owesBreak ? acm.STATE_BREAK : 0));
      if (request.write(bytes) < SERIAL_STATE_LENGTH) {
        this.#notification?.complete(STATUS_BABBLE, 0);
        continue;
      }
      this.#told = state;
      this.#owesBreak = false;
      this.#notification?.complete(STATUS_OK, SERIAL_STATE_LENGTH);
    }
  }
}
