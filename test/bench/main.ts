/** `npm run bench -- [--json FILE] [--section NAME] [--rounds N] [--where node|chromium]` */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { print } from "./print.ts";
import { ring } from "./ring.ts";
import type { BenchOptions, Section, Table } from "./section.ts";
import { storage } from "./storage.ts";

const sections: readonly Section[] = [ring, storage];

const { values } = parseArgs({
  options: {
    json: { type: "string", default: "test/artefacts/bench.json" },
    section: { type: "string" },
    rounds: { type: "string", default: "7" },
    where: { type: "string", default: "both" },
  },
});
const chosen = sections.filter(({ name }) => values.section === undefined || name === values.section);
if (chosen.length === 0)
  throw new Error(`There is no section ${values.section}; there are ${sections.map((s) => s.name)}.`);
const options: BenchOptions = { rounds: Number(values.rounds), where: values.where as BenchOptions["where"] };

const results: { section: string; tables: Table[] }[] = [];
for (const section of chosen) {
  const tables = await section.run(options);
  for (const table of tables) console.log(print(table));
  results.push({ section: section.name, tables });
}
await mkdir(dirname(values.json), { recursive: true });
const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
await writeFile(values.json, `${JSON.stringify({ machine, results }, undefined, 1)}\n`);
