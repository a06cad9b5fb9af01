/** What every page of ours begins with: the hub's colours and type, and memory that may be shared. */
import { hubStyles } from "../hub/styles.ts";
import type { Isolation } from "./offline/isolation.ts";
import { isolatePage } from "./offline/page-worker.ts";
import { GETTING_READY } from "./offline/words.ts";

/** `home` is the folder of the whole page, relative to this one. */
export function beginPage(home: string): Promise<Isolation> {
  // First, so that the page's own style sheets have the last word.
  const style = document.createElement("style");
  style.textContent = hubStyles.cssText;
  document.head.prepend(style);
  // A page that is isolated already waits for nothing.
  if (!globalThis.crossOriginIsolated) document.body.append(GETTING_READY);
  return isolatePage(home);
}
