/** Why the browser gave nothing: names of its errors, and for cameras, microphones and screens an Error whose message is a sentence. */

/** What was asked for. */
export type Wanted = "camera" | "microphone";

/** By DOMException.name (Media Capture and Streams §10.2). */
export function refused(wanted: Wanted, cause: unknown): Error {
  const sentences: Readonly<Record<string, string>> = {
    NotAllowedError: `The browser does not let this page use the ${wanted}. Allow the ${wanted} for this page in the browser's site settings (and for the browser in the computer's own settings), then plug again.`,
    SecurityError: `The page around this one, or a policy of this computer, forbids the ${wanted}. Open the page in a tab of its own, then plug again.`,
    NotFoundError: `No ${wanted} was found. Connect one, then plug again.`,
    NotReadableError: `The ${wanted} does not start; another program may have it. Close that program, then plug again.`,
    AbortError: `The ${wanted} does not start; another program may have it. Close that program, then plug again.`,
  };
  const name = nameOf(cause);
  return new Error(sentences[name] ?? `The browser gave no ${wanted} (${name}). Plug again, or use another browser.`, {
    cause,
  });
}

/** Where the browser has no such thing at all. */
export function unavailable(what: string): Error {
  return new Error(
    `This browser gives pages no ${what} here. The page's address must begin with https:// or be localhost; otherwise use a current Chrome, Edge, Firefox or Safari on a computer.`,
  );
}

/** The person closed the browser's file picker. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : "unknown error";
}
