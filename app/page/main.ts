import "@xterm/xterm/css/xterm.css";
import "../hub/hub.css";
import "./page.css";
import "./pv-app.ts";
