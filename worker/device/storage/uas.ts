/**
 * USB Attached SCSI (UAS-3): four pipes, and as many commands under way as there are tasks.
 *
 *   command pipe ──▶ Task ◀──▶ data-in pipe, data-out pipe
 *                     └──────▶ status pipe
 *
 * With streams, a tag is the stream of its data and status (UAS-3 §4.3): the host queues them when it likes, and each task
 * moves as its own stream lets it. Without, a task takes the data pipe when it is free, says so by READ READY or WRITE
 * READY, and has it until all its data is moved.
 */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import type { CommandSet } from "./command-set.ts";
import * as iu from "./uas-information-unit.ts";
import type { Task } from "./uas-task.ts";
import { TaskSet } from "./uas-task-set.ts";

export interface UasPipes<T> {
  readonly command: T;
  readonly status: T;
  readonly dataIn: T;
  readonly dataOut: T;
}

export class UasTransport implements DeviceFunction {
  readonly #addresses: UasPipes<number>;
  readonly #unit = new iu.CommandPipeUnit();
  readonly #tasks: TaskSet;
  /** Here when the alternate is chosen. */
  #pipes: UasPipes<Endpoint> | undefined;

  constructor(commands: CommandSet, addresses: UasPipes<number>) {
    this.#addresses = addresses;
    this.#tasks = new TaskSet(commands);
  }

