/** The benchmark's look at commands of flash drives. */
import { expect, it } from "vitest";
import { CommandWatch } from "../../../app/bench/growth/command-watch.ts";
import type { UrbTrace } from "../../../app/trace/urb-trace.ts";
import { TYPE_BULK, TYPE_CONTROL } from "../../../asm/layout.ts";

/** One command of a drive: 31 bytes out, its data and 13 bytes in. */
function command(watch: CommandWatch, guest: number, port: number, began: number, ended: number, bytes = 65536): void {
  const urb = (phase: "submit" | "complete", endpoint: number, length: number, time: number, type = TYPE_BULK) =>
    watch.hear(guest, { phase, type, port, endpoint, length, actual: length, time } as UrbTrace);
  urb("submit", 0x02, 31, began);
  urb("complete", 0x02, 31, began + 1);
  urb("submit", 0x00, 8, began + 2, TYPE_CONTROL);
  urb("complete", 0x00, 8, began + 3, TYPE_CONTROL);
  if (bytes > 0) {
    urb("submit", 0x81, bytes, began + 2);
    urb("complete", 0x81, bytes, ended - 2);
  }
  urb("submit", 0x81, 13, ended - 2);
  urb("complete", 0x81, 13, ended);
}

it("counts what all drives move while each of them is at work", () => {
  const watch = new CommandWatch();
  command(watch, 0, 1, 0, 100); // alone
  command(watch, 0, 1, 100, 200); // the other's first ends now
  command(watch, 0, 2, 150, 200);
  command(watch, 0, 1, 200, 300);
  command(watch, 0, 2, 200, 600);
  command(watch, 0, 2, 600, 650, 0); // no data: not counted
  command(watch, 0, 1, 300, 700);
  command(watch, 0, 1, 700, 900); // alone again
  // From 200 to 600 µs: 2 commands.
  expect(watch.load).toEqual({ rate: (2 * 65536) / 400, p50: 100, p95: 100 });
});

it("takes the same port of another guest for another drive", () => {
  const watch = new CommandWatch();
  for (const guest of [0, 1]) for (const at of [0, 100, 200]) command(watch, guest, 1, at, at + 100 - guest);
  expect(watch.load).toEqual({ rate: (3 * 65536) / 199, p50: 99, p95: 99 });
});
