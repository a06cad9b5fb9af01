import "@xterm/xterm/css/xterm.css";
import "./page.css";
import "./machines.css";
import "./panels.css";
import { beginPage } from "./begin.ts";
import { takeLaunchedFiles } from "./offline/launched-files.ts";
import { keepPage } from "./offline/page-worker.ts";
import { PvUpdate } from "./offline/pv-update.ts";
import { notIsolated } from "./offline/words.ts";
import { PvApp } from "./pv-app.ts";
import { hearUnexpected } from "./unexpected.ts";

const HOME = "./";

const isolation = await beginPage(HOME);
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
