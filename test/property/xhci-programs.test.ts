/** Random programs of a driver that keeps to the specification: every event is the right one, every byte arrives once. */
import fc from "fast-check";
import { describe, it, vi } from "vitest";
import { Program } from "../fakes/guest-driver/program.ts";
import { rigFactory } from "../fakes/guest-driver/rig.ts";
import { runs } from "./runs.ts";

const createRig = await rigFactory();
const PROGRAMS = runs(10_000);
const TIMEOUT_MS = 1_200_000;
const MIB = 1 << 20;

describe("a legal program", () => {
  it(
    "has each event once and in order, loses no byte, and finds its other memory untouched",
    () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
      try {
        const rig = createRig({ placement: "deferred", sockets: 1, ramSize: 2 * MIB });
        fc.assert(
          fc.property(fc.array(fc.nat(0xffff), { minLength: 20, maxLength: 160, size: "max" }), (words) => {
            new Program(rig, words).run();
          }),
          PROGRAMS,
        );
      } finally {
        vi.useRealTimers();
      }
    },
    TIMEOUT_MS,
  );
});