  save(): unknown {
    return { tasks: this.#tasks.save() };
  }

  /** A way to become what `save` said, checked. The disk is not in it. */
  read(state: unknown, active: ActiveConfiguration | undefined): () => void {
    const tasks = new Saved(state, "the UAS transport").records("tasks", 64);
    const become = this.#tasks.read(active ? tasks : []);
    return () => {
      if (active) this.start(active);
      else this.stop();
      become();
    };
  }

  start(active: ActiveConfiguration): void {
    this.stop();
    const command = active.endpoint(this.#addresses.command);
    const status = active.endpoint(this.#addresses.status);
    const dataIn = active.endpoint(this.#addresses.dataIn);
    const dataOut = active.endpoint(this.#addresses.dataOut);
    if (command && status && dataIn && dataOut) this.#pipes = { command, status, dataIn, dataOut };
  }

  stop(): void {
    this.#pipes = undefined;
    this.#tasks.clear();
  }

  /** It has no requests of its own (UAS-3 §5.2.2). */
  control(): boolean {
    return false;
  }

  ready(): void {
    this.#advance();
  }

  withdrawn(): void {
    for (const task of this.#tasks.all) {
      if (task.withdrawn) task.phase = "data-in"; // nothing of it went to the host: the next request gets these bytes
    }
    this.#advance();
  }

  /** Lets every task take the steps for which the host has queued what they need. Each answers a request, so it ends. */
  #advance(): void {
    const pipes = this.#pipes;
    if (!pipes) return;
    for (let moved = true; moved; ) {
      moved = false;
      while (this.#take(pipes)) moved = true;
      for (let index = 0; index < this.#tasks.all.length; ) {
        const task = this.#tasks.all[index];
        if (task && this.#step(pipes, task)) moved = true;
        else index++;
      }
    }
  }

  #step(pipes: UasPipes<Endpoint>, task: Task): boolean {
    switch (task.phase) {
      case "held":
        return this.#begin(pipes, task);
      case "announcing":
        return this.#announce(pipes, task);
      case "data-in":
        return this.#send(pipes, task);
      case "data-out":
        return this.#receive(pipes, task);
      case "status":
        if (!this.#tell(pipes, task)) return false;
        this.#tasks.release(task);
        return true;
      case "reading":
      case "free":
        return false;
      default:
        return task.phase satisfies never;
    }
  }

  /** Takes a unit off the command pipe. */
  #take({ command, status }: UasPipes<Endpoint>): boolean {
    const request = command.head;
    if (!request || this.#tasks.full) return false;
    const unit = this.#unit;
    unit.parse(request);
    const { tag } = unit;
    if (tag === 0 || (status.streams > 0 && !status.has(tag))) {
      command.stall(); // nothing can be said to the host of a tag that the status pipe does not carry
      return true;
    }
    command.complete(STATUS_OK, request.length);
    const overlapped = this.#tasks.find(tag);
    if (overlapped) {
      this.#tasks.release(overlapped);
      this.#tasks.respond(tag, iu.OVERLAPPED_TAG);
    } else if (unit.id === iu.COMMAND_IU) {
      this.#tasks.hold(unit);
    } else {
      const code = unit.id === iu.TASK_MANAGEMENT_IU ? this.#tasks.manage(unit) : iu.INVALID_INFORMATION_UNIT;
      this.#tasks.respond(tag, code);
    }
    return true;
  }

  #begin({ status }: UasPipes<Endpoint>, task: Task): boolean {
    if (!this.#tasks.mayBegin(task)) return false;
    const { command } = task;
    command.execute(task.unit, task.block);
    if (command.direction === "none") this.#finish(task);
    else if (status.streams === 0) task.phase = "announcing";
    else task.phase = command.direction === "in" ? "data-in" : "data-out";
    return true;
  }

  #announce(pipes: UasPipes<Endpoint>, task: Task): boolean {
    const isIn = task.command.direction === "in";
    if (this.#tasks.moves(isIn)) return false;
    task.status.putReady(task.tag, isIn);
    if (!this.#tell(pipes, task)) return false;
    task.phase = isIn ? "data-in" : "data-out";
    return true;
  }

  #send({ dataIn }: UasPipes<Endpoint>, task: Task): boolean {
    const request = dataIn.headOf(streamOf(dataIn, task));
    if (!request) return false;
    const count = Math.min(request.length, task.command.length - task.moved);
    const read = count === 0 || task.command.read(task.moved, count, request, 0);
    if (typeof read === "boolean") this.#sent(dataIn, task, count, read);
    else void this.#await(dataIn, task, request, count, read);
    return true;
  }

  /** The one place that comes back later: only if nothing has happened to the request and to the task meanwhile. */
  async #await(
    dataIn: Endpoint,
    task: Task,
    request: Request,
    count: number,
    read: Promise<Uint8Array | undefined>,
  ): Promise<void> {
    const { serial } = request;
    const epoch = task.await(request);
    const bytes = await read;
    if (epoch !== task.epoch || serial !== request.serial) return;
    task.phase = "data-in";
    if (bytes) request.write(bytes);
    else task.command.lost();
    this.#sent(dataIn, task, count, bytes !== undefined);
    this.#advance();
  }

  /** `count` bytes are in the stream's head. Where the medium failed, the data ends there, short. */
  #sent(dataIn: Endpoint, task: Task, count: number, good: boolean): void {
    dataIn.complete(STATUS_OK, good ? count : 0, streamOf(dataIn, task));
    if (good) task.moved += count;
    if (!good || task.moved >= task.command.length) this.#finish(task);
  }

  /** A medium that fails takes the rest all the same, and the host hears of it in the end. */
  #receive({ dataOut }: UasPipes<Endpoint>, task: Task): boolean {
    const stream = streamOf(dataOut, task);
    const request = dataOut.headOf(stream);
    if (!request) return false;
    const { length } = request;
    const count = Math.min(length, task.command.length - task.moved);
    if (count > 0) task.command.write(task.moved, count, request);
    dataOut.complete(STATUS_OK, length, stream);
    task.moved += count;
    const short = length === 0 || length % dataOut.maxPacketSize !== 0; // the host has no more
    if (short || task.moved >= task.command.length) this.#finish(task);
    return true;
  }

  /** The data is moved, or there was none. */
  #finish(task: Task): void {
    const { command } = task;
    task.status.putSense(task.tag, command.finish(task.moved) ? undefined : command);
    task.phase = "status";
  }

  /** Puts the task's unit into what the host has queued on the status pipe. A packet longer than the room is sent again. */
  #tell({ status }: UasPipes<Endpoint>, task: Task): boolean {
    const stream = streamOf(status, task);
    const { bytes } = task.status;
    let request = status.headOf(stream);
    while (request && request.length < bytes.length) {
      status.complete(STATUS_BABBLE, 0, stream);
      request = status.headOf(stream);
    }
    if (!request) return false;
    request.write(bytes);
    status.complete(STATUS_OK, bytes.length, stream);
    return true;
  }
}

/** UAS-3 §4.3: the stream of a tag's data and status. */
function streamOf(pipe: Endpoint, task: Task): number {
  return pipe.streams > 0 ? task.tag : 0;
}
