import { expect, test } from "vitest";
import { STATUS_CANCELLED, STATUS_OK, STATUS_TRANSACTION_ERROR } from "../../../asm/layout.ts";
import { type ControlHandler, ControlPipe, type ControlResult } from "../../../worker/control-pipe.ts";
import { FlightCount } from "../../../worker/flight.ts";
import type { Request } from "../../../worker/request.ts";

function setUp() {
  const served: number[] = [];
  const pending: ((result: ControlResult) => void)[] = [];
  const flights = new FlightCount();
  const handler: ControlHandler = {
    perform: (setup) => {
      served.push(setup.bRequest);
      return new Promise((resolve) => pending.push(resolve));
    },
    statusOf: async () => STATUS_TRANSACTION_ERROR,
  };
  const pipe = new ControlPipe(handler, flights);
  const submit = (bRequest: number) => {
    const answers: number[] = [];
    const request = {
      ...{ bmRequestType: 0x40, bRequest, wValue: 0, wIndex: 0, length: 0, isIn: false },
      read: () => 0,
      complete: (status: number) => void answers.push(status),
    } as unknown as Request;
    pipe.submit(request);
    return { request, answers };
  };
  const settle = async (index: number) => {
    pending[index]?.({ status: STATUS_OK });
    await Promise.resolve();
  };
  return { pipe, served, flights, submit, settle };
}

test("one at a time, also behind one that was given up", async () => {
  const { pipe, served, flights, submit, settle } = setUp();
  const [first, second, third] = [submit(1), submit(2), submit(3)];
  pipe.cancel(first.request);
  pipe.cancel(second.request);
  expect([first.answers, second.answers, served, flights.orphans]).toEqual([
    [STATUS_CANCELLED],
    [STATUS_CANCELLED],
    [1],
    1,
  ]);
  await settle(0);
  expect([served, flights.orphans]).toEqual([[1, 3], 0]);
  await settle(1);
  expect(third.answers).toEqual([STATUS_OK]);
});

test("after restart() nothing waits for what hangs, and its late end is harmless", async () => {
  const { pipe, served, flights, submit, settle } = setUp();
  const hanging = submit(1);
  pipe.cancel(hanging.request);
  pipe.restart();
  const [second, third] = [submit(2), submit(3)];
  expect(served).toEqual([1, 2]);
  await settle(0);
  expect([served, flights.orphans, hanging.answers.length]).toEqual([[1, 2], 0, 1]);
  await settle(1);
  await settle(2);
  expect([second.answers, third.answers]).toEqual([[STATUS_OK], [STATUS_OK]]);
});
