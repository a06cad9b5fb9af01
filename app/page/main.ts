import "@xterm/xterm/css/xterm.css";
import { hubStyles } from "../hub/styles.ts";
import "./page.css";
import "./machines.css";
import "./panels.css";
import { takeLaunchedFiles } from "./offline/launched-files.ts";
import { isolatePage, keepPage } from "./offline/page-worker.ts";
import { PvUpdate } from "./offline/pv-update.ts";
import { GETTING_READY, notIsolated } from "./offline/words.ts";
import { PvApp } from "./pv-app.ts";
import { hearUnexpected } from "./unexpected.ts";

const HOME = "./";

// First, so that page.css has the last word.
const style = document.createElement("style");
style.textContent = hubStyles.cssText;
document.head.prepend(style);

// A page that is isolated already waits for nothing.
if (!globalThis.crossOriginIsolated) document.body.append(GETTING_READY);
const isolation = await isolatePage(HOME);
if (isolation.is !== "reloading") {
  const app = new PvApp();
  const { desk } = app.session;
  hearUnexpected(globalThis, (words) => desk.complain(words));
  if (isolation.is === "impossible") desk.complain(notIsolated(isolation.because));
  takeLaunchedFiles((files) => void desk.addFiles(files));
  const update = new PvUpdate();
  void keepPage(HOME, (newer) => {
    update.offer = newer;
  });
  document.body.replaceChildren(app, update);
}
