/** The hub as a person works it: cards opened and plugged, feeds that follow their device, and what of them is given back. */
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createUsbHost } from "../../app/host.ts";
import type { Card, Opened } from "../../app/hub/card.ts";
import { Desk } from "../../app/hub/desk.ts";
import type { Hub } from "../../app/hub/hub.ts";
import type { Feed, FeedPlace } from "../../app/sources/feed.ts";
import type { UsbPort } from "../../app/usb-port.ts";
import { BareMachine } from "../fakes/guest-driver/bare-machine.ts";

afterEach(() => vi.restoreAllMocks());

/** A desk with a hub of each name, all with power. */
async function desk(...names: string[]) {
  const made = new Desk(() => createUsbHost({ placement: "thread" }));
  const host = await made.host();
  onTestFinished(() => made.close());
  const hubs: Hub[] = [];
  for (const name of names) {
    const hub = made.addHub(name, 8);
    await hub.connect(await host.attach(new BareMachine()));
    hubs.push(hub);
  }
  return { desk: made, host, hubs: hubs as [Hub, ...Hub[]] };
}

function card(open: Card["open"], more: Partial<Card> = {}): Card {
  const name = more.name ?? "Thing";
  return {
    ...{ id: name, group: "more", glyph: "device", name, short: name, detail: "", single: true, ids: { name } },
    ...{ names: [], open, ...more },
  };
}

/** What it is told, in words. */
class TestFeed implements Feed {
  readonly source = { kind: "keyboard" } as const;
  readonly actions = [];
  readonly log: string[] = [];
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;

  plugged(port: UsbPort, place: FeedPlace): void {
    this.log.push(`plugged ${port.place} ${place.screen ? "with" : "without"} screen`);
  }

  leaving(): void {
    this.log.push("leaving");
  }

  close(): void {
    this.log.push("close");
  }
}

const keyboard = (name: string) => card(() => ({ kind: "keyboard" }), { name, single: false });
const usbHub = card(() => ({ kind: "hub", ports: 3 }), { name: "USB hub", single: false });
const taken = (hub: Hub) => hub.views.flatMap(({ path, card: each }) => (each ? [`${path} ${each.name}`] : []));

describe("a plug", () => {
  test("goes into the first free port, or the one that was chosen, also of a hub", async () => {
    const { desk: it, hubs } = await desk("one");
    const [hub] = hubs;
    await it.plug(usbHub);
    await it.plug(keyboard("a"));
    hub.select("1.2");
    await it.plug(keyboard("b"));
    expect(hub.selected).toBeUndefined();
    expect(taken(hub)).toEqual(["1 USB hub", "1.2 b", "2 a"]);
    expect(hub.views.map(({ path }) => path).slice(0, 5)).toEqual(["1", "1.1", "1.2", "1.3", "2"]);
  });

  test("of a taken port, or without power, is refused with a sentence", async () => {
    const { desk: it, hubs } = await desk("one");
    const [hub] = hubs;
    await hub.plug(keyboard("a"), "1");
    expect(await hub.plug(keyboard("b"), "1")).toBe(false);
    expect(it.said.announcement).toBe("Port 1 is taken. Unplug what is there, or choose another port.");
    await hub.disconnect();
    expect(await it.plug(keyboard("b"))).toBe(false);
    expect(it.said.announcement).toBe("Start the guest first: its hub has no power.");
  });

  test("that fails leaves the port free, and is told", async () => {
    const { desk: it, hubs } = await desk("one");
    const [hub] = hubs;
    const broken = card(() => Promise.reject(new Error("There is no camera.\nat x")));
    expect(await hub.plug(broken, "1")).toBe(false);
    expect(it.said.problems).toMatchObject([
      { title: "Thing could not be plugged into port 1", text: "There is no camera." },
    ]);
    expect(hub.view("1")).toMatchObject({ state: "failed", card: undefined });
    expect(hub.isFree("1")).toBe(true);
  });

  test("of which the browser's chooser was closed is no problem", async () => {
    const { desk: it, hubs } = await desk("one");
    const [hub] = hubs;
    expect(
      await hub.plug(
        card(() => Promise.reject(new DOMException("", "NotFoundError"))),
        "1",
      ),
    ).toBe(false);
    expect(it.said.problems).toEqual([]);
    expect(it.said.announcement).toContain("Nothing was chosen");
    expect(hub.view("1").state).toBe("empty");
  });

  test("that is taken back while the browser asks plugs nothing, and gives back what it got", async () => {
    const { hubs } = await desk("one");
    const [hub] = hubs;
    const feed = new TestFeed();
    let resolve: (opened: Opened) => void = () => undefined;
    const promise = new Promise<Opened>((done) => {
      resolve = done;
    });
    const plugged = hub.plug(
      card(() => promise),
      "1",
    );
    await hub.unplug("1");
    resolve(feed);
    expect(await plugged).toBe(false);
    expect(feed.log).toEqual(["close"]);
    expect(hub.isFree("1")).toBe(true);
  });
});

