/**
 * Where a URB's time goes, from the guest's doorbell to its driver being done with the event:
 *
 *   doorbell   the guest's store ─► the URB is on the ring: its TD is read, and what goes out is copied
 *   wake       ─► the device's side has it
 *   device     ─► answered
 *   way back   ─► the controller has the answer
 *   interrupt  ─► the guest's handler looks at the controller; until then what comes in is copied, and the event written
 *   driver     ─► the guest is done with the event
 */

import { moment } from "../../asm/core.ts";
import {
  OPERATION_TRANSFER,
  URB_ANSWERED,
  URB_ENDPOINT,
  URB_OPERATION,
  URB_SIZE,
  URB_TABLE,
  URB_TAKEN,
} from "../../asm/layout.ts";
import type { Link, Urb } from "../link.ts";
import type { TraceListeners } from "./trace.ts";

export const STAGES = ["doorbell", "wake", "device", "way back", "interrupt", "driver"] as const;
export type Stage = (typeof STAGES)[number];

/** Reused for the next URB. */
export interface StagesTrace {
  /** bEndpointAddress; 0 for a control transfer. */
  endpoint: number;
  /** Bytes asked for. */
  length: number;
  /** µs. */
  readonly stages: Record<Stage, number>;
}

interface Passage {
  endpoint: number;
  rung: number;
  submitted: number;
  taken: number;
  answered: number;
  completed: number;
  seen: number;
}

/** Calls `listener` for every transfer whose event the guest has handled, until the function that it answers is called. */
export function traceStages(
  link: Link,
  hear: (listeners: Omit<TraceListeners, "urbs">) => () => void,
  listener: (trace: StagesTrace) => void,
): () => void {
  const records = new DataView(link.core.memory.buffer, URB_TABLE);
  const under = new Map<Urb, Passage>();
  /** Answered, and the guest does not know, or is at it. */
  const events: { passage: Passage; length: number }[] = [];
  const clock = new OtherClock();
  let rung = 0;

  const tap = (phase: "submit" | "complete", urb: Urb) => {
    const record = urb.slot * URB_SIZE;
    if (phase === "submit") {
      if (records.getUint32(record + URB_OPERATION, true) !== OPERATION_TRANSFER) return;
      const submitted = moment();
      const endpoint = records.getUint32(record + URB_ENDPOINT, true);
      under.set(urb, { endpoint, rung: rung || submitted, submitted, taken: 0, answered: 0, completed: 0, seen: 0 });
      return;
    }
    const passage = under.get(urb);
    if (!passage) return;
    under.delete(urb);
    passage.completed = moment();
    passage.taken = link.core.stamped(urb.slot, URB_TAKEN);
    passage.answered = link.core.stamped(urb.slot, URB_ANSWERED);
    clock.set(passage);
    events.push({ passage, length: urb.length });
    if (events.length > EVENTS_MAX) events.shift();
  };

  const access = (what: "doorbell" | "done" | "handler") => {
    const time = moment();
    if (what === "doorbell") {
      rung = time;
    } else if (what === "handler") {
      for (const { passage } of events) passage.seen ||= time;
    } else {
      for (const { passage, length } of events.splice(0)) listener(traceOf(passage, length, time));
    }
  };

  link.taps.add(tap);
  link.core.stamping = true;
  const stop = hear({ moments: access });
  return () => {
    stop();
    link.core.stamping = false;
    link.taps.delete(tap);
  };
}

const EVENTS_MAX = 1024;

function traceOf(passage: Passage, length: number, done: number): StagesTrace {
  const { endpoint, rung, submitted, taken, answered, completed, seen } = passage;
  return {
    endpoint,
    length,
    stages: {
      doorbell: submitted - rung,
      wake: taken - submitted,
      device: answered - taken,
      "way back": completed - answered,
      interrupt: (seen || done) - completed,
      driver: seen ? done - seen : 0,
    },
  };
}

/** Two threads' clocks differ a little: nothing is taken before it was submitted, or had before it was answered. */
class OtherClock {
  /** The other's lead is no more than the one, and no less than the other of these. */
  #most = Number.POSITIVE_INFINITY;
  #least = Number.NEGATIVE_INFINITY;

  set(passage: Passage): void {
    this.#most = Math.min(this.#most, passage.taken - passage.submitted);
    this.#least = Math.max(this.#least, passage.answered - passage.completed);
    const lead = Math.min(this.#most, Math.max(this.#least, 0));
    passage.taken -= lead;
    passage.answered -= lead;
  }
}
