/**
 * Saved states: plain data (records, lists, numbers, flags, strings, bytes) that both sides write and read back. A state comes out of a
 * file, so what is read is not trusted.
 */

/** A state cannot be saved or restored; the message is a sentence for the person. */
export class StateError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StateError";
  }
}

/** Reads the fields of a saved record. Whatever is missing or out of its range is a StateError. */
export class Saved {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #what: string;

  /** `what` names the part for the person: "a keyboard". */
  constructor(data: unknown, what: string) {
    this.#what = what;
    if (typeof data !== "object" || data === null || Array.isArray(data) || ArrayBuffer.isView(data))
      throw this.wrong();
    this.#fields = data as Readonly<Record<string, unknown>>;
  }

  /** What to throw for a field that says something impossible. */
  wrong(field?: string): StateError {
    const where = field === undefined ? this.#what : `${this.#what} (${field})`;
    return new StateError(`The saved state is damaged: it does not say how ${where} was. Take another one.`);
  }

  get(field: string): unknown {
    return Object.hasOwn(this.#fields, field) ? this.#fields[field] : undefined;
  }

  integer(field: string, max = 0xffffffff, min = 0): number {
    const value = this.get(field);
    if (!Number.isSafeInteger(value)) throw this.wrong(field);
    const number = value as number;
    if (number < min || number > max) throw this.wrong(field);
    return number;
  }

  /** Any number that is one, also a fraction. */
  number(field: string): number {
    const value = this.get(field);
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.wrong(field);
    return value;
  }

  flag(field: string): boolean {
    const value = this.get(field);
    if (typeof value !== "boolean") throw this.wrong(field);
    return value;
  }

  choice<T extends string>(field: string, choices: readonly T[]): T {
    const found = choices.find((choice) => choice === this.get(field));
    if (found === undefined) throw this.wrong(field);
    return found;
  }

  text(field: string, max = 0xffff): string {
    const value = this.get(field);
    if (typeof value !== "string" || value.length > max) throw this.wrong(field);
    return value;
  }

  bytes(field: string, max: number, min = max): Uint8Array {
    const value = this.get(field);
    if (!(value instanceof Uint8Array) || value.length > max || value.length < min) throw this.wrong(field);
    return value;
  }

  list(field: string, max = 0xffff): readonly unknown[] {
    const value = this.get(field);
    if (!Array.isArray(value) || value.length > max) throw this.wrong(field);
    return value;
  }

  /** A list of whole numbers up to `max`. */
  integers(field: string, max = 0xffffffff, length = 0xffff): readonly number[] {
    const list = this.list(field, length);
    if (!list.every((value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max)) {
      throw this.wrong(field);
    }
    return list as readonly number[];
  }

  record(field: string): Saved {
    return new Saved(this.get(field), `${this.#what} (${field})`);
  }

  /** A list of records. */
  records(field: string, length = 0xffff): readonly Saved[] {
    return this.list(field, length).map((each) => new Saved(each, this.#what));
  }
}
