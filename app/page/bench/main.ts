import { hubStyles } from "../../hub/styles.ts";
import "../page.css";
import "./bench.css";
import { isolatePage, keepPage } from "../offline/page-worker.ts";
import { GETTING_READY, notIsolated } from "../offline/words.ts";
import { PvBench } from "./pv-bench.ts";

/** Where the page lies whose benchmark this is. */
const HOME = "../";

// First, so that the style sheets of pages have the last word.
const style = document.createElement("style");
style.textContent = hubStyles.cssText;
document.head.prepend(style);

if (!globalThis.crossOriginIsolated) document.body.append(GETTING_READY);
const isolation = await isolatePage(HOME);
if (isolation.is !== "reloading") {
  const bench = new PvBench();
  if (isolation.is === "impossible") bench.complain(notIsolated(isolation.because));
  void keepPage(HOME);
  document.body.replaceChildren(bench);
}
