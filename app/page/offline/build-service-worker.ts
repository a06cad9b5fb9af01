/** A part of the page's build: its service worker, with the list of the page's files and their hashes. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";
import type { PageFile, PageFiles } from "./page-files.ts";

export const SERVICE_WORKER = "service-worker";
const FILE = `${SERVICE_WORKER}.js`;

/** The worker itself, which the browser keeps in its own way; and what is for readers of the repository. */
const LEFT_OUT = new Set([FILE, "screenshot.png"]);
/** What only a guest needs, but for the list of its files; and what only the benchmark does. */
const LATER = /^guest\/(?!manifest\.json$)|\bv86-[^/]*\.wasm$|^bench\/|\bbench-[^/]*$/;

export function buildServiceWorker(): Plugin {
  return {
    name: "build-service-worker",
    apply: "build",
    config: () => ({
      build: {
        rolldownOptions: {
          input: {
            index: join(import.meta.dirname, "../index.html"),
            bench: join(import.meta.dirname, "../bench/index.html"),
            [SERVICE_WORKER]: join(import.meta.dirname, "service-worker.ts"),
          },
          // Its name stays, and it lies in the page's folder: that is what it may answer for.
          output: { entryFileNames: ({ name }) => (name === SERVICE_WORKER ? FILE : "assets/[name]-[hash].js") },
        },
      },
    }),
    generateBundle(_options, bundle) {
      const chunk = bundle[FILE];
      if (chunk?.type !== "chunk") this.error(`There is no ${FILE} in the page's build.`);
      const { imports, dynamicImports, exports } = chunk;
      if (imports.length + dynamicImports.length + exports.length > 0) this.error(`${FILE} must be one whole script.`);
    },
    writeBundle({ dir = "" }) {
      const code = readFileSync(join(dir, FILE), "utf8");
      writeFileSync(join(dir, FILE), `const PVUSB_FILES=${JSON.stringify(listFiles(dir))};\n${code}`);
    },
  };
}

export function listFiles(folder: string): PageFiles {
  const files: Record<string, PageFile> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const whole = join(entry.parentPath, entry.name);
    const path = whole.slice(folder.length + 1).replaceAll("\\", "/");
    if (LEFT_OUT.has(path)) continue;
    const hash = createHash("sha256").update(readFileSync(whole)).digest("hex");
    files[path] = LATER.test(path) ? { hash, later: true } : { hash };
  }
  return files;
}
