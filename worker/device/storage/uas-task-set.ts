/** The tasks under way, in the order they came: which may begin, and what task management does to them (SAM-5 §7, §8). */
import type { Saved } from "../../../asm/saved.ts";
import type { CommandSet } from "./command-set.ts";
import * as iu from "./uas-information-unit.ts";
import { Task } from "./uas-task.ts";

/** Tags under way at once, at least one for each stream. */
const TASKS = 64;

export class TaskSet {
  readonly all: readonly Task[];
  readonly #commands: CommandSet;
  readonly #tasks: Task[] = [];
  readonly #free: Task[];

  constructor(commands: CommandSet) {
    this.all = this.#tasks;
    this.#commands = commands;
    this.#free = Array.from({ length: TASKS }, () => new Task(commands.createCommand()));
  }

  get full(): boolean {
    return this.#free.length === 0;
  }

  find(tag: number): Task | undefined {
    for (const task of this.#tasks) {
      if (task.tag === tag) return task;
    }
    return undefined;
  }

  /** Takes a command, if there is room: the youngest. */
  hold(unit: iu.CommandPipeUnit): void {
    const task = this.#free.pop();
    if (!task) return;
    task.hold(unit);
    this.#tasks.push(task);
  }

  /** Takes a RESPONSE IU to say, if there is room: before all else, so that an abort is told before the next READY. */
  respond(tag: number, code: number): void {
    const task = this.#free.pop();
    if (!task) return;
    task.respond(tag, code);
    this.#tasks.unshift(task);
  }

  release(task: Task): void {
    task.release();
    this.#tasks.splice(this.#tasks.indexOf(task), 1);
    this.#free.push(task);
  }

  clear(): void {
    while (this.#tasks[0]) this.release(this.#tasks[0]);
  }

  save(): unknown[] {
    return this.#tasks.map((task) => task.save());
  }

  /** A way to become what `save` said, checked. */
  read(saved: readonly Saved[]): () => void {
    const free = [...this.#tasks, ...this.#free];
    const tasks = saved.slice(0, TASKS).flatMap((each, index) => {
      const task = free[index];
      return task ? [{ task, become: task.read(each) }] : [];
    });
    return () => {
      this.clear();
      for (const { task, become } of tasks) {
        become();
        this.#free.splice(this.#free.indexOf(task), 1);
        this.#tasks.push(task);
      }
    };
  }

  /** Does a task move data in, or out? */
  moves(isIn: boolean): boolean {
    for (const { phase } of this.#tasks) {
      if (isIn ? phase === "data-in" || phase === "reading" : phase === "data-out") return true;
    }
    return false;
  }

  /** SAM-5 §8.6: an ORDERED command waits for all that are older, and all that are younger wait for it. */
  mayBegin(task: Task): boolean {
    if (task.attribute === iu.HEAD_OF_QUEUE) return true;
    for (const older of this.#tasks) {
      if (older === task) return true;
      if (!older.isCommand || older.phase === "status") continue;
      if (task.attribute === iu.ORDERED || older.attribute === iu.ORDERED) return false;
    }
    return true;
  }

  /** Carries task management out (UAS-3 §6.2.7, SAM-5 §7): the answer's code. What it aborts says nothing more to the host. */
  manage({ function: code, taskTag, unit }: iu.CommandPipeUnit): number {
    if (code !== iu.I_T_NEXUS_RESET && unit > this.#commands.lastUnit) return iu.INCORRECT_LOGICAL_UNIT;
    switch (code) {
      case iu.ABORT_TASK:
        this.#abort(taskTag);
        return iu.FUNCTION_COMPLETE;
      case iu.ABORT_TASK_SET:
      case iu.CLEAR_TASK_SET:
        this.#abort();
        return iu.FUNCTION_COMPLETE;
      case iu.LOGICAL_UNIT_RESET:
      case iu.I_T_NEXUS_RESET:
        this.#abort();
        this.#commands.reset();
        return iu.FUNCTION_COMPLETE;
      case iu.QUERY_TASK:
        return this.find(taskTag)?.isCommand ? iu.FUNCTION_SUCCEEDED : iu.FUNCTION_COMPLETE;
      case iu.QUERY_TASK_SET:
        return this.#tasks.some(({ isCommand }) => isCommand) ? iu.FUNCTION_SUCCEEDED : iu.FUNCTION_COMPLETE;
      default:
        return iu.FUNCTION_NOT_SUPPORTED;
    }
  }

  /** Forgets the command of a tag, or every command. */
  #abort(tag?: number): void {
    for (let index = this.#tasks.length - 1; index >= 0; index--) {
      const task = this.#tasks[index];
      if (task?.isCommand && (tag === undefined || task.tag === tag)) this.release(task);
    }
  }
}
