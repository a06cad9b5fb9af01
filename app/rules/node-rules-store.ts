/** Rules in a file, for a person to read and write as well. Node only. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { RulesStore } from "./store.ts";

/** `$XDG_CONFIG_HOME/pvusb/rules`, or `~/.config/pvusb/rules`. */
export function rulesFile(): string {
  const { XDG_CONFIG_HOME } = process.env;
  return join(XDG_CONFIG_HOME || join(homedir(), ".config"), "pvusb", "rules");
}

export function fileRulesStore(file = rulesFile()): RulesStore {
  return {
    async get() {
      try {
        return await readFile(file, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async set(text) {
      await mkdir(dirname(file), { recursive: true });
      // Renamed when complete: another process may be reading.
      const draft = `${file}.${randomUUID()}`;
      await writeFile(draft, text);
      await rename(draft, file);
    },
  };
}
