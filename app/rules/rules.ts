/** The hotplug rules of a host: which device goes to which port. One rule a name. */
import { normalName } from "./device-name.ts";
import { formatRule, makeRule, parseRule, type Rule, RuleError } from "./rule.ts";

export class Rules implements Iterable<Rule> {
  /** By device, in the order in which they were set. */
  #rules = new Map<string, Rule>();
  readonly #listeners = new Set<() => void>();

  /** Calls `listener` after each change, until the function that it answers is called. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * `rules.set("1d50:6018", "1:0:3")`: the device goes there from now on, instead of where its rule said before. Throws a
   * RuleError.
   */
  set(device: string, place: string): void {
    const rule = makeRule(device, place);
    this.#rules.set(rule.device, rule);
    this.#changed();
  }

  /**
   * The rule of `device` is for another device or another place from now on, and stays where it is in the list. Throws a
   * RuleError, and nothing has changed then.
   */
  change(device: string, to: Rule): void {
    const old = normalName(device);
    const rule = makeRule(to.device, to.place);
    if (rule.device !== old && this.#rules.has(rule.device))
      throw new RuleError([`${rule.device} has a rule already.`]);
    const entries = [...this.#rules.values()].map((each) => (each.device === old ? rule : each));
    this.#rules = new Map(entries.map((each) => [each.device, each]));
    this.#changed();
  }

  /** False if there was none. */
  delete(device: string): boolean {
    const deleted = this.#rules.delete(normalName(device));
    if (deleted) this.#changed();
    return deleted;
  }

  get list(): readonly Rule[] {
    return [...this.#rules.values()];
  }

  get size(): number {
    return this.#rules.size;
  }

  [Symbol.iterator](): Iterator<Rule> {
    return this.list[Symbol.iterator]();
  }

  /** The rule for a device with these names; a rule for an earlier one goes before. */
  match(names: readonly string[]): Rule | undefined {
    for (const name of names) {
      const rule = this.#rules.get(normalName(name));
      if (rule) return rule;
    }
    return undefined;
  }

  /** One line a rule. */
  get text(): string {
    return this.list.map((rule) => `${formatRule(rule)}\n`).join("");
  }

  /**
   * Has the rules of a text instead. Empty lines and lines that begin with # are no rules. Throws a RuleError with a sentence
   * for each bad line, and nothing has changed then.
   */
  read(text: string): void {
    this.#rules = parseRules(text);
    this.#changed();
  }

  /** Has the rules of a text as well, each instead of the one for the same device. Answers how many; throws as read(). */
  add(text: string): number {
    const more = parseRules(text);
    for (const rule of more.values()) this.#rules.set(rule.device, rule);
    this.#changed();
    return more.size;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** By device. */
function parseRules(text: string): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  const lines = new Map<string, number>();
  const wrong: string[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    try {
      const rule = parseRule(line);
      const before = lines.get(rule.device);
      if (before !== undefined) throw new RuleError([`${rule.device} has a rule already, in line ${before}.`]);
      lines.set(rule.device, index + 1);
      rules.set(rule.device, rule);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      wrong.push(...error.sentences.map((sentence) => `Line ${index + 1}: ${sentence}`));
    }
  }
  if (wrong.length > 0) throw new RuleError(wrong);
  return rules;
}
