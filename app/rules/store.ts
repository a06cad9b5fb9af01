/** Where rules are kept, in their text form. */
import type { Rules } from "./rules.ts";

export interface RulesStore {
  /** Undefined if none were kept. */
  get(): Promise<string | undefined>;
  set(text: string): Promise<void>;
}

export interface Keeper {
  /** Reads what is kept again: another tab may have written. Rejects with a RuleError, and nothing has changed then. */
  reload(): Promise<void>;
  /** Resolves when all that was changed until now is kept. Rejects if it cannot be. */
  saved(): Promise<void>;
}

/** Reads the rules that are kept, and keeps each change from then on. Rejects with a RuleError, and keeps nothing then. */
export async function keepRules(rules: Rules, store: RulesStore): Promise<Keeper> {
  let reading = false;
  let saving: Promise<void> = Promise.resolve();
  const reload = async () => {
    await saving.catch(() => undefined);
    const text = (await store.get()) ?? "";
    if (text === rules.text) return;
    reading = true;
    try {
      rules.read(text);
    } finally {
      reading = false;
    }
  };
  await reload();
  rules.follow(() => {
    if (reading) return;
    const { text } = rules;
    saving = saving.catch(() => undefined).then(() => store.set(text));
    saving.catch(() => undefined);
  });
  return { reload, saved: () => saving };
}
