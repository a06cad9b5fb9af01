/** Hotplug rules of the command line: the kept ones, those of a run, and the ports that they give to named plugs. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parsePlace } from "../place.ts";
import { fileRulesStore, rulesFile } from "../rules/node-rules-store.ts";
import { RuleError } from "../rules/rule.ts";
import { Rules } from "../rules/rules.ts";
import { type Keeper, keepRules } from "../rules/store.ts";
import { inOrder, type PlugArgument, PORTS } from "./plug-argument.ts";
import { UsageError } from "./usage-error.ts";

/** What `pvusb rules` does. */
export type RulesAction =
  | { readonly is: "list" | "export" }
  | { readonly is: "set"; readonly device: string; readonly place: string }
  | { readonly is: "delete"; readonly device: string }
  | { readonly is: "import"; readonly file: string };

/** The kept rules, or those of `file` in their stead. Throws a UsageError with what is wrong in the file. */
export async function keptRules(file: string | undefined): Promise<{ rules: Rules; keeper: Keeper }> {
  const rules = new Rules();
  const name = file ?? rulesFile();
  try {
    return { rules, keeper: await keepRules(rules, fileRulesStore(name)) };
  } catch (error) {
    throw new UsageError(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

/** Resolves with what is to be printed. Throws a UsageError. */
export async function rulesCommand(action: RulesAction, file: string | undefined): Promise<string> {
  const { rules, keeper } = await keptRules(file);
  try {
    switch (action.is) {
      case "list":
      case "export":
        return rules.text;
      case "set":
        rules.set(action.device, action.place);
        break;
      case "delete":
        if (!rules.delete(action.device))
          throw new UsageError(`There is no rule for ${action.device}; see pvusb rules.`);
        break;
      case "import":
        rules.read(await read(action.file));
        break;
      default:
        action satisfies never;
    }
    await keeper.saved();
    return "";
  } catch (error) {
    if (error instanceof RuleError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Every plug with its port, hubs first. Throws a UsageError for one that has none. */
export function placed(plugs: readonly PlugArgument[], rules: Rules): PlugArgument[] {
  return inOrder(
    plugs.map((plug) => {
      if (plug.path.length > 0) return plug;
      const name = plug.name ?? "";
      const rule = rules.match([name]);
      if (!rule) {
        throw new UsageError(`--plug ${plug.text}: no rule says where ${name} goes; add @1, or --rule ${name}:1:0:1.`);
      }
      const { guest, controller, path = "" } = parsePlace(rule.place) ?? {};
      const hops = path.split(".").map(Number);
      if (guest !== "1" || controller !== 0 || (hops[0] ?? 0) > PORTS) {
        throw new UsageError(
          `--plug ${plug.text}: its rule sends it to ${rule.place}, and this guest has 1:0:1 to 1:0:${PORTS}.`,
        );
      }
      return { ...plug, path: hops };
    }),
  );
}

async function read(file: string): Promise<string> {
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
