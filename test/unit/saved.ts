/** Plain data of saved states: through a file, and damaged in it. */
import { getFunctions, putFunctions } from "../../app/guest/v86-state.ts";

/** What comes out of a file of what went into it. */
export function throughFile(data: unknown): unknown {
  const state: unknown[] = [];
  putFunctions(state, [{ id: 0, name: "xhci", asserted: false, state: structuredClone(data) }]);
  return getFunctions(state)[0]?.state;
}

export const RUBBISH = [
  ...[undefined, null, true, -1, 0.5, 1, 7, 255, 0xffffffff, 2 ** 53, Number.NaN],
  ...["", "data-in", "write", [], {}, new Uint8Array(3)],
];

/** A copy with something else in some places. */
export function damaged(good: unknown, changes: readonly (readonly [at: number, value: unknown])[]): unknown {
  const copy = { all: structuredClone(good) };
  for (const [at, value] of changes) {
    const all = places(copy);
    all[at % all.length]?.(value);
  }
  return copy.all;
}

/** Every place in plain data, as a way to put something else there. */
function places(data: object): ((value: unknown) => void)[] {
  if (ArrayBuffer.isView(data)) return [];
  const record = data as Record<string, unknown>;
  return Object.keys(record).flatMap((field) => {
    const inner = record[field];
    const put = (value: unknown) => {
      record[field] = value;
    };
    return typeof inner === "object" && inner !== null ? [put, ...places(inner)] : [put];
  });
}
