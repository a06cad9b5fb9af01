/** `pvusb rules`, and the ports that rules give to named plugs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parsePlug } from "../../../app/cli/plug-argument.ts";
import { placed, rulesCommand } from "../../../app/cli/run-rules.ts";
import { UsageError } from "../../../app/cli/usage-error.ts";
import { Rules } from "../../../app/rules/rules.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "pvusb-rules-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

test("rules are set, listed, deleted, exported and imported", async () => {
  const made = await folder();
  const [file, other] = [join(made, "deep", "rules"), join(made, "other")];
  expect(await rulesCommand({ is: "list" }, file)).toBe("");
  await rulesCommand({ is: "set", device: "0x1D50:6018", place: "1:0:3" }, file);
  await rulesCommand({ is: "set", device: "#1", place: "two:0:1.2" }, file);
  const text = "1d50:6018:1:0:3\n\\#1:two:0:1.2\n";
  expect(await rulesCommand({ is: "list" }, file)).toBe(text);
  await writeFile(other, `# from ${file}\n${await rulesCommand({ is: "export" }, file)}`);
  await rulesCommand({ is: "delete", device: "#1" }, file);
  expect(await readFile(file, "utf8")).toBe("1d50:6018:1:0:3\n");
  await rulesCommand({ is: "import", file: other }, file);
  expect(await readFile(file, "utf8")).toBe(text);
});

test("what is wrong is said, and the kept rules stay", async () => {
  const made = await folder();
  const [file, bad] = [join(made, "rules"), join(made, "bad")];
  await writeFile(file, "backup:1:0:3\n");
  await writeFile(bad, "1d50:6018:1:0:1\nrubbish\nx:1:0:0\n");
  const refused = async (...args: Parameters<typeof rulesCommand>) => {
    const error = await rulesCommand(...args).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(await readFile(file, "utf8")).toBe("backup:1:0:3\n");
    return (error as Error).message;
  };
  expect(await refused({ is: "import", file: bad }, file)).toMatch(/^Line 2: "rubbish" .*\nLine 3: "x:1:0:0" .*$/);
  expect(await refused({ is: "import", file: join(made, "none") }, file)).toContain("cannot be read");
  expect(await refused({ is: "set", device: "x", place: "1:0" }, file)).toContain("write GUEST:CONTROLLER:PORT");
  expect(await refused({ is: "delete", device: "x" }, file)).toBe("There is no rule for x; see pvusb rules.");
  expect(await refused({ is: "list" }, bad)).toMatch(/bad: Line 2: /);
});

test("named plugs have the ports that their rules say, hubs first", () => {
  const rules = new Rules();
  rules.read("keys:1:0:2.3\nhub:1:0:2\nfar:two:0:1\nhigh:1:0:9\n");
  const plugs = (...texts: string[]) => placed(texts.map(parsePlug), rules).map(({ text, path }) => [text, path]);
  expect(plugs("keys=keyboard", "keyboard@1", "hub=hub")).toEqual([
    ["keyboard@1", [1]],
    ["hub=hub", [2]],
    ["keys=keyboard", [2, 3]],
  ]);
  expect(plugs("keys=keyboard@4")).toEqual([["keys=keyboard@4", [4]]]);
  expect(() => plugs("other=keyboard")).toThrow("no rule says where other goes; add @1, or --rule other:1:0:1.");
  expect(() => plugs("far=keyboard")).toThrow("its rule sends it to two:0:1, and this guest has 1:0:1 to 1:0:8.");
  expect(() => plugs("high=keyboard")).toThrow("1:0:9");
  expect(() => plugs("hub=hub", "keyboard@2")).toThrow("Two devices are to be plugged into port 2.");
});
