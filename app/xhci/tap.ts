/** Where a trace listens to the xHC: raw, at once, and for as long as it is in the set. See trace.ts. */
import type { Trb } from "./trb.ts";

/** The ring that a TRB is on. */
export interface RingSource {
  readonly ring: "command" | "transfer" | "event";
  /** Whose transfer ring; 0 for the other rings. */
  readonly slotId: number;
  readonly endpointId: number;
  readonly taps: Taps;
}

export interface Tap {
  /** The guest's access to the BAR, with the value that it read or wrote. */
  readonly register?: ((access: "read" | "write", offset: number, width: 1 | 2 | 4, value: number) => void) | undefined;
  /** The TRB is overwritten by the next one. */
  readonly trb?: ((source: RingSource, trb: Trb) => void) | undefined;
}

/** Asked for its size before anything is done for it: nobody who listens costs nothing. */
export type Taps = Set<Tap>;

export function tellTrb(source: RingSource, trb: Trb): void {
  for (const tap of source.taps) tap.trb?.(source, trb);
}
