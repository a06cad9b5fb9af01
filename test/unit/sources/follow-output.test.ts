import { expect, test } from "vitest";
import { followOutput } from "../../../app/sources/follow-output.ts";
import type { UsbPort } from "../../../app/usb-port.ts";
import type { DeviceOutput } from "../../../worker/protocol.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A port whose device has this many pictures to ask for. */
class Port {
  onOutput: (() => void) | undefined;
  waiting = 0;
  asked = 0;
  gone = false;

  async output(): Promise<DeviceOutput | undefined> {
    this.asked++;
    if (this.gone) throw new Error("gone");
    if (this.waiting === 0) return undefined;
    return { type: "picture", width: this.waiting--, height: 1 };
  }
}

const follow = (port: Port, take: (output: DeviceOutput) => Promise<void> | void) =>
  followOutput(port as unknown as UsbPort, take);

test("asks once at the beginning, and each time the port tells of output", async () => {
  const port = new Port();
  port.waiting = 1;
  const taken: DeviceOutput[] = [];
  follow(port, (output) => void taken.push(output));
  await turn();
  expect([port.asked, taken.length]).toEqual([1, 1]);
  port.onOutput?.();
  await turn();
  expect([port.asked, taken.length]).toEqual([2, 1]); // it had nothing after all
  port.waiting = 1;
  port.onOutput?.();
  await turn();
  expect([port.asked, taken.length]).toEqual([3, 2]);
});

test("hands one on after another, however often it is told meanwhile", async () => {
  const port = new Port();
  port.waiting = 9;
  let release = () => {};
  let busy = 0;
  follow(port, async () => {
    expect(++busy).toBe(1);
    await new Promise<void>((resolve) => (release = resolve));
    busy--;
  });
  await turn();
  port.onOutput?.();
  port.onOutput?.();
  await turn();
  expect(port.asked).toBe(1);
  release();
  await turn();
  expect(port.asked).toBe(2);
  release();
  await turn();
  expect([port.asked, busy]).toEqual([2, 0]);
});

test("ends when it is told to, also with an answer on its way, and leaves another's ear alone", async () => {
  const port = new Port();
  port.waiting = 2;
  const end = follow(port, () => expect.fail("It has ended."));
  end();
  await turn();
  expect(port.onOutput).toBeUndefined();
  const other = () => undefined;
  const again = follow(port, () => undefined);
  port.onOutput = other;
  again();
  expect(port.onOutput).toBe(other);
});

test("a port that is gone ends nothing but the question", async () => {
  const port = new Port();
  port.gone = true;
  const taken: DeviceOutput[] = [];
  follow(port, (output) => void taken.push(output));
  await turn();
  Object.assign(port, { gone: false, waiting: 1 });
  port.onOutput?.();
  await turn();
  expect(taken).toHaveLength(1);
});
