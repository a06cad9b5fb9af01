/** Why a plug failed, in words for the person. Comlink carries an error's name and message across the worker's boundary. */
import type { PlugErrorName } from "./protocol.ts";

export class PlugError extends Error {
  /** `message` is one clear sentence, and what to do about it. */
  constructor(name: PlugErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

/** What an unknown thrown value says. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
