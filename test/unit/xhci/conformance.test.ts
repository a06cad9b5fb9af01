/** The table of app/xhci/README.md: every row has its test, and everything that the sources name has its row. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as registers from "../../../app/xhci/registers.ts";
import * as trbs from "../../../app/xhci/trb.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";

const FOLDERS = ["test/unit/xhci", "test/property"];
const readme = readFileSync("app/xhci/README.md", "utf8");
const section = readme.slice(readme.indexOf("## Conformance"), readme.indexOf("## Assumed"));
const rows = section
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => cells.length === 5 && cells[1] !== "what" && !cells[1]?.startsWith("--"))
  .map(([, what = "", paragraph = "", test = ""]) => ({ what, paragraph, test }));
const named = new Set(rows.flatMap(({ what }) => [...what.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name]) => name)));
const createRig = await rigFactory();

/** The titles of a test file's tests: the strings of its calls, as they are written. */
function titles(file: string): string {
  const folder = FOLDERS.find((each) => readdirSync(each).includes(`${file}.test.ts`));
  if (!folder) throw new Error(`There is no test file ${file}.test.ts`);
  const source = readFileSync(join(folder, `${file}.test.ts`), "utf8");
  return [...source.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text).join("\n");
}

describe("the conformance table", () => {
  it("is there", () => {
    expect(rows.length).toBeGreaterThan(80);
  });

  it.each(rows)("shows $what ($paragraph) by a test that is there", ({ paragraph, test }) => {
    expect(paragraph).toMatch(/^(§|table )/);
    const [, file = "", words = ""] = /^([a-z0-9-]+): (.+)$/.exec(test) ?? [];
    expect(titles(file)).toContain(words);
  });

  it("has every TRB type and every completion code", () => {
    const types = Object.entries(trbs).filter(([name, value]) => name.startsWith("TRB_") && isType(name, value));
    const codes = Object.keys(trbs).filter((name) => name.startsWith("CC_"));
    expect(types.length).toBeGreaterThan(20);
    expect([...types.map(([name]) => name), ...codes].filter((name) => !named.has(name))).toEqual([]);
  });

  it("has every register of the controller", () => {
    const { controller } = createRig({ sockets: 1 });
    const names: string[] = [];
    const stop = controller.trace({ registers: ({ name }) => names.push(name) });
    for (let offset = 0; offset < registers.BAR_SIZE; offset += 4) controller.pci.bar.read(offset, 4);
    stop();
    const wanted = new Set(names.filter((name) => /^[A-Z]/.test(name)).map(plainName));
    const missing = [...wanted].filter((name) => !named.has(name));
    expect(wanted.size).toBeGreaterThan(25);
    expect(missing).toEqual([]);
  });
});

/** A port's and a slot's registers without their number, and a capability without its dword's name. */
function plainName(name: string): string {
  return name.replace(/^(PORT[A-Z]+|DOORBELL)\d+$/, "$1").replace(/^(SUPPORTED_PROTOCOL_USB\d)_.*/, "$1");
}

/** TRB_… names types and bits alike: the types are those that the sources list as such. */
function isType(name: string, value: unknown): boolean {
  const source = readFileSync("app/xhci/trb.ts", "utf8");
  const list = source.slice(source.indexOf("// TRB types"), source.indexOf("// Completion codes"));
  return typeof value === "number" && list.includes(`const ${name} = `);
}
