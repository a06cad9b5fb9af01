import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Words } from "../../../app/hub/words.ts";
import { hearUnexpected } from "../../../app/page/unexpected.ts";

let page: EventTarget;
let told: Words[];

beforeEach(() => {
  vi.stubGlobal("__PVUSB_BUILD__", "0123abcd");
  vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 Chrome/156" });
  page = new EventTarget();
  told = [];
  hearUnexpected(page, (words) => told.push(words));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const happens = (type: string, fields: object) => page.dispatchEvent(Object.assign(new Event(type), fields));

test("a thrown error is one sentence, and its stack is only in the details", () => {
  const error = new TypeError("x is not a function\n    at plug (file.js:1:2)");
  happens("error", { error, message: `Uncaught TypeError: ${error.message}` });
  const [{ text = "", details = "", steps = [] } = {}] = told;
  expect(text).toBe("It says: “x is not a function”");
  expect(steps.join()).not.toContain("file.js");
  expect(details).toContain("TypeError: x is not a function");
  expect(details).toContain(error.stack ?? "no stack");
  expect(details).toContain("build 0123abcd");
  expect(details).toContain("Chrome/156");
});

test.each([
  ["a promise's error", new Error("the disk is full"), "It says: “the disk is full”"],
  ["a promise's text", "just a text", "It says: “just a text”"],
  ["a promise's nothing", undefined, "It says: “undefined”"],
  ["an error without words", new Error(""), "It does not say what."],
  ["a long one", new Error("x".repeat(5000)), `It says: “${"x".repeat(200)}”`],
])("%s is told", (_, reason, text) => {
  happens("unhandledrejection", { reason });
  expect(told.map((words) => words.text)).toEqual([text]);
});

test("a browser's note about sizes is nobody's trouble", () => {
  happens("error", { message: "ResizeObserver loop completed with undelivered notifications." });
  expect(told).toEqual([]);
});

test("a script of another origin says nothing but that", () => {
  happens("error", { message: "Script error.", error: null });
  expect(told.map(({ text }) => text)).toEqual(["It says: “Script error.”"]);
});
