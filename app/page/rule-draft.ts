/** A rule while a person writes it: four texts, of which some may be wrong. */
import { parsePlace } from "../place.ts";
import { normalName } from "../rules/device-name.ts";
import { type Rule, RuleError, type RulePart, wrongPart } from "../rules/rule.ts";
import type { Rules } from "../rules/rules.ts";

export type RuleDraft = Readonly<Record<RulePart, string>>;

/** What is wrong with it: which text, and a sentence. */
export interface Wrong {
  readonly part: RulePart;
  readonly sentence: string;
}

export const EMPTY_DRAFT: RuleDraft = { device: "", guest: "1", controller: "0", port: "" };

export function draftOf({ device, place }: Rule): RuleDraft {
  const { guest = "", controller = "", path = "" } = parsePlace(place) ?? {};
  return { device, guest, controller: String(controller), port: path };
}

export function ruleOf({ device, guest, controller, port }: RuleDraft): Rule {
  return { device: device.trim(), place: [guest, controller, port].map((part) => part.trim()).join(":") };
}

/** `old` is the device whose rule it is to replace. */
export function wrongOf(draft: RuleDraft, rules: Rules, old?: string): Wrong | undefined {
  const device = normalName(draft.device.trim());
  if (device === "") return { part: "device", sentence: "A rule needs a device, such as 1d50:6018 or a name." };
  if (device !== old && rules.list.some((rule) => rule.device === device))
    return { part: "device", sentence: `${device} has a rule already.` };
  const [guest, controller, port] = [draft.guest, draft.controller, draft.port].map((part) => part.trim());
  return wrongPart(guest ?? "", controller ?? "", port ?? "");
}

/** The sentences of a RuleError; anything else is thrown on. */
export function sentencesOf(error: unknown): readonly string[] {
  if (error instanceof RuleError) return error.sentences;
  throw error;
}
