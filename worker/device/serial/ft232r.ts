/**
 * An FT232R between its two bulk endpoints and a serial line.
 *
 *   bulk OUT ──▶ line            a transfer waits while a handshake or a break holds the line
 *   bulk IN  ◀── 2 bytes of status and up to 62 of data in every packet of 64
 *
 * A transfer is answered when the data fills it. With less it waits until the latency timer is over, the modem lines change, a
 * break comes or the event character does: then with what is there, and be it the status alone.
 */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { DeviceInput, DeviceOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import { BULK_IN, BULK_OUT, PACKET_SIZE } from "./ft232r-model.ts";
import * as ftdi from "./ft232r-requests.ts";
import type { SerialLine } from "./serial-line.ts";

const DATA_SIZE = PACKET_SIZE - ftdi.STATUS_SIZE;
const LATENCY_DEFAULT = 16;
/** Sent at a time, before the handshake is looked at again. */
const CHUNK_SIZE = 512;

export class Ft232r implements DeviceFunction {
  readonly #line: SerialLine;
  readonly #eeprom: Uint8Array;
  readonly #packet = new Uint8Array(PACKET_SIZE);
  readonly #chunk = new Uint8Array(CHUNK_SIZE);
  /** Here when it is configured. */
  #in: Endpoint | undefined;
  #out: Endpoint | undefined;
  /** Bytes sent of the OUT transfer that waits. */
  #sent = 0;
  /** The next IN transfer is answered with what there is. */
  #due = false;
  /** The modem status of the last packet. */
  #told = 0;
  /** The character that makes a packet due, or -1. */
  #event = -1;
  /** ms. */
  #latency = LATENCY_DEFAULT;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(line: SerialLine, eeprom: Uint8Array) {
    this.#line = line;
    this.#eeprom = eeprom;
  }

  start(active: ActiveConfiguration): void {
    this.stop();
    this.#join(active);
    this.#told = this.#line.modemStatus;
  }

  stop(): void {
    this.#join(undefined);
    this.#sent = 0;
    this.#due = false;
    this.#event = -1;
    this.#latency = LATENCY_DEFAULT;
    this.#line.reset();
  }

  control(request: Request): boolean {
    const answered = this.#answer(request);
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

  input(message: unknown): void {
    const input = message as DeviceInput | undefined;
    if (typeof input !== "object" || input === null) return;
    this.#watch(() => this.#line.input(input));
    this.#advance();
  }

  output(): DeviceOutput {
    const output = this.#line.output();
    this.#advance(); // there is room again
    return output;
  }

  /** Bytes sent of a transfer that waits stay sent: it comes again, and goes on behind them. */
  save(): unknown {
    return {
      line: this.#line.save(),
      sent: this.#sent,
      due: this.#due,
      told: this.#told,
      event: this.#event + 1,
      latency: this.#latency,
    };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the serial adapter");
    const becomeLine = this.#line.read(saved.record("line"));
    const sent = saved.integer("sent");
    const due = saved.flag("due");
    const told = saved.integer("told", 0xff);
    const event = saved.integer("event", 0x100) - 1;
    const latency = saved.integer("latency", 0xff);
    becomeLine();
    this.#join(active);
    this.#sent = sent;
    this.#due = due;
    this.#told = told;
    this.#event = event;
    this.#latency = latency;
  }

  #join(active: ActiveConfiguration | undefined): void {
    this.#disarm();
    this.#in = active?.endpoint(BULK_IN);
    this.#out = active?.endpoint(BULK_OUT);
    this.#line.receives = active !== undefined;
  }

  #answer(request: Request): boolean {
    const { wValue, wIndex } = request;
    const line = this.#line;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case ftdi.RESET:
        return this.#reset(wValue) && answerOut(request);
      case ftdi.SET_MODEM_CONTROL:
        line.setOutputs(
          wValue & ftdi.CONTROL_DTR_CHANGES ? (wValue & ftdi.CONTROL_DTR) !== 0 : undefined,
          wValue & ftdi.CONTROL_RTS_CHANGES ? (wValue & ftdi.CONTROL_RTS) !== 0 : undefined,
        );
        return answerOut(request);
      case ftdi.SET_FLOW_CONTROL: {
        const handshake = ftdi.handshakeOf(wIndex);
        if (!handshake) return false;
        line.setHandshake(handshake, wValue & 0xff, wValue >> 8);
        return answerOut(request);
      }
      case ftdi.SET_BAUD_RATE:
        line.settings = { ...line.settings, baudRate: ftdi.baudRateOf(wValue, wIndex) };
        return answerOut(request);
      case ftdi.SET_DATA: {
        const data = ftdi.dataOf(wValue);
        if (!data) return false;
        line.settings = { ...line.settings, ...data };
        this.#watch(() => line.setBreak((wValue & ftdi.DATA_BREAK) !== 0));
        return answerOut(request);
      }
      case ftdi.GET_MODEM_STATUS:
        return answerIn(request, Uint8Array.of(ftdi.STATUS_ALWAYS | line.modemStatus, this.#transmitter));
      case ftdi.SET_EVENT_CHARACTER:
        this.#event = wValue & ftdi.CHARACTER_ENABLED ? wValue & 0xff : -1;
        return answerOut(request);
      case ftdi.SET_ERROR_CHARACTER: // stands for a byte of wrong parity, and there is none
        return answerOut(request);
      case ftdi.SET_LATENCY_TIMER:
        this.#latency = wValue & 0xff;
        this.#disarm();
        return answerOut(request);
      case ftdi.GET_LATENCY_TIMER:
        return answerIn(request, Uint8Array.of(this.#latency));
      case ftdi.SET_BIT_MODE: // the high byte is the mode, and 0 is a serial port
        return wValue >> 8 === 0 && answerOut(request);
      case ftdi.READ_EEPROM: {
        const at = (2 * wIndex) % this.#eeprom.length;
        return answerIn(request, this.#eeprom.subarray(at, at + 2));
      }
      default:
        return false;
    }
  }

  #reset(what: number): boolean {
    switch (what) {
      case ftdi.RESET_ALL:
        this.#line.setOutputs(false, false);
        this.#line.setHandshake("none", 0, 0);
        this.#event = -1;
        this.#line.purgeReceived();
        return true;
      case ftdi.RESET_OUTPUT: // nothing waits here: it is sent, or still the host's
        return true;
      case ftdi.RESET_INPUT:
        this.#line.purgeReceived();
        return true;
      default:
        return false;
    }
  }

  /** LINE_EMPTY unless there is something to send. */
  get #transmitter(): number {
    return this.#out?.head ? 0 : ftdi.LINE_EMPTY;
  }

  #advance(): void {
    while (this.#send() || this.#give());
  }

  /** Sends some of what waits. False when nothing moved. */
  #send(): boolean {
    const request = this.#out?.head;
    if (!request || !this.#line.clearToSend) return false;
    const count = request.read(this.#chunk, this.#sent);
    this.#watch(() => this.#line.send(this.#chunk, count));
    this.#sent += count;
    if (this.#sent >= request.length) {
      this.#sent = 0;
      this.#out?.complete(STATUS_OK, request.length);
    }
    return true;
  }

  /** Does something that may bring bytes in, and sees whether one of them makes a packet due. */
  #watch(act: () => void): void {
    const line = this.#line;
    const before = line.received.length;
    act();
    if (line.hasBreak) this.#due = true;
    for (let at = before; this.#event >= 0 && !this.#due && at < line.received.length; at++) {
      this.#due = line.received.peek(at) === this.#event;
    }
  }

  /** Answers an IN transfer. False when it has to wait. */
  #give(): boolean {
    const request = this.#in?.head;
    if (!request) {
      this.#disarm();
      return false;
    }
    const line = this.#line;
    const full = Math.floor(request.length / PACKET_SIZE) * DATA_SIZE;
    if (!this.#due && line.modemStatus === this.#told && (full === 0 || line.received.length < full)) {
      this.#arm();
      return false;
    }
    this.#disarm();
    this.#due = false;
    let at = 0;
    let size: number;
    do {
      size = this.#fill();
      if (size > request.length - at) {
        this.#in?.complete(STATUS_BABBLE, at);
        return true;
      }
      request.write(size === PACKET_SIZE ? this.#packet : this.#packet.subarray(0, size), at);
      at += size;
    } while (size === PACKET_SIZE && at < request.length);
    if (line.hasBreak) this.#due = true;
    this.#in?.complete(STATUS_OK, at);
    return true;
  }

  /** The next packet. Answers its size. */
  #fill(): number {
    const line = this.#line;
    const count = Math.min(line.run, DATA_SIZE);
    const errors = (line.takeOverrun() ? ftdi.LINE_OVERRUN : 0) | (line.atBreak ? ftdi.LINE_BREAK : 0);
    line.take(this.#packet, ftdi.STATUS_SIZE, count);
    this.#told = line.modemStatus;
    this.#packet[0] = ftdi.STATUS_ALWAYS | this.#told;
    this.#packet[1] = this.#transmitter | errors;
    return ftdi.STATUS_SIZE + count;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#due = true;
        this.#advance();
      },
      Math.max(1, this.#latency),
    );
    (this.#timer as { unref?(): void }).unref?.();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
