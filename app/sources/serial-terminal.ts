/** A serial adapter with the page at the other end of its line: what the guest sends is shown, and lines are typed. */
import type { DeviceOutput, SerialSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed } from "./feed.ts";
import { followOutput } from "./follow-output.ts";
import { part, shadowView } from "./shadow-view.ts";

/** Characters that are shown; the oldest go. */
const SHOWN_MAX = 100_000;

/** What is sent behind a typed line. */
const ENDS = { CR: "\r", LF: "\n", "CR LF": "\r\n", nothing: "" } as const;

const STYLE = `
  textarea { width: 100%; min-height: 8em; resize: vertical; font-family: ui-monospace, monospace; }
  input { flex: 1 1 10em; min-width: 6em; font-family: ui-monospace, monospace; }
`;

export class SerialTerminalFeed implements Feed {
  readonly source: SerialSource = { kind: "serial", chip: "cdc-acm" };
  readonly view: HTMLElement;
  readonly actions = [];
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  readonly #shown = part("textarea", {
    readonly: "",
    rows: "8",
    spellcheck: "false",
    "aria-label": "What the guest has sent",
  });
  readonly #line = part("input", { "aria-label": "A line for the guest", placeholder: "A line for the guest" });
  readonly #end = part(
    "select",
    { "aria-label": "End of the line" },
    ...Object.keys(ENDS).map((name) => part("option", {}, name)),
  );
  readonly #state = part("p", { class: "quiet" });
  #decoder = new TextDecoder();
  #port: UsbPort | undefined;
  #leave: (() => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor() {
    const form = part("form", { class: "row" }, this.#line, this.#end, part("button", {}, "Send"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(this.#line.value + ENDS[this.#end.value as keyof typeof ENDS]);
      this.#line.value = "";
    });
    this.view = shadowView(STYLE, this.#shown, form, this.#state);
  }

  plugged(port: UsbPort): void {
    this.#leave?.();
    this.#port = port;
    this.#decoder = new TextDecoder();
    this.#leave = followOutput(port, (output) => this.#take(output));
  }

  close(): void {
    this.#leave?.();
    this.#port = undefined;
  }

  #take(output: DeviceOutput): void {
    if (output.type !== "serial") return;
    const { baudRate, dataBits, parity, stopBits, dtr } = output;
    const settings = `${baudRate} ${dataBits}${(parity[0] ?? "").toUpperCase()}${stopBits}`;
    this.#state.textContent = dtr ? `A program of the guest has the port open: ${settings}.` : "The port is closed.";
    const text = this.#decoder.decode(output.bytes, { stream: true }).replaceAll("\r\n", "\n");
    if (text === "") return;
    const shown = this.#shown;
    const atEnd = shown.scrollTop + shown.clientHeight >= shown.scrollHeight - 4;
    shown.value = (shown.value + text).slice(-SHOWN_MAX);
    if (atEnd) shown.scrollTop = shown.scrollHeight;
  }

  #send(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const port = this.#port;
    this.#turn = this.#turn.then(() => port?.input({ type: "serial", bytes })).catch(() => undefined);
  }
}
