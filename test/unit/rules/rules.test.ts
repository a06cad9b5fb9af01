import { describe, expect, test, vi } from "vitest";
import { RuleError } from "../../../app/rules/rule.ts";
import { Rules } from "../../../app/rules/rules.ts";

function read(text: string): Rules {
  const rules = new Rules();
  rules.read(text);
  return rules;
}

describe("a line", () => {
  test.each([
    ["1-2.3:1:0:3", "1-2.3", "1:0:3"], // the rule of 2009
    ["1d50:6018:1:0:3", "1d50:6018", "1:0:3"],
    ["0x1D50:18:1:0:3", "1d50:0018", "1:0:3"],
    ["1d50:6018/A:B/1:2:1:3.2", "1d50:6018/A:B/1", "2:1:3.2"],
    ["a:b:c:Windows 98:12:15.4.1", "a:b:c", "Windows 98:12:15.4.1"],
    ["\\#1:1:0:3", "#1", "1:0:3"],
    ["\\ two\\\\\\nlines\\r:1:0:3", " two\\\nlines\r", "1:0:3"],
    ["  backup:007:00:3 \r", "backup", "7:0:3"],
  ])("%j is read from the right", (line, device, place) => {
    expect(read(line).list).toEqual([{ device, place }]);
  });

  test.each([
    ["backup", /^Line 1: "backup" is no rule: write DEVICE:GUEST:CONTROLLER:PORT, such as 1d50:6018:1:0:3\.$/],
    ["1:0:3", /write DEVICE:GUEST:CONTROLLER:PORT/],
    [":1:0:3", /write DEVICE:GUEST:CONTROLLER:PORT/],
    ["backup:0:0:3", /"backup:0:0:3" is no rule: GUEST is a number from 1, or the guest's name\.$/],
    ["backup::0:3", /GUEST is a number from 1/],
    ["backup:1:first:3", /CONTROLLER is a number and counts from 0\.$/],
    ["backup:1:1000:3", /CONTROLLER is a number up to 999\.$/],
    ["backup:1:0:0", /PORT is a number from 1 to 99, or 3\.2 for port 2 of the hub in port 3\.$/],
    ["backup:1:0:3.", /PORT is a number/],
    ["backup:1:0:", /PORT is a number/],
    [`${"x".repeat(500)}:1:0:0`, /^Line 1: "x{80}…" is no rule/],
  ])("%j is refused in a sentence", (line, sentence) => {
    expect(() => read(line)).toThrow(sentence);
  });
});

describe("a text", () => {
  test("has rules, comments and empty lines", () => {
    const text = "\uFEFF# mine\r\n\r\nbackup:1:0:3\r\n   # more\n1d50:6018:2:0:1\n";
    expect(read(text).text).toBe("backup:1:0:3\n1d50:6018:2:0:1\n");
  });

  test("with bad lines has a sentence for each, and changes nothing", () => {
    const rules = read("backup:1:0:3");
    const changed = vi.fn();
    rules.follow(changed);
    const error = (() => {
      try {
        rules.read("1d50:6018:1:0:1\nrubbish\n\n1D50:6018:1:0:2\nx:1:0:0\n");
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(RuleError);
    expect((error as RuleError).sentences).toEqual([
      'Line 2: "rubbish" is no rule: write DEVICE:GUEST:CONTROLLER:PORT, such as 1d50:6018:1:0:3.',
      "Line 4: 1d50:6018 has a rule already, in line 1.",
      'Line 5: "x:1:0:0" is no rule: PORT is a number from 1 to 99, or 3.2 for port 2 of the hub in port 3.',
    ]);
    expect(rules.text).toBe("backup:1:0:3\n");
    expect(changed).not.toHaveBeenCalled();
  });
});

describe("rules", () => {
  test("are set, replaced and deleted by device, in order, and tell of it", () => {
    const rules = new Rules();
    const changed = vi.fn();
    const stop = rules.follow(changed);
    rules.set("0x1d50:6018", "1:0:3");
    rules.set("1-2.3", "two:0:1");
    rules.set("1D50:6018", "2:0:3.2");
    expect([...rules]).toEqual([
      { device: "1d50:6018", place: "2:0:3.2" },
      { device: "1-2.3", place: "two:0:1" },
    ]);
    expect(rules.delete("1d50:6018")).toBe(true);
    expect(rules.delete("1d50:6018")).toBe(false);
    expect(changed).toHaveBeenCalledTimes(4);
    stop();
    rules.read("");
    expect(rules.size).toBe(0);
    expect(changed).toHaveBeenCalledTimes(4);
  });

  test.each([
    ["", "1:0:3", "A rule needs a device"],
    ["x", "1:0", '"1:0" is no place: write GUEST:CONTROLLER:PORT'],
    ["x", "y:1:0:3", "write GUEST:CONTROLLER:PORT"],
    ["x", "0:0:3", '"0:0:3" is no place: GUEST'],
    ["x", "1:0:3.0", "PORT is a number"],
  ])("%j cannot be sent to %j", (device, place, words) => {
    const rules = new Rules();
    expect(() => rules.set(device, place)).toThrow(RuleError);
    expect(() => rules.set(device, place)).toThrow(words);
    expect(rules.size).toBe(0);
  });

  test("match the most telling name of a device, whatever their order", () => {
    const rules = read("1d50:6018:1:0:1\n1d50:6018/AB:1:0:2\n1-2:1:0:3");
    expect(rules.match(["1-2", "1d50:6018/AB", "1d50:6018"])?.place).toBe("1:0:3");
    expect(rules.match(["1-3", "1d50:6018/AB", "1d50:6018"])?.place).toBe("1:0:2");
    expect(rules.match(["1d50:6018"])?.place).toBe("1:0:1");
    expect(rules.match(["1d50:6019"])).toBeUndefined();
    expect(rules.match([])).toBeUndefined();
  });
});

describe("a list that is edited", () => {
  const TEXT = "a:1:0:1\nb:1:0:2\nc:1:0:3\n";

  test("changes a rule where it stands, once for who listens", () => {
    const rules = read(TEXT);
    const heard = vi.fn();
    rules.follow(heard);
    rules.change("b", { device: "0x1D50:1", place: "2:0:4" });
    expect(rules.text).toBe("a:1:0:1\n1d50:0001:2:0:4\nc:1:0:3\n");
    rules.change("c", { device: "c", place: "1:0:5" });
    expect(rules.text).toBe("a:1:0:1\n1d50:0001:2:0:4\nc:1:0:5\n");
    expect(heard).toHaveBeenCalledTimes(2);
  });

  test("takes no second rule for a device, and nothing that is no rule", () => {
    const rules = read(TEXT);
    expect(() => rules.change("b", { device: "a", place: "1:0:2" })).toThrow(/^a has a rule already\.$/);
    expect(() => rules.change("b", { device: "b", place: "1:0:x" })).toThrow(RuleError);
    expect(rules.text).toBe(TEXT);
  });

  test("takes more rules, and loses none but those for the same device", () => {
    const rules = read(TEXT);
    expect(rules.add("# more\nd:1:0:4\nb:2:0:2\n")).toBe(2);
    expect(rules.text).toBe("a:1:0:1\nb:2:0:2\nc:1:0:3\nd:1:0:4\n");
    expect(() => rules.add("e:1:0:5\nrubbish\n")).toThrow(/^Line 2: "rubbish" is no rule/);
    expect(rules.size).toBe(4);
  });
});
