/** What nobody has expected, in one sentence; what a developer wants to know of it is copied by a button, and not shown. */
import type { Words } from "../hub/words.ts";

/** Browsers tell of it when an element's size changes twice in a frame. Nothing is wrong. */
const HARMLESS = /^ResizeObserver loop/;
const SENTENCE_MAX = 200;

/** Tells of each error of the page that nobody has caught. */
export function hearUnexpected(page: EventTarget, tell: (words: Words) => void): void {
  page.addEventListener("error", (event) => {
    const { error, message } = event as ErrorEvent;
    if (!HARMLESS.test(message ?? "")) tell(unexpected(error ?? message));
  });
  page.addEventListener("unhandledrejection", (event) => {
    tell(unexpected((event as PromiseRejectionEvent).reason));
  });
}

export function unexpected(error: unknown): Words {
  const { name, message, stack } = error instanceof Error ? error : { name: "", message: String(error), stack: "" };
  const line = message.split("\n", 1)[0]?.trim().slice(0, SENTENCE_MAX);
  return {
    title: "Something went wrong in this page",
    text: line ? `It says: “${line}”` : "It does not say what.",
    steps: [
      "If something does not work any more, load the page again.",
      "If it happens again, tell us: copy the details into a report.",
    ],
    details: [`${name}: ${message}`, stack, `build ${__PVUSB_BUILD__}`, navigator.userAgent, new Date().toISOString()]
      .filter(Boolean)
      .join("\n"),
  };
}
