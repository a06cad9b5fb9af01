import "../page.css";
import "./bench.css";
import { beginPage } from "../begin.ts";
import { keepPage } from "../offline/page-worker.ts";
import { notIsolated } from "../offline/words.ts";
import { hearUnexpected } from "../unexpected.ts";
import { PvBench } from "./pv-bench.ts";

/** Where the page lies whose benchmark this is. */
const HOME = "../";

const isolation = await beginPage(HOME);
if (isolation.is !== "reloading") {
  const bench = new PvBench();
  hearUnexpected(globalThis, (words) => bench.complain(words));
  if (isolation.is === "impossible") bench.complain(notIsolated(isolation.because));
  void keepPage(HOME);
  document.body.replaceChildren(bench);
}
