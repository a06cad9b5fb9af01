/**
 * What a tag stands for, from the unit on the command pipe to the unit on the status pipe that ends it:
 *
 *   free ── COMMAND IU ──▶ held ── no data ──────────────────────────────────────▶ status ──┐
 *    ▲ │                    ├─────────────────────▶ data-in ◀──▶ reading ────────────▲ ▲    │
 *    │ │                    ├─────────────────────▶ data-out ────────────────────────┘ │    │
 *    │ │                    └──▶ announcing ──────────▲        without streams          │    │
 *    │ └── another unit ────────────────────────────────────────────────────────────────┘    │
 *    └─────────────────────── fetched by the host, or aborted ───────────────────────────────┘
 */
import type { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { Command } from "./command-set.ts";
import { COMMAND_BLOCK_LENGTH, type CommandPipeUnit, SIMPLE, StatusPipeUnit } from "./uas-information-unit.ts";

type Phase =
  | "free"
  /** A command that has not begun: older ones go first (SAM-5 §8.6). */
  | "held"
  /** Without streams: waits for the data pipe, and to tell the host of it (UAS-3 §6.2.3, §6.2.4). */
  | "announcing"
  | "data-in"
  /** The image has promised the bytes of `request`. */
  | "reading"
  | "data-out"
  /** The unit that ends it waits for the host to fetch it. */
  | "status";

const PHASES = ["held", "announcing", "data-in", "data-out", "status"] as const;

export class Task {
  readonly command: Command;
  readonly status = new StatusPipeUnit();
  readonly block = new Uint8Array(COMMAND_BLOCK_LENGTH);
  phase: Phase = "free";
  tag = 0;
  /** Is it a command, for task management to abort? */
  isCommand = false;
  unit = 0;
  attribute = SIMPLE;
  /** Bytes of its data. */
  moved = 0;
  /** The transfer that waits for a promised read, while its serial number is this. */
  request: Request | undefined;
  serial = 0;
  /** Counts up with everything that makes a promised read worthless. */
  epoch = 0;

  constructor(command: Command) {
    this.command = command;
  }

  /** A command, which is not begun yet. */
  hold(iu: CommandPipeUnit): void {
    this.tag = iu.tag;
    this.isCommand = true;
    this.unit = iu.unit;
    this.attribute = iu.attribute;
    this.block.set(iu.block);
    this.moved = 0;
    this.phase = "held";
  }

  /** Only a RESPONSE IU. */
  respond(tag: number, code: number): void {
    this.tag = tag;
    this.isCommand = false;
    this.status.putResponse(tag, code);
    this.phase = "status";
  }

  /** Bytes that an image has promised were not sent: they are asked for again. */
  save(): unknown {
    return {
      phase: this.phase === "reading" ? "data-in" : this.phase,
      tag: this.tag,
      isCommand: this.isCommand,
      unit: this.unit,
      attribute: this.attribute,
      moved: this.moved,
      block: this.block.slice(),
      status: this.status.bytes.slice(),
      command: this.command.save(),
    };
  }

  /** A way for a free one to become what `save` said, checked. */
  read(saved: Saved): () => void {
    const phase = saved.choice("phase", PHASES);
    const fields = {
      phase,
      tag: saved.integer("tag", 0xffff, 1),
      isCommand: saved.flag("isCommand"),
      unit: saved.integer("unit", 0xffff),
      attribute: saved.integer("attribute", 7),
      moved: saved.integer("moved", saved.record("command").integer("length")),
    };
    const block = saved.bytes("block", COMMAND_BLOCK_LENGTH);
    const status = saved.bytes("status", 0xff, 0);
    if (!new StatusPipeUnit().put(status)) throw saved.wrong("status");
    const becomeCommand = this.command.restore(saved.get("command"));
    return () => {
      becomeCommand();
      Object.assign(this, fields);
      this.block.set(block);
      this.status.put(status);
    };
  }

  /** Forgets all of it. */
  release(): void {
    this.phase = "free";
    this.epoch++;
  }

  /** Waits for a promised read into this transfer. Answers the epoch that must still be when it comes. */
  await(request: Request): number {
    this.phase = "reading";
    this.request = request;
    this.serial = request.serial;
    return ++this.epoch;
  }

  /** Has the transfer of a promised read been answered otherwise? */
  get withdrawn(): boolean {
    return this.phase === "reading" && this.request?.serial !== this.serial;
  }
}
