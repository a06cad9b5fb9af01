/**
 * The Bulk-Only Transport (USB Mass Storage Class, Bulk-Only Transport 1.0) as a state machine over two endpoints:
 *
 *              CBW, data in        ┌─────────────────────┐  async   ┌─────────┐
 *           ┌──────────────────────▶       data-in       ◀──────────▶ reading │
 *   ┌───────┴─┐                    └──────────┬──────────┘          └─────────┘
 *   │ command │    CBW, no data or an error   ▼            CSW sent
 *   └───────┬─┘───────────────────────────▶ status ─────────────────────▶ command
 *           │      CBW, data out              ▲
 *           ├─────────────────────▶ data-out ─┘
 *           └── not a CBW ──▶ invalid ── Bulk-Only Mass Storage Reset ──▶ command
 *
 * What the host has queued decides when a step is taken: `#advance` goes on until an endpoint it needs is empty.
 */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { ImageReading } from "../../device.ts";
import type { DriveOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import {
  COMMAND_FAILED,
  COMMAND_PASSED,
  CommandBlockWrapper,
  CommandStatusWrapper,
  PHASE_ERROR,
  STATUS_WRAPPER_LENGTH,
} from "./command-block-wrapper.ts";
import type { Command, CommandSet } from "./command-set.ts";

/** bmRequestType << 8 | bRequest (BOT 1.0 §3.1, §3.2). */
const BULK_ONLY_MASS_STORAGE_RESET = 0x21ff;
const GET_MAX_LUN = 0xa1fe;

type State =
  /** Not configured. */
  | { readonly phase: "stopped" }
  /** Waits for a CBW. */
  | { readonly phase: "command" }
  | DataStage
  /** A CSW waits for the host to fetch it. */
  | { readonly phase: "status" }
  /** After what was no CBW: both endpoints stay halted until Reset Recovery (BOT 1.0 §6.6.1). */
  | { readonly phase: "invalid" };

interface DataStage {
  /** `reading`: the image has promised the bytes of the IN endpoint's head. */
  phase: "data-in" | "reading" | "data-out";
  /** Bytes the stage has on the bus. */
  total: number;
  /** Of these, the command's own; behind them come zeros in, or what is thrown away out. */
  relevant: number;
  moved: number;
  /** Case 7: the host gets what it asked for, and then hears that the device had more. */
  phaseError: boolean;
}

const PHASES = ["stopped", "command", "data-in", "data-out", "status", "invalid"] as const;

const STOPPED: State = { phase: "stopped" };
const COMMAND: State = { phase: "command" };
const STATUS: State = { phase: "status" };
const INVALID: State = { phase: "invalid" };

export class BulkOnlyTransport implements DeviceFunction {
  readonly #commands: CommandSet;
  /** The one command that this transport carries at a time. */
  readonly #command: Command;
  readonly #inAddress: number;
  readonly #outAddress: number;
  readonly #wrapper = new CommandBlockWrapper();
  readonly #status = new CommandStatusWrapper();
  readonly #lastUnit: Uint8Array;
  /** The data stage, made once. */
  readonly #stage: DataStage = { phase: "data-in", total: 0, relevant: 0, moved: 0, phaseError: false };
  #state: State = STOPPED;
  #in: Endpoint | undefined;
  #out: Endpoint | undefined;
  /** Counts up with everything that makes a promised read worthless. */
  #epoch = 0;

  constructor(commands: CommandSet, inAddress: number, outAddress: number) {
    this.#commands = commands;
    this.#command = commands.createCommand();
    this.#inAddress = inAddress;
    this.#outAddress = outAddress;
    this.#lastUnit = Uint8Array.of(commands.lastUnit);
  }

  start(active: ActiveConfiguration): void {
    this.#in = active.endpoint(this.#inAddress);
    this.#out = active.endpoint(this.#outAddress);
    this.#setState(COMMAND);
  }

  stop(): void {
    this.#in = undefined;
    this.#out = undefined;
    this.#setState(STOPPED);
  }

  reset(): void {
    this.#commands.reset();
  }

  close(): void {
    this.#commands.close();
  }

  openImage(): ImageReading | undefined {
    return this.#commands.openImage();
  }

  input(message: unknown): Promise<void> | void {
    return this.#commands.input?.(message);
  }

  output(): DriveOutput {
    return this.#commands.output();
  }

  /** Bytes that an image has promised were not sent: they are asked for again. */
  save(): unknown {
    const { phase } = this.#state;
    return {
      phase: phase === "reading" ? "data-in" : phase,
      total: this.#stage.total,
      relevant: this.#stage.relevant,
      moved: this.#stage.moved,
      phaseError: this.#stage.phaseError,
      tag: this.#wrapper.tag,
      expected: this.#wrapper.length,
      status: this.#status.bytes.slice(),
      command: this.#command.save(),
      commands: this.#commands.save(),
    };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): string | undefined {
    const saved = new Saved(state, "the bulk-only transport");
    const phase = saved.choice("phase", PHASES);
    if ((phase === "stopped") !== (active === undefined)) throw saved.wrong("phase");
    const total = saved.integer("total");
    const relevant = saved.integer("relevant", total);
    const moved = saved.integer("moved", total);
    const phaseError = saved.flag("phaseError");
    const tag = saved.integer("tag");
    const expected = saved.integer("expected");
    const status = saved.bytes("status", STATUS_WRAPPER_LENGTH);
    const command = new Saved(saved.get("command"), "a command");
    const becomeCommand = this.#command.restore(saved.get("command"));
    const moves = phase === "data-in" || phase === "data-out";
    if (moves && (moved >= total || relevant > command.integer("length"))) throw saved.wrong("moved");
    const note = this.#commands.restore(saved.get("commands"));
    becomeCommand();
    this.#in = active?.endpoint(this.#inAddress);
    this.#out = active?.endpoint(this.#outAddress);
    this.#wrapper.tag = tag;
    this.#wrapper.length = expected;
    this.#status.bytes.set(status);
    if (moves) {
      this.#beginData(phase, total, relevant, phaseError);
      this.#stage.moved = moved;
    } else {
      this.#setState({ phase });
    }
    return note;
  }

  control(request: Request): boolean {
    const { wValue, wIndex, length } = request;
    if (this.#state.phase === "stopped" || wValue !== 0 || wIndex !== 0) return false;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case BULK_ONLY_MASS_STORAGE_RESET: // halts stay: the host clears them next (BOT 1.0 §3.1, §5.3.4)
        if (length !== 0) return false;
        this.#setState(COMMAND);
        answerOut(request);
        this.#advance();
        return true;
      case GET_MAX_LUN:
        return length === 1 && answerIn(request, this.#lastUnit);
      default:
        return false;
    }
  }

  ready(): void {
    this.#advance();
  }

  withdrawn(endpoint: Endpoint): void {
    if (this.#state.phase === "reading" && endpoint === this.#in) {
      this.#stage.phase = "data-in"; // nothing of it went to the host: the next request gets these bytes
      this.#setState(this.#stage);
    }
    this.#advance();
  }

  haltCleared(): void {
    if (this.#state.phase === "invalid") this.#haltBoth();
  }

  /** Takes steps as long as the host has queued what they need. Each answers a request, so it ends. */
  #advance(): void {
    while (this.#step()) {}
  }

  #step(): boolean {
    const state = this.#state;
    switch (state.phase) {
      case "command":
        return this.#takeCommand(this.#out?.head);
      case "data-in":
        return this.#send(state, this.#in?.head);
      case "data-out":
        return this.#receive(state, this.#out?.head);
      case "status":
        return this.#sendStatus(this.#in?.head);
      case "stopped":
      case "reading":
      case "invalid":
        return false;
      default:
        return state satisfies never;
    }
  }

  #takeCommand(request: Request | undefined): boolean {
    if (!request) return false;
    if (!this.#wrapper.parse(request)) {
      this.#setState(INVALID);
      this.#haltBoth();
      return true;
    }
    this.#out?.complete(STATUS_OK, request.length);
    this.#command.execute(this.#wrapper.unit, this.#wrapper.command);
    this.#begin();
    return true;
  }

  /** The thirteen cases of BOT 1.0 §6.7: what the host expects (H) against what the device intends (D). */
  #begin(): void {
    const { length: hosts, isIn } = this.#wrapper;
    const { direction, length: devices } = this.#command;
    if (hosts === 0) {
      if (direction === "none")
        this.#end(0, false); // case 1: Hn = Dn
      else this.#end(0, true); // cases 2, 3: Hn < Di, Hn < Do
    } else if (isIn) {
      if (direction === "in") {
        // cases 5, 6, 7: Hi > Di, Hi = Di, Hi < Di. "The device may send fill data to pad up to" H (§6.7.2).
        this.#beginData("data-in", hosts, Math.min(devices, hosts), devices > hosts);
      } else {
        this.#in?.halt();
        this.#end(0, direction === "out"); // cases 4, 8: Hi > Dn, Hi <> Do
      }
    } else if (direction === "out" && devices <= hosts) {
      this.#beginData("data-out", hosts, devices, false); // cases 11, 12: Ho > Do, Ho = Do
    } else {
      this.#out?.halt();
      this.#end(0, direction !== "none"); // cases 9, 10, 13: Ho > Dn, Ho <> Di, Ho < Do
    }
  }

  #beginData(phase: "data-in" | "data-out", total: number, relevant: number, phaseError: boolean): void {
    const stage = this.#stage;
    stage.phase = phase;
    stage.total = total;
    stage.relevant = relevant;
    stage.moved = 0;
    stage.phaseError = phaseError;
    this.#setState(stage);
  }

  #send(stage: DataStage, request: Request | undefined): boolean {
    if (!request) return false;
    const count = Math.min(request.length, stage.total - stage.moved);
    const relevant = Math.max(0, Math.min(count, stage.relevant - stage.moved));
    const read = relevant === 0 || this.#command.read(stage.moved, relevant, request, 0);
    if (read === true) {
      this.#sent(stage, request, count, relevant);
      return true;
    }
    if (read === false) {
      this.#breakOff(stage);
      return true;
    }
    stage.phase = "reading";
    this.#setState(stage);
    void this.#await(read, stage, request, count);
    return false;
  }

  /** The one place that comes back later: only if nothing has happened to the request and to this machine meanwhile. */
  async #await(read: Promise<Uint8Array | undefined>, stage: DataStage, request: Request, count: number) {
    const { serial } = request;
    const epoch = this.#epoch;
    const bytes = await read;
    if (epoch !== this.#epoch || serial !== request.serial) return;
    stage.phase = "data-in";
    if (bytes) {
      this.#sent(stage, request, count, request.write(bytes));
    } else {
      this.#command.lost();
      this.#breakOff(stage);
    }
    this.#advance();
  }

  /** `relevant` bytes of the head are there; the rest up to `count` is fill. */
  #sent(stage: DataStage, request: Request, count: number, relevant: number): void {
    for (let at = relevant; at < count; ) {
      const window = request.window(at, count - at);
      window.fill(0);
      at += window.length;
    }
    this.#in?.complete(STATUS_OK, count);
    stage.moved += count;
    if (stage.moved >= stage.total) this.#end(stage.relevant, stage.phaseError);
    else this.#setState(stage);
  }

  /** The medium failed in the middle of the data: the host sees a STALL, then a CSW that says so. */
  #breakOff(stage: DataStage): void {
    const endpoint = stage.phase === "data-out" ? this.#out : this.#in;
    endpoint?.halt();
    this.#end(Math.min(stage.moved, stage.relevant), false);
  }

  #receive(stage: DataStage, request: Request | undefined): boolean {
    if (!request) return false;
    const { length } = request;
    const count = Math.min(length, stage.total - stage.moved);
    const relevant = Math.max(0, Math.min(count, stage.relevant - stage.moved));
    if (relevant > 0 && !this.#command.write(stage.moved, relevant, request)) {
      this.#breakOff(stage);
      return true;
    }
    this.#out?.complete(STATUS_OK, length);
    stage.moved += count;
    // A short packet ends the host's data, also before all of it has come.
    const short = length === 0 || length % (this.#out?.maxPacketSize ?? 1) !== 0;
    if (short || stage.moved >= stage.total) this.#end(Math.min(stage.moved, stage.relevant), false);
    return true;
  }

  /** The data stage is over, or there was none: `relevant` bytes were moved that mean something (BOT 1.0 §5.2). */
  #end(relevant: number, phaseError: boolean): void {
    const { tag, length } = this.#wrapper;
    let status = PHASE_ERROR;
    if (!phaseError) status = this.#command.finish(relevant) ? COMMAND_PASSED : COMMAND_FAILED;
    this.#status.put(tag, length - relevant, status);
    this.#setState(STATUS);
  }

  #sendStatus(request: Request | undefined): boolean {
    if (!request) return false;
    if (request.length < STATUS_WRAPPER_LENGTH) {
      this.#in?.complete(STATUS_BABBLE, 0); // the packet is longer than the room, and will be sent again
      return true;
    }
    this.#setState(COMMAND);
    request.write(this.#status.bytes);
    this.#in?.complete(STATUS_OK, STATUS_WRAPPER_LENGTH);
    return true;
  }

  #haltBoth(): void {
    this.#in?.halt();
    this.#out?.halt();
  }

  #setState(state: State): void {
    this.#state = state;
    this.#epoch++;
  }
}
