import "@xterm/xterm/css/xterm.css";
import "./styles.css";
import "./pv-app.ts";
