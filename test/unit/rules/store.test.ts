import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { fileRulesStore, rulesFile } from "../../../app/rules/node-rules-store.ts";
import { Rules } from "../../../app/rules/rules.ts";
import { keepRules } from "../../../app/rules/store.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "pvusb-rules-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

test("rules are in a file after each change, and back in other rules", async () => {
  const file = join(await folder(), "new", "rules");
  const rules = new Rules();
  const keeper = await keepRules(rules, fileRulesStore(file));
  rules.set("backup", "1:0:3");
  rules.set("1d50:6018", "two:0:1");
  await keeper.saved();
  expect(await readFile(file, "utf8")).toBe("backup:1:0:3\n1d50:6018:two:0:1\n");
  expect(await readdir(join(file, ".."))).toEqual(["rules"]);
  const others = new Rules();
  await keepRules(others, fileRulesStore(file));
  expect(others.list).toEqual(rules.list);
});

test("what another has written is read again", async () => {
  const file = join(await folder(), "rules");
  const rules = new Rules();
  const keeper = await keepRules(rules, fileRulesStore(file));
  rules.set("backup", "1:0:3");
  await keeper.saved();
  await writeFile(file, "backup:1:0:4\n");
  const changed = vi.fn();
  rules.follow(changed);
  await keeper.reload();
  await keeper.reload();
  expect(rules.match(["backup"])?.place).toBe("1:0:4");
  expect(changed).toHaveBeenCalledTimes(1);
});

test("a file with a bad line is told of and stays as it is", async () => {
  const file = join(await folder(), "rules");
  await writeFile(file, "backup:1:0:3\nrubbish\n");
  const rules = new Rules();
  await expect(keepRules(rules, fileRulesStore(file))).rejects.toThrow('Line 2: "rubbish" is no rule');
  expect(rules.size).toBe(0);
  rules.set("backup", "1:0:4");
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await readFile(file, "utf8")).toBe("backup:1:0:3\nrubbish\n");
});

test("a change that cannot be kept is told, and the next is tried", async () => {
  const store = { get: async () => undefined, set: vi.fn().mockRejectedValueOnce(new Error("no room")) };
  const rules = new Rules();
  const keeper = await keepRules(rules, store);
  rules.set("backup", "1:0:3");
  await expect(keeper.saved()).rejects.toThrow("no room");
  rules.set("backup", "1:0:4");
  await keeper.saved();
  expect(store.set).toHaveBeenLastCalledWith("backup:1:0:4\n");
});

test("the file is in the person's folder for settings", () => {
  vi.stubEnv("XDG_CONFIG_HOME", "/somewhere");
  expect(rulesFile()).toBe("/somewhere/pvusb/rules");
  vi.stubEnv("XDG_CONFIG_HOME", "");
  vi.stubEnv("HOME", "/home/me");
  expect(rulesFile()).toBe("/home/me/.config/pvusb/rules");
  vi.unstubAllEnvs();
});
