/** Every transfer that a stock Linux made with our devices is read as it should be. */
import { expect, it } from "vitest";
import { describe } from "../../../../app/trace/decode/describe.ts";
import { TransferLog } from "../../../../app/trace/decode/transfer-log.ts";
import { readTransfers } from "./transfers.ts";

it("says of each transfer what it is", () => {
  const log = new TransferLog();
  const spoken = readTransfers("test/vectors/linux-transfers.txt");
  const said = spoken.map(({ line, trace }) => {
    log.hear(trace);
    const transfer = log.at(log.last);
    return `${line}: ${transfer && describe(transfer).text}`;
  });
  expect(spoken.length).toBeGreaterThan(100);
  expect(said).toEqual(spoken.map(({ line, says }) => `${line}: ${says}`));
});
