/** `npm run bench -- [--json FILE] [--section NAME]... [--rounds N] [--where node|chromium]` */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import type { Where } from "../../app/bench/bars.ts";
import { sections } from "../../app/bench/index.ts";
import type { Row } from "../../app/bench/row.ts";
import { type BenchOptions, runBench } from "../../app/bench/section.ts";
import { folderFiles, installedV86 } from "../../app/guest/node-files.ts";
import { runInChromium } from "./chromium.ts";
import { print, unmeasured } from "./print.ts";

const PLACES: readonly Where[] = ["node", "chromium"];

const { values } = parseArgs({
  options: {
    json: { type: "string", default: "test/artefacts/bench.json" },
    section: { type: "string", multiple: true },
    rounds: { type: "string", default: "7" },
    where: { type: "string" },
  },
});
const names = values.section ?? sections.map(({ name }) => name);
const chosen = sections.filter(({ name }) => names.includes(name));
const places = PLACES.filter((place) => values.where === undefined || place === values.where);
const rounds = Number(values.rounds);
if (chosen.length < new Set(names).size)
  fail(`There are these sections: ${sections.map(({ name }) => name).join(", ")}.`);
if (places.length === 0) fail(`It runs in these places: ${PLACES.join(", ")}.`);
if (!Number.isInteger(rounds) || rounds < 1) fail("It takes one round or more.");

const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version, rounds };
const rows: Row[] = [];
await mkdir(dirname(values.json), { recursive: true });
for (const section of chosen) {
  for (const where of places) {
    const tell = (words: string) => console.error(`${where}: ${words}`);
    const options: BenchOptions = { rounds, onStage: tell, onSkip: tell };
    const told =
      where === "node" ? await runBench([section], inNode(), options) : await runInChromium([section.name], options);
    console.log(print(`${section.title}, ${where}`, told));
    rows.push(...told);
    await writeFile(values.json, `${JSON.stringify({ machine, rows }, undefined, 1)}\n`);
  }
}
for (const name of unmeasured(rows, names, places)) console.log(`Not measured: ${name}`);

function inNode() {
  return {
    where: "node" as const,
    guest: { files: folderFiles("public/guest"), wasm: installedV86().wasm },
    async cpuTime() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
  };
}

function fail(words: string): never {
  console.error(words);
  process.exit(2);
}
