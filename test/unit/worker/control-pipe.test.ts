import { expect, test, vi } from "vitest";
import { STATUS_CANCELLED, STATUS_OK, STATUS_TRANSACTION_ERROR } from "../../../asm/layout.ts";
import { type ControlHandler, ControlPipe, type ControlResult, LATE_MS } from "../../../worker/control-pipe.ts";
import { FlightCount } from "../../../worker/flight.ts";
import type { Request } from "../../../worker/request.ts";

function setUp() {
  const served: number[] = [];
  const pending: ((result: ControlResult) => void)[] = [];
  const flights = new FlightCount();
  const unblock = vi.fn();
  const handler: ControlHandler = {
    perform: (setup) => {
      served.push(setup.bRequest);
      return new Promise((resolve) => pending.push(resolve));
    },
    statusOf: async () => STATUS_TRANSACTION_ERROR,
    unblock,
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
  return { pipe, served, flights, unblock, submit, settle };
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

test("one that was given up long ago is ended as soon as another waits for it, and not before", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const { pipe, served, unblock, submit, settle } = setUp();
    const hanging = submit(1);
    pipe.cancel(hanging.request);
    vi.advanceTimersByTime(LATE_MS);
    expect([pipe.isHeldUp, unblock.mock.calls.length]).toEqual([true, 0]);
    const next = submit(2);
    expect([unblock.mock.calls.length, served]).toEqual([1, [1]]);
    await settle(0);
    expect([pipe.isHeldUp, served]).toEqual([false, [1, 2]]);
    await settle(1);
    expect([hanging.answers.length, next.answers]).toEqual([1, [STATUS_OK]]);
    // The same, when somebody waits already.
    pipe.cancel(submit(3).request);
    submit(4);
    vi.advanceTimersByTime(LATE_MS);
    expect(unblock).toHaveBeenCalledTimes(2);
    // Nothing is left of one that came back in time.
    await settle(2);
    pipe.cancel(submit(5).request);
    await settle(3);
    pipe.restart();
    vi.advanceTimersByTime(LATE_MS);
    expect(unblock).toHaveBeenCalledTimes(2);
  } finally {
    vi.useRealTimers();
  }
});
