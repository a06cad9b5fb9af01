/** A rule while a person writes it: the part that is wrong is named, and what is right is a rule. */
import { expect, test } from "vitest";
import { draftOf, EMPTY_DRAFT, ruleOf, wrongOf } from "../../app/page/rule-draft.ts";
import { Rules } from "../../app/rules/rules.ts";

function create() {
  const rules = new Rules();
  rules.set("1d50:6018", "1:0:3");
  rules.set("backup", "windows:0:3.2");
  return rules;
}

const GOOD = { device: "keyboard", guest: "1", controller: "0", port: "2" };

test.each([
  ["device", { ...GOOD, device: " " }, /needs a device/],
  ["device", { ...GOOD, device: "0x1D50:6018" }, /1d50:6018 has a rule already/],
  ["guest", { ...GOOD, guest: "" }, /GUEST/],
  ["guest", { ...GOOD, guest: "0" }, /GUEST/],
  ["guest", { ...GOOD, guest: "a:b" }, /GUEST/],
  ["controller", { ...GOOD, controller: "x" }, /CONTROLLER/],
  ["controller", { ...GOOD, controller: "1000" }, /999/],
  ["port", { ...GOOD, port: "" }, /PORT/],
  ["port", { ...GOOD, port: "0" }, /PORT/],
  ["port", { ...GOOD, port: "3." }, /PORT/],
  ["port", EMPTY_DRAFT, /needs a device/],
])("says what is wrong with the %s", (part, draft, words) => {
  const wrong = wrongOf(draft, create());
  expect(wrong?.part).toBe(draft === EMPTY_DRAFT ? "device" : part);
  expect(wrong?.sentence).toMatch(words);
});

test("what is right is the rule, without the spaces around it", () => {
  const rules = create();
  const draft = { device: " 1D50:1 ", guest: " windows ", controller: "0 ", port: " 3.2" };
  expect(wrongOf(draft, rules)).toBeUndefined();
  const { device, place } = ruleOf(draft);
  rules.set(device, place);
  expect(rules.list.at(-1)).toEqual({ device: "1d50:0001", place: "windows:0:3.2" });
});

test("a rule may keep its device while it is edited, and each rule reads back as its draft", () => {
  const rules = create();
  for (const rule of rules) {
    const draft = draftOf(rule);
    expect(wrongOf(draft, rules, rule.device)).toBeUndefined();
    expect(ruleOf(draft)).toEqual(rule);
  }
});
