import { expect, test } from "vitest";
import { refused, unavailable } from "../../../app/sources/refused.ts";

test.each([
  ["NotAllowedError", /does not let this page use the camera.* site settings/],
  ["SecurityError", /in a tab of its own/],
  ["NotFoundError", /^No camera was found. Connect one, then plug again.$/],
  ["NotReadableError", /another program may have it/],
  ["AbortError", /another program may have it/],
  ["OverconstrainedError", /gave no camera \(OverconstrainedError\)/],
])("%s becomes a sentence with what to do", (name, sentence) => {
  const cause = new DOMException("Requested device not found", name);
  const error = refused("camera", cause);
  expect(error.message).toMatch(sentence);
  expect(error.message).not.toContain("Requested device");
  expect(error.cause).toBe(cause);
});

test("what is no error is no riddle", () => {
  expect(refused("microphone", undefined).message).toMatch(/^The browser gave no microphone \(unknown error\)\./);
  expect(unavailable("microphone").message).toMatch(/no microphone here.*https:/);
});
