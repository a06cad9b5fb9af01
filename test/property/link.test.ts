/** Both ends of a link, as the controller and the backend use them, in one thread. */
import { describe, expect, it, vi } from "vitest";
import { Link as FrontLink, type Urb } from "../../app/link.ts";
import { Core, compileCore, createMemory } from "../../asm/core.ts";
import * as layout from "../../asm/layout.ts";
import { Link as BackLink } from "../../worker/link.ts";
import type { Request } from "../../worker/request.ts";
import { pattern } from "./pair.ts";

const module = await compileCore();

interface Ends {
  readonly front: FrontLink;
  readonly back: BackLink;
  readonly words: Uint32Array;
  /** What the front heard, in order. */
  readonly heard: string[];
  /** What the back was asked and has not answered. */
  readonly requests: Request[];
  readonly cancels: Request[];
  urb(length?: number): Urb;
}

async function ends(): Promise<Ends> {
  const memory = createMemory();
  const front = new FrontLink(await Core.instantiate(module, memory), 1, 0xffffff00);
  const requests: Request[] = [];
  const cancels: Request[] = [];
  const heard: string[] = [];
  const back = new BackLink(await Core.instantiate(module, memory), 1, {
    submit: (request) => void requests.push(request),
    cancel: (request) => void cancels.push(request),
    violated: (reason) => void heard.push(`back: violation ${reason}`),
  });
  front.connect({
    portEvent: (port, plug, speed) => void heard.push(`port ${port} plug ${plug} speed ${speed}`),
    settled: () => void heard.push("settled"),
    violated: (reason) => void heard.push(`violation ${reason}`),
  });
  return {
    front,
    back,
    words: new Uint32Array(memory.buffer),
    heard,
    requests,
    cancels,
    urb(length = 0) {
      const urb = front.reserve(length);
      if (!urb) throw new Error("no URB is free");
      front.core.exports.address(urb.slot, 1, 1, 0x81);
      front.core.exports.describe(urb.slot, layout.OPERATION_TRANSFER, layout.TYPE_BULK, 0);
      return urb;
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a link", () => {
  it("carries a URB there and its answer back", async () => {
    const { front, back, urb, requests, heard } = await ends();
    const each = urb(70_000);
    const answers: number[][] = [];
    front.submit(each, { urbCompleted: ({ slot, status, actual }) => answers.push([slot, status, actual]) });
    back.pump();
    expect(requests).toHaveLength(0);
    front.flush();
    back.pump();
    const request = requests[0] as Request;
    expect([request.port, request.endpoint, request.length, request.isIn]).toEqual([1, 0x81, 70_000, true]);
    expect(request.write(pattern(70_000, 5), 0)).toBe(70_000);
    expect(request.write(pattern(70_000, 5), 69_998)).toBe(2);
    expect(request.write(pattern(1, 5), 70_000)).toBe(0);
    request.complete(layout.STATUS_OK, 80_000);
    request.complete(layout.STATUS_STALL, 1);
    await turn();
    front.poll();
    expect(answers).toEqual([[each.slot, layout.STATUS_OK, 70_000]]);
    expect(heard).toEqual(["settled"]);
    front.release(each);
    expect(front.inFlight).toBe(0);
  });

  it("answers control transfers whose setup packet asks for another length as invalid", async () => {
    const { front, back, urb, requests } = await ends();
    const each = urb(8);
    front.core.exports.describe(each.slot, layout.OPERATION_TRANSFER, layout.TYPE_CONTROL, 0);
    front.core.exports.setup(each.slot, 0x01000680, 0x00120000);
    front.submit(each, { urbCompleted() {} });
    front.flush();
    back.pump();
    expect(requests).toHaveLength(0);
    front.poll();
    expect([each.inFlight, each.status]).toEqual([false, layout.STATUS_INVALID]);
  });

  it("hands a cancel on, and swallows one that comes too late", async () => {
    const { front, back, urb, requests, cancels } = await ends();
    const [one, two] = [urb(), urb()];
    for (const each of [one, two]) front.submit(each, { urbCompleted() {} });
    front.flush();
    back.pump();
    requests[0]?.complete(layout.STATUS_OK, 0);
    for (const each of [one, two]) front.cancel(each);
    front.flush();
    back.pump();
    expect(cancels.map(({ slot }) => slot)).toEqual([two.slot]);
  });

  it("answers inside the flush when the backend is on the same thread", async () => {
    const { front, back, urb, requests, heard } = await ends();
    front.runInside(() => {
      back.pump();
      for (const request of requests.splice(0)) request.complete(layout.STATUS_OK, 0);
      back.pump();
    });
    let left = 300;
    const owner = {
      urbCompleted(each: Urb) {
        if (--left === 0) return;
        front.submit(each, owner);
        front.flush();
      },
    };
    front.submit(urb(), owner);
    front.flush();
    expect(left).toBe(0);
    expect(new Set(heard)).toEqual(new Set(["settled"]));
  });

  it("keeps every port event, however many, in order", async () => {
    const { front, back, heard } = await ends();
    const expected: string[] = [];
    for (let plug = 1; plug <= 1000; plug++) {
      back.event(3, plug, plug & 1 ? layout.SPEED_HIGH : layout.SPEED_NONE);
      expected.push(`port 3 plug ${plug} speed ${plug & 1 ? 3 : 0}`);
    }
    for (let look = 0; look < 10; look++) {
      back.pump();
      front.poll();
    }
    expect(heard.filter((each) => each !== "settled")).toEqual(expected);
  });

  it("that is closed answers what is in flight, and what is submitted later, as NO_DEVICE", async () => {
    const { front, urb, heard } = await ends();
    const [one, two, three] = [urb(), urb(), urb()];
    const answers: number[] = [];
    const owner = {
      urbCompleted(each: Urb) {
        expect(each.status).toBe(layout.STATUS_NO_DEVICE);
        answers.push(each.slot);
        front.release(each);
        if (each === two) front.submit(one, owner); // an owner that does not look at the status
        front.flush();
      },
    };
    front.submit(one, owner);
    front.submit(two, owner);
    front.flush();
    front.close();
    expect(answers).toEqual([one.slot, two.slot]);
    front.submit(three, owner);
    front.flush();
    expect(answers).toEqual([one.slot, two.slot, one.slot, three.slot]);
    expect(front.reserve(0)).toBeUndefined();
    expect(heard).toEqual(["settled", "settled"]);
  });

  it("that is violated by the backend answers what is in flight, tells why, once, and stays dead", async () => {
    const { front, back, urb, heard, words } = await ends();
    const answers: number[] = [];
    const each = urb();
    front.submit(each, { urbCompleted: ({ status }) => answers.push(status) });
    front.flush();
    const producer = (layout.COMPLETION_RING + layout.RING_PRODUCER) >> 2;
    words[producer] = (words[producer] as number) - 1;
    front.poll();
    front.poll();
    expect(answers).toEqual([layout.STATUS_NO_DEVICE]);
    expect(heard).toEqual([`violation ${layout.VIOLATION_COUNTER}`, "settled"]);
    back.pump();
    expect(front.reserve(0)).toBeUndefined();
  });

  it("is ended when the backend does not answer a cancel: ports first, then what was in flight, each once", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { front, urb, heard } = await ends();
      const reasons: number[] = [];
      front.onViolation = (reason) => reasons.push(reason);
      const owner = { urbCompleted: ({ status }: Urb) => void heard.push(`status ${status}`) };
      const [one, two] = [urb(), urb()];
      for (const each of [one, two]) front.submit(each, owner);
      front.cancel(one);
      front.cancel(one);
      front.flush();
      vi.advanceTimersByTime(2900);
      expect(heard).toEqual([]);
      vi.advanceTimersByTime(200);
      const ended = `status ${layout.STATUS_NO_DEVICE}`;
      expect(heard).toEqual([`violation ${layout.VIOLATION_SILENCE}`, ended, ended, "settled"]);
      expect(reasons).toEqual([layout.VIOLATION_SILENCE]);
      vi.advanceTimersByTime(60_000);
      expect(heard.length).toBe(4);
      expect(front.reserve(0)).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  it("lives on when a device takes its time, and when a cancel is answered late", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { front, back, urb, heard, requests } = await ends();
      const each = urb();
      front.submit(each, { urbCompleted: ({ status }) => void heard.push(`status ${status}`) });
      front.flush();
      back.pump();
      vi.advanceTimersByTime(60_000);
      front.cancel(each);
      front.flush();
      vi.advanceTimersByTime(2500);
      requests[0]?.complete(layout.STATUS_CANCELLED, 0);
      back.pump();
      vi.advanceTimersByTime(60_000);
      expect(heard).toEqual([`status ${layout.STATUS_CANCELLED}`, "settled"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("tells the backend of a front's violation, once", async () => {
    const { back, heard, words } = await ends();
    words[(layout.SUBMISSION_RING + layout.RING_PRODUCER) >> 2] = 5000;
    back.pump();
    back.pump();
    expect(heard).toEqual([`back: violation ${layout.VIOLATION_COUNTER}`]);
  });
});

describe("a link's loop", () => {
  it("ends when the link is closed, on either side", async () => {
    const { front, back } = await ends();
    const loops = [front.run(), back.run()];
    await turn();
    front.close();
    back.close();
    await Promise.all(loops);
  });

  it("wakes for what the other side shows", async () => {
    const { front, back, urb, requests, heard } = await ends();
    const loops = [front.run(), back.run()];
    const each = urb();
    const answered = new Promise<void>((resolve) => front.submit(each, { urbCompleted: () => resolve() }));
    await turn();
    front.flush();
    while (requests.length === 0) await turn();
    requests[0]?.complete(layout.STATUS_OK, 0);
    await answered;
    back.event(1, 2, 0);
    while (heard.length < 2) await turn();
    front.close();
    back.close();
    await Promise.all(loops);
  });

  it("lets the front's thread do other things while a backend floods it", async () => {
    const { front, back } = await ends();
    let flooding = true;
    front.connect({
      portEvent(port, plug, speed) {
        if (!flooding) return;
        back.event(port, plug + 1, speed);
        back.pump();
      },
      settled() {},
      violated() {},
    });
    back.event(1, 1, 1);
    back.pump();
    const loop = front.run();
    for (let time = 0; time < 10; time++) await turn();
    flooding = false;
    front.close();
    await loop;
  });

  it("lets the backend's thread do other things while a front floods it", async () => {
    const { front, back, requests, urb } = await ends();
    let flooding = true;
    const owner = {
      urbCompleted(each: Urb) {
        if (!flooding) return;
        front.submit(each, owner);
        front.flush();
      },
    };
    front.submit(urb(), owner);
    front.flush();
    requests.push = (request) => {
      request.complete(layout.STATUS_OK, 0);
      queueMicrotask(() => front.poll());
      return 0;
    };
    const loop = back.run();
    for (let time = 0; time < 10; time++) await turn();
    flooding = false;
    back.close();
    await loop;
  });
});
