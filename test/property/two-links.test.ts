/** Two guests of one backend, of which one is hostile: the other's transfers stay its own, whatever is moved between them. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMemory } from "../../asm/core.ts";
import { ARENA, STATUS_NO_DEVICE, STATUS_OK, TYPE_BULK, TYPE_INTERRUPT } from "../../asm/layout.ts";
import { Backend } from "../../worker/backend.ts";
import type { DeviceSource } from "../../worker/protocol.ts";
import { Front, type Sent } from "../fakes/front.ts";
import { StubDevice } from "../fakes/stub-device.ts";
import { runs } from "./runs.ts";

const HONEST = 1;
const HOSTILE = 2;
/** What each device answers every IN with. */
const [MINE, THEIRS, SHARED] = [0xa1, 0xb2, 0xc3];
const LENGTH = 256;

/** Of the two links, again and again: a run leaves nothing that the next would use. */
const memories = [createMemory(), createMemory()];

const word = fc.oneof(fc.nat({ max: 40 }), fc.integer({ min: 0, max: 0xffffffff }));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ does: "read" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("grope" as const),
      port: fc.nat({ max: 31 }),
      plug: fc.nat({ max: 3 }),
      route: fc.oneof(fc.constant(0), fc.nat({ max: 0xfffff })),
      endpoint: fc.constantFrom(0x81, 0x02, 0x83, 0x8f),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant("scribble" as const), at: fc.nat({ max: ARENA / 4 - 1 }), word }),
  },
  { weight: 2, arbitrary: fc.constant({ does: "move" as const }) },
  { weight: 1, arbitrary: fc.constant({ does: "reset" as const }) },
  { weight: 4, arbitrary: fc.constant({ does: "settle" as const }) },
);

/** Every IN of a device is answered at once, with its own byte. */
function answering(device: StubDevice, byte: number): StubDevice {
  device.onSubmit = (request) => {
    if (request.isIn) request.write(new Uint8Array(LENGTH).fill(byte));
    device.answer(STATUS_OK, request.isIn ? LENGTH : request.length);
  };
  return device;
}

it("neither sees, spoils nor stops what is the other's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const bytes = [MINE, THEIRS, SHARED];
      const backend = new Backend({
        createDevice: async (_source: DeviceSource, host) => answering(new StubDevice(host), bytes.shift() ?? 0),
      });
      const honest = await Front.connect(backend, HONEST, memories[0]);
      const hostile = await Front.connect(backend, HOSTILE, memories[1]);
      const keyboard = { kind: "keyboard" } as const;
      await backend.plug(HONEST, 1, keyboard);
      await backend.plug(HOSTILE, 1, keyboard);
      await backend.plug(HONEST, 2, keyboard);
      const settle = async () => {
        await honest.settle(1);
        await hostile.settle(1);
      };
      await settle();
      const reads: Sent[] = [];
      const groped: Sent[] = [];
      let shared = HONEST;
      for (const each of steps) {
        if (each.does === "read") reads.push(honest.send({ endpoint: 0x81, length: LENGTH }));
        else if (each.does === "reset") reads.push(honest.reset(1));
        else if (each.does === "settle") await settle();
        else if (each.does === "scribble") new Uint32Array(hostile.link.core.memory.buffer)[each.at] = each.word;
        else if (each.does === "move") {
          const [from, to] = shared === HONEST ? [HONEST, HOSTILE] : [HOSTILE, HONEST];
          // A link that has broken the rules is gone, and its devices with it.
          const moved = await backend
            .move({ link: from, port: 2, route: 0 }, { link: to, port: 2, route: 0 })
            .catch((error: Error) => expect(error.name).toBe("NotFoundError"));
          if (moved) shared = to;
        } else if (hostile.violation === undefined) {
          const { port, plug, route, endpoint } = each;
          const type = endpoint === 0x83 ? TYPE_INTERRUPT : TYPE_BULK;
          try {
            groped.push(hostile.send({ port, plug, route, endpoint, type, length: LENGTH }));
          } catch {
            // Its own memory is spoilt beyond use.
          }
        }
      }
      for (let turn = 0; turn < 4; turn++) await settle();
      for (const sent of reads) {
        expect(sent.answers).toBe(1);
        const { status, data } = await sent.done;
        expect(status).toBe(STATUS_OK);
        expect(data.every((byte) => byte === MINE)).toBe(true);
      }
      for (const sent of groped) {
        expect(sent.answers).toBeLessThanOrEqual(1);
        if (sent.answers === 0) continue;
        const { data } = await sent.done;
        expect(data.includes(MINE)).toBe(false);
      }
      expect((await honest.send({ endpoint: 0x81, length: LENGTH, port: 31, plug: 1 }).done).status).toBe(
        STATUS_NO_DEVICE,
      );
      await backend.stop();
      for (const { link } of [honest, hostile]) link.close();
      expect(await backend.stats()).toMatchObject({ links: 0, devices: 0, owned: 0 });
    }),
    runs(500),
  );
}, 600_000);