describe("a feed", () => {
  test("hears where its device is, and is closed with it", async () => {
    const { hubs } = await desk("one", "two");
    const [one, two] = hubs as [Hub, Hub];
    two.screen = {} as HTMLElement;
    const feed = new TestFeed();
    await one.plug(
      card(() => feed),
      "3",
    );
    await one.move("3", { hub: two, path: "5" });
    expect(taken(one)).toEqual([]);
    await two.unplug("5");
    expect(feed.log).toEqual(["plugged 1:0:3 without screen", "plugged 2:0:5 with screen", "leaving", "close"]);
  });

  test("that ends unplugs its device, and says why", async () => {
    const { desk: it, hubs } = await desk("one");
    const [hub] = hubs;
    const feed = new TestFeed();
    await hub.plug(
      card(() => feed),
      "1",
    );
    feed.onEnd?.("The camera was pulled out of this computer.");
    await vi.waitFor(() => expect(hub.controller?.port(1).plugged).toBeUndefined());
    expect(it.said.announcement).toContain("The camera was pulled out of this computer.");
    expect(feed.log.at(-1)).toBe("close");
  });

  test("outlives its guest, and its device is plugged into the next one's port, hubs first", async () => {
    const { host, hubs } = await desk("one");
    const [hub] = hubs;
    const feed = new TestFeed();
    await hub.plug(usbHub, "2");
    await hub.plug(
      card(() => feed),
      "2.1",
    );
    await hub.disconnect();
    expect(taken(hub)).toEqual(["2 USB hub"]);
    await hub.connect(await host.attach(new BareMachine()));
    expect(taken(hub)).toEqual(["2 USB hub", "2.1 Thing"]);
    expect(feed.log).toEqual(["plugged 1:0:2.1 without screen", "leaving", "plugged 1:0:2.1 without screen"]);
  });

  test("that cannot read what its device holds does not hold up the unplug, and says why", async () => {
    const { desk: it, hubs } = await desk("one");
    const [hub] = hubs;
    const feed = new TestFeed();
    feed.leaving = () => {
      throw new Error("The image cannot be read.");
    };
    const said: string[] = [];
    it.follow(() => said.push(it.said.announcement));
    await hub.plug(
      card(() => feed),
      "1",
    );
    await hub.unplug("1");
    expect(said).toContain("The image cannot be read.");
    expect(hub.isFree("1")).toBe(true);
  });

  test("in a hub that is unplugged is closed with it", async () => {
    const { hubs } = await desk("one");
    const [hub] = hubs;
    const feed = new TestFeed();
    await hub.plug(usbHub, "1");
    await hub.plug(
      card(() => feed),
      "1.3",
    );
    await hub.unplug("1");
    expect(feed.log.slice(1)).toEqual(["leaving", "close"]);
    expect(taken(hub)).toEqual([]);
  });
});

describe("a move", () => {
  test("takes a hub with what is in it", async () => {
    const { hubs } = await desk("one", "two");
    const [one, two] = hubs as [Hub, Hub];
    await one.plug(usbHub, "1");
    await one.plug(keyboard("a"), "1.2");
    expect(await one.move("1", { hub: two, path: "4" })).toBe(true);
    expect([taken(one), taken(two)]).toEqual([[], ["4 USB hub", "4.2 a"]]);
  });

  test("into itself is refused, and nothing has moved", async () => {
    const { desk: it, hubs } = await desk("one");
    const [hub] = hubs;
    await hub.plug(usbHub, "1");
    await hub.plug(keyboard("a"), "1.1");
    expect(await hub.move("1", { hub, path: "1.2" })).toBe(false);
    expect(it.said.problems[0]?.text).toBe("A hub cannot be plugged into itself.");
    expect(taken(hub)).toEqual(["1 USB hub", "1.1 a"]);
  });

  test("is what a card does of which there is one, when it is plugged once more", async () => {
    const { hubs } = await desk("one", "two");
    const [one, two] = hubs as [Hub, Hub];
    const feed = new TestFeed();
    const single = card(() => feed);
    await one.plug(single, "1");
    await two.plug(single, "1");
    expect([taken(one), taken(two)]).toEqual([[], ["1 Thing"]]);
    expect(feed.log).not.toContain("close");
  });

  test("to a port that is taken or gone leaves the device where it is", async () => {
    const { hubs } = await desk("one", "two");
    const [one, two] = hubs as [Hub, Hub];
    await one.plug(keyboard("a"), "1");
    await two.plug(keyboard("b"), "1");
    expect(await one.move("1", { hub: two, path: "1" })).toBe(false);
    await two.disconnect();
    expect(await one.move("1", { hub: two, path: "2" })).toBe(false);
    expect(taken(one)).toEqual(["1 a"]);
  });
});
