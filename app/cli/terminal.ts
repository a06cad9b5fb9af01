/** The terminal as the guest's console. */
import type { Guest } from "../guest/default-guest.ts";

/** Ctrl-], as telnet has it. */
const ESCAPE = 0x1d;

/** Resolves when the person types Ctrl-]. A pipe's end does not end the run: what was typed may take its time. */
export function connectTerminal(guest: Guest): { readonly ended: Promise<void>; close(): void } {
  const { stdin } = process;
  const decoder = new TextDecoder();
  let close = (): void => {};
  const ended = new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      const end = stdin.isTTY ? chunk.indexOf(ESCAPE) : -1;
      const text = decoder.decode(end < 0 ? chunk : chunk.subarray(0, end), { stream: true });
      if (text) guest.write(text);
      if (end >= 0) resolve();
    };
    if (stdin.isTTY) {
      stdin.setRawMode(true);
      process.stderr.write("Ctrl-] ends.\r\n");
    }
    stdin.on("data", take);
    close = () => {
      stdin.off("data", take);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
    };
    // A new prompt: the one that the guest printed before was not for this terminal.
    guest.write("\n");
  });
  return { ended, close };
}
