import "@xterm/xterm/css/xterm.css";
import { hubStyles } from "../hub/styles.ts";
import "./page.css";
import "./pv-app.ts";

// First, so that page.css has the last word.
const style = document.createElement("style");
style.textContent = hubStyles.cssText;
document.head.prepend(style);
