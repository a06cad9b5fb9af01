import { expect, test } from "vitest";
import { bytesOf, putConfiguration } from "../../../worker/device/descriptor.ts";
import type { DriveSpeed } from "../../../worker/device/storage/drive-model.ts";
import { uasDriveModel } from "../../../worker/device/storage/uas-drive.ts";
import { bytes, hex } from "./harness.ts";

function configuration(speed: DriveSpeed): string {
  const [first] = uasDriveModel(speed, "AB12").configurations;
  if (!first) throw new Error("no configuration");
  return hex(bytesOf((into) => putConfiguration(into, 0, first)));
}

test("at super speed the status and data pipes have 32 streams; pipe usage behind the companion (UAS-3 §5.2.3)", () => {
  expect(configuration("super")).toBe(
    hex(
      bytes(`
        09 02 7900 01 01 00 80 0c
        09 04 00 00 02 08 06 50 00
          07 05 81 02 0004 00   06 30 0f 00 0000
          07 05 02 02 0004 00   06 30 0f 00 0000
        09 04 00 01 04 08 06 62 00
          07 05 04 02 0004 00   06 30 0f 00 0000   04 24 01 00
          07 05 83 02 0004 00   06 30 0f 05 0000   04 24 02 00
          07 05 81 02 0004 00   06 30 0f 05 0000   04 24 03 00
          07 05 02 02 0004 00   06 30 0f 05 0000   04 24 04 00`),
    ),
  );
});

test("at high speed there are no streams, and no companions", () => {
  expect(configuration("high")).toBe(
    hex(
      bytes(`
        09 02 5500 01 01 00 80 32
        09 04 00 00 02 08 06 50 00
          07 05 81 02 0002 00
          07 05 02 02 0002 00
        09 04 00 01 04 08 06 62 00
          07 05 04 02 0002 00   04 24 01 00
          07 05 83 02 0002 00   04 24 02 00
          07 05 81 02 0002 00   04 24 03 00
          07 05 02 02 0002 00   04 24 04 00`),
    ),
  );
});
