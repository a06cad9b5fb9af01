/** Follows the commands of bulk-only drives by their URBs: each from its command block to its status. */
import { TYPE_BULK } from "../../../asm/layout.ts";
import type { UrbTrace } from "../../trace/urb-trace.ts";

/** Sizes of the wrappers (Mass Storage Bulk-Only 1.0 §5.1, §5.2). */
const CBW_SIZE = 31;
const CSW_SIZE = 13;

interface Command {
  /** µs. */
  readonly began: number;
  readonly ended: number;
  readonly bytes: number;
}

export interface Load {
  /** MB/s of all drives together, while every one of them was at work. */
  readonly rate: number;
  /** µs, of the commands of that time. */
  readonly p50: number;
  readonly p95: number;
}

class Drive {
  readonly commands: Command[] = [];
  #began = 0;
  #bytes = 0;

  hear({ phase, endpoint, length, actual, time }: UrbTrace): void {
    if (phase === "submit") {
      if ((endpoint & 0x80) === 0 && length === CBW_SIZE) {
        this.#began = time;
        this.#bytes = 0;
      }
    } else if ((endpoint & 0x80) !== 0) {
      if (length !== CSW_SIZE) this.#bytes += actual;
      else if (this.#bytes > 0) this.commands.push({ began: this.#began, ended: time, bytes: this.#bytes });
    }
  }
}

export class CommandWatch {
  readonly #drives = new Map<string, Drive>();

  /** A URB of a drive, which `guest` has. */
  hear(guest: number, urb: UrbTrace): void {
    if (urb.type !== TYPE_BULK) return;
    const key = `${guest}:${urb.port}`;
    let drive = this.#drives.get(key);
    if (!drive) {
      drive = new Drive();
      this.#drives.set(key, drive);
    }
    drive.hear(urb);
  }

  /** From when the last drive had done its first command, until the first one had done its last. NaN if that is no time. */
  get load(): Load {
    const drives = [...this.#drives.values()].filter(({ commands }) => commands.length > 0);
    const from = Math.max(...drives.map(({ commands }) => commands[0]?.ended ?? 0));
    const to = Math.min(...drives.map(({ commands }) => commands.at(-1)?.ended ?? 0));
    const counted = drives.flatMap(({ commands }) => commands.filter(({ ended }) => ended > from && ended <= to));
    const bytes = counted.reduce((sum, command) => sum + command.bytes, 0);
    const waits = counted.map(({ began, ended }) => ended - began).sort((a, b) => a - b);
    const at = (share: number) => waits[Math.floor(share * (waits.length - 1))] ?? Number.NaN;
    return { rate: bytes / (to - from), p50: at(0.5), p95: at(0.95) };
  }
}
