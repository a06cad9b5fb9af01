/** The guest's disk program: its machine code, written by hand. What it does in a guest, the benchmark shows. */
import { describe, expect, it } from "vitest";
import { diskProgram } from "../../../app/bench/storage/disk-program.ts";

const LOAD = {
  device: "/dev/sdb",
  writes: false,
  random: false,
  direct: true,
  size: 4096,
  count: 600,
  processes: 1,
  span: 0x4000000,
  syncs: false,
};
const CODE = 84;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("the program that loads a disk", () => {
  it("opens its device past the cache and reads it in order, checking every answer", () => {
    const program = diskProgram(LOAD);
    const code = hex(program.subarray(CODE));
    // mov ecx, O_DIRECT | O_LARGEFILE; mov eax, 5; int 80h
    expect(code).toContain("b900c00000b805000000cd80");
    // mov edx, 4096; mov eax, 180; int 80h; cmp eax, 4096; jne …
    expect(code).toContain("ba00100000b8b4000000cd803d001000000f85");
    // add esi, 4096; and esi, 0x3ffffff; dec ebp; jnz …
    expect(code).toContain("81c60010000081e6ffffff034d0f85");
    expect(new TextDecoder("latin1").decode(program)).toContain("begin\nend\n/dev/sdb\0");
  });

  it("is one segment that may be written and run, with a buffer in whole pages behind it", () => {
    const program = diskProgram(LOAD);
    const view = new DataView(program.buffer);
    expect(hex(program.subarray(0, 7))).toBe("7f454c46010101");
    expect(view.getUint32(24, true)).toBe(0x08048000 + CODE);
    expect(view.getUint32(68, true)).toBe(program.length);
    expect(view.getUint32(72, true)).toBe(4096 + 4096);
    expect(view.getUint32(76, true)).toBe(7);
  });

  it("writes, syncs, and asks from several processes, each in its own part or by its own numbers", () => {
    const code = hex(diskProgram({ ...LOAD, writes: true, syncs: true, processes: 8, count: 800 }).subarray(CODE));
    expect(code).toContain("b902c00000"); // mov ecx, O_RDWR | O_DIRECT | O_LARGEFILE
    expect(code).toContain("b8b5000000cd80"); // pwrite64
    expect(code).toContain("b876000000cd80"); // fsync
    expect(code).toContain("b802000000cd80"); // fork
    expect(code).toContain("69f000008000"); // imul esi, eax, 8 MiB
    expect(code).toContain("bd64000000"); // mov ebp, 100
  });
});
