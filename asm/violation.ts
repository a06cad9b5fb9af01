/** Why this instance gave up on the other side: the first violation seen, kept for good. */
import { VIOLATION, VIOLATION_NONE } from "./layout";

let reason: i32 = 0;

export function violate(code: i32): i32 {
  if (reason == VIOLATION_NONE) reason = code;
  return VIOLATION;
}

export function violation(): i32 {
  return reason;
}

export function pardon(): void {
  reason = VIOLATION_NONE;
}
