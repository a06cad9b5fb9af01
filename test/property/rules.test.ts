/** Hotplug rules: their text form loses nothing, and whatever comes and goes, they plug right. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Hotplug } from "../../app/rules/hotplug.ts";
import { Rules } from "../../app/rules/rules.ts";
import { FakePorts } from "../unit/rules/fake-ports.ts";
import { runs } from "./runs.ts";

const odd = fc.constantFrom("#", "\\", "\n", "\r", " ", "\t", ":", "/", "n", "\uFEFF", "\u2028", "1d50:6018", "x");
const anyText = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.array(odd, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("")),
);
const guest = fc.oneof(
  fc.integer({ min: 1, max: 99 }).map(String),
  anyText.filter((text) => !text.includes(":") && !/^\d+$/.test(text)),
);
const path = fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 6 }).map((hops) => hops.join("."));
const place = fc.tuple(guest, fc.nat({ max: 999 }), path).map((parts) => parts.join(":"));

it("a text that was written reads back as the same rules", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyText, place)), (pairs) => {
      const rules = new Rules();
      for (const [device, to] of pairs) rules.set(device, to);
      const others = new Rules();
      others.read(rules.text);
      expect(others.list).toEqual(rules.list);
      expect(rules.text.split("\n")).toHaveLength(rules.size + 1);
    }),
    runs(500),
  );
});

it("a text of any kind is read, or refused with sentences", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyText, place), { maxLength: 4 }), (parts) => {
      const rules = new Rules();
      try {
        rules.read(parts.join("\n"));
        const again = new Rules();
        again.read(rules.text);
        expect(again.list).toEqual(rules.list);
      } catch (error) {
        expect(error).toMatchObject({ name: "RuleError" });
      }
    }),
    runs(500),
  );
});

const DEVICES = [0, 1, 2, 3].map((number) => ({ name: `device ${number}` }));
const PLACES = ["1:0:1", "1:0:2", "2:0:1"];
const device = fc.constantFrom(...DEVICES);
const somewhere = fc.constantFrom(...PLACES);
const step = fc.oneof(
  ...["come", "leave", "unplug by hand"].map((does) => fc.tuple(fc.constant(does), device, somewhere)),
  ...["attach", "detach", "plug by hand", "set rule", "rest"].map((does) =>
    fc.tuple(fc.constant(does), device, somewhere),
  ),
);

it("whatever comes and goes, no device is plugged twice, none into a port that is taken, and in the end all that can be", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(step, { maxLength: 40 }), async (scheduler, steps) => {
      const rules = new Rules();
      const ports = new FakePorts();
      const wrong: unknown[] = [];
      const plug = ports.plug.bind(ports);
      const hotplug = new Hotplug<object>(rules, {
        holds: (each) => ports.holds(each),
        isFree: (each) => ports.isFree(each),
        plug: (each, to) => {
          if (!present.has(each)) wrong.push("a device that is not there");
          if (touched.has(each)) wrong.push("what a person has pulled out");
          return plug(each, to).catch((error: unknown) => wrong.push(error));
        },
      });
      const present = new Set<object>();
      /** Pulled out by hand, and not come or plugged since. */
      const touched = new Set<object>();
      const where = (each: object) => PLACES.find((at) => ports.plugged[at] === each);
      ports.pace = () => scheduler.schedule(Promise.resolve());
      ports.onChange = () => hotplug.look();
      for (const each of DEVICES.slice(1)) rules.set(each.name, PLACES[DEVICES.indexOf(each) - 1] ?? "");
      for (const [does, each, at] of steps) {
        const from = where(each);
        switch (does) {
          case "come":
            if (present.has(each)) break;
            present.add(each);
            hotplug.offer(each, [each.name]);
            break;
          case "leave":
            present.delete(each);
            touched.delete(each);
            hotplug.withdraw(each);
            if (from) ports.lose(from);
            break;
          case "unplug by hand":
            if (!from) break;
            ports.lose(from);
            if (rules.match([each.name])) touched.add(each);
            hotplug.unplugged(each, "person");
            break;
          case "plug by hand":
            if (from || !ports.isFree(at) || !present.has(each)) break;
            touched.delete(each);
            void plug(each, at).catch((error: unknown) => wrong.push(error));
            await Promise.resolve().then(() => undefined);
            break;
          case "attach":
            if (!ports.isFree(at) && !ports.plugged[at]) ports.add(at);
            break;
          case "detach":
            ports.remove(at);
            break;
          case "set rule":
            if (rules.match([each.name])?.place !== at) touched.delete(each);
            rules.set(each.name, at);
            break;
          default:
            await scheduler.waitIdle();
        }
      }
      for (const at of PLACES) if (!ports.isFree(at) && !ports.plugged[at]) ports.add(at);
      await scheduler.waitIdle();
      await scheduler.waitFor(hotplug.idle());
      expect(wrong).toEqual([]);
      for (const each of DEVICES) {
        const to = rules.match([each.name])?.place;
        if (!present.has(each) || touched.has(each) || to === undefined) continue;
        expect(ports.holds(each) || ports.plugged[to] !== undefined, each.name).toBe(true);
      }
    }),
    runs(300),
  );
});
