import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin, type UserConfig } from "vite";
import { buildServiceWorker } from "./app/page/offline/build-service-worker.ts";

/** What a page needs so that it may share memory with its worker. */
const crossOriginIsolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** package.json's sideEffects is about the library; page and hub are made of modules that are imported for what they do. */
const keepElements: Plugin = {
  name: "keep-elements",
  transform: {
    filter: { id: /\/app\/(page|hub)\/[^?]*\.ts$/ },
    handler: () => ({ moduleSideEffects: true }),
  },
};

/** Names this build: a saved state of the guest is of no use to another one. */
function buildHash(): string {
  const hash = createHash("sha256");
  for (const folder of ["app", "asm"]) {
    const root = join(import.meta.dirname, folder);
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    for (const file of files.sort()) hash.update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

const page: UserConfig = {
  root: "app/page",
  base: "./",
  define: { __PVUSB_BUILD__: JSON.stringify(buildHash()) },
  publicDir: "../../public",
  build: {
    outDir: "../../dist/page",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1000,
  },
  plugins: [keepElements, buildServiceWorker()],
  worker: { format: "es" },
  server: { headers: crossOriginIsolation, port: 5173 },
  preview: { headers: crossOriginIsolation, port: 4173 },
};

/** `vite build --mode hub`: the element for a page without a bundler. All is in three files beside each other, whatever their address. */
const hub: UserConfig = {
  base: "./",
  publicDir: false,
  build: {
    outDir: "dist/hub",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: "app/hub/index.ts",
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "pvusb-hub.js", assetFileNames: "pvusb-[name][extname]", codeSplitting: false },
    },
  },
  plugins: [keepElements],
  worker: {
    format: "es",
    rolldownOptions: { output: { entryFileNames: "pvusb-worker.js", assetFileNames: "pvusb-[name][extname]" } },
  },
};

export default defineConfig(({ mode }) => (mode === "hub" ? hub : page));
