/** CDC Ethernet adapters as a host sees them: ECM 1.2, NCM 1.0. */
import { describe, expect, test } from "vitest";
import {
  SPEED_FULL,
  SPEED_HIGH,
  SPEED_SUPER,
  STATUS_BABBLE,
  STATUS_OK,
  STATUS_STALL,
  TYPE_INTERRUPT,
} from "../../../asm/layout.ts";
import { Cables } from "../../../worker/device/ethernet/cable.ts";
import { createEthernet } from "../../../worker/device/ethernet/ethernet.ts";
import {
  BROADCAST,
  BULK_IN,
  BULK_OUT,
  frame,
  listener,
  MAC,
  NOTIFICATION_IN,
  plugEthernet,
  select,
} from "./ethernet-host.ts";
import { bytes, type Host, hex, now, ZERO_PACKET } from "./harness.ts";
import { again } from "./saved.ts";

const CLASSES = ["ncm", "ecm"] as const;
/** CDC 1.2 §6.3, over what is there when the host listens. */
const UP = "a1 00 0100 0000 0000";
const DOWN = "a1 00 0000 0000 0000";
const SPEED_100 = "a1 2a 0000 0000 0800 00e1f505 00e1f505";

const golden = (text: string): string => hex(bytes(text));
const descriptor = (host: Host, type: number, index = 0) =>
  hex(host.control({ bmRequestType: 0x80, bRequest: 6, wValue: (type << 8) | index, wLength: 255 }).bytes);
const notification = (host: Host) => host.in(NOTIFICATION_IN, 16, TYPE_INTERRUPT);
const said = (host: Host) => hex(now(notification(host)).bytes);
/** One NTB with these frames, as Linux builds them: pointers last, room behind. */
function ntb(...frames: Uint8Array[]): Uint8Array {
  const pointers = 16 + frames.reduce((sum, { length }) => sum + ((length + 3) & ~3), 0);
  const all = new Uint8Array(pointers + 12 + 4 * frames.length);
  const view = new DataView(all.buffer);
  all.set(bytes("4e434d48 0c00 0000"));
  view.setUint16(8, all.length, true);
  view.setUint16(10, pointers, true);
  all.set(bytes("4e434d30"), pointers);
  view.setUint16(pointers + 4, all.length - pointers, true);
  let at = 16;
  frames.forEach((each, index) => {
    all.set(each, at);
    view.setUint16(pointers + 8 + 4 * index, at, true);
    view.setUint16(pointers + 10 + 4 * index, each.length, true);
    at += (each.length + 3) & ~3;
  });
  return all;
}

describe("an adapter says what it is", () => {
  test("as NCM at high speed", async () => {
    const host = await plugEthernet();
    expect(host.device.speed).toBe(SPEED_HIGH);
    expect(descriptor(host, 1)).toBe(golden("12 01 0002 ef 02 01 40 0912 0b00 0001 01 02 03 01"));
    expect(descriptor(host, 2)).toBe(
      golden(`09 02 5e00 02 01 00 80 32
        08 0b 00 02 02 0d 00 00
        09 04 00 00 01 02 0d 00 00
        05 24 00 2001  05 24 06 00 01  0d 24 0f 03 00000000 ea05 1000 00  06 24 1a 0001 01
        07 05 81 03 1000 08
        09 04 01 00 00 0a 00 01 00
        09 04 01 01 02 0a 00 01 00
        07 05 82 02 0002 00  07 05 02 02 0002 00`),
    );
    expect(descriptor(host, 3, 3)).toBe(golden("1a 03 3000320030003000350045003000300035003300300031 00"));
  });

  test("as ECM at full speed", async () => {
    const host = await plugEthernet({ class: "ecm", speed: "full" });
    expect(host.device.speed).toBe(SPEED_FULL);
    expect(descriptor(host, 1)).toBe(golden("12 01 1001 ef 02 01 40 0912 0c00 0001 01 02 03 01"));
    expect(descriptor(host, 2)).toBe(
      golden(`09 02 5800 02 01 00 80 32
        08 0b 00 02 02 06 00 00
        09 04 00 00 01 02 06 00 00
        05 24 00 2001  05 24 06 00 01  0d 24 0f 03 00000000 ea05 1000 00
        07 05 81 03 1000 10
        09 04 01 00 00 0a 00 00 00
        09 04 01 01 02 0a 00 00 00
        07 05 82 02 4000 00  07 05 02 02 4000 00`),
    );
  });

  test("at SuperSpeed with companions and a BOS", async () => {
    const host = await plugEthernet({ speed: "super" });
    expect(host.device.speed).toBe(SPEED_SUPER);
    expect(descriptor(host, 2)).toContain(golden("07 05 81 03 1000 08  06 30 00 00 1000"));
    expect(descriptor(host, 2)).toContain(
      golden("07 05 82 02 0004 00  06 30 0f 00 0000  07 05 02 02 0004 00  06 30 0f 00 0000"),
    );
    expect(descriptor(host, 15)).toContain(golden("0a 10 03"));
  });

  test("with an address of its own, which is nobody's group, when it is given none", () => {
    const addresses = Array.from({ length: 20 }, () => createEthernet({}, new Cables()).identity.serialNumber);
    expect(new Set(addresses).size).toBe(20);
    for (const address of addresses) expect(address).toMatch(/^[0-9A-F][26AE][0-9A-F]{10}$/);
  });
});

describe.each(CLASSES)("an %s adapter tells of its link", (kind) => {
  test("its speed, then that nobody is there, when the host selects alternate 1", async () => {
    const host = await plugEthernet({ class: kind }, new Cables(), 0);
    const waiting = [notification(host), notification(host), notification(host)];
    expect(waiting[0]?.answer).toBeUndefined();
    select(host, 1);
    await host.settle();
    expect(waiting.map(({ answer }) => answer && hex(answer.bytes))).toEqual([
      golden(SPEED_100),
      golden(DOWN),
      undefined,
    ]);
  });

  test("when another comes, and when the last other leaves", async () => {
    const cables = new Cables();
    const host = await plugEthernet({ class: kind }, cables);
    expect([said(host), said(host)]).toEqual([golden(SPEED_100), golden(DOWN)]);
    const first = listener(cables);
    expect([said(host), said(host)]).toEqual([golden(SPEED_100), golden(UP)]);
    const second = listener(cables);
    first.leave();
    const waiting = notification(host);
    expect(waiting.answer).toBeUndefined();
    second.leave();
    await host.settle();
    expect(hex(now(waiting).bytes)).toBe(golden(DOWN));
  });

  test("as it is at last, when the host was slow to listen", async () => {
    const cables = new Cables();
    const host = await plugEthernet({ class: kind }, cables);
    for (let round = 0; round < 3; round++) listener(cables).leave();
    listener(cables);
    expect([said(host), said(host)]).toEqual([golden(SPEED_100), golden(UP)]);
    expect(notification(host).answer).toBeUndefined();
  });

  test("only on its own cable, and to one that has room", async () => {
    const cables = new Cables();
    const host = await plugEthernet({ class: kind, cable: "a" }, cables);
    listener(cables, "b");
    expect(now(host.in(NOTIFICATION_IN, 8, TYPE_INTERRUPT)).status).toBe(STATUS_BABBLE);
    expect([said(host), said(host)]).toEqual([golden(SPEED_100), golden(DOWN)]);
  });

  test("its unplug", async () => {
    const cables = new Cables();
    const [one, other] = [await plugEthernet({ class: kind }, cables), await plugEthernet({ class: kind }, cables)];
    expect([said(one), said(one)]).toEqual([golden(SPEED_100), golden(UP)]);
    await other.device.close();
    expect(said(one)).toBe(golden(DOWN));
  });
});

test.each([
  ["full", "80969800"],
  ["high", "00e1f505"],
  ["super", "00ca9a3b"],
] as const)("at %s speed its bit rate is %s", async (speed, rate) => {
  const host = await plugEthernet({ speed });
  expect(said(host)).toBe(golden(`a1 2a 0000 0000 0800 ${rate} ${rate}`));
});

describe.each(CLASSES)("requests to an %s adapter", (kind) => {
  const filters = (host: Host, addresses: string, count: number) =>
    host.control({ bmRequestType: 0x21, bRequest: 0x40, wValue: count, wLength: 6 * count }, bytes(addresses)).status;

  test("SetEthernetMulticastFilters takes whole addresses, up to 16", async () => {
    const host = await plugEthernet({ class: kind });
    expect(filters(host, "", 0)).toBe(STATUS_OK);
    expect(filters(host, "01005e000001", 1)).toBe(STATUS_OK);
    expect(filters(host, "01005e000001".repeat(16), 16)).toBe(STATUS_OK);
    expect(filters(host, "01005e000001".repeat(17), 17)).toBe(STATUS_STALL);
    expect(filters(host, "01005e000001", 2)).toBe(STATUS_STALL);
  });

  test("SetEthernetPacketFilter has no data; other interfaces and requests are stalled", async () => {
    const host = await plugEthernet({ class: kind });
    const request = (bRequest: number, more: object = {}) =>
      host.control({ bmRequestType: 0x21, bRequest, wValue: 0x0e, ...more }).status;
    expect(request(0x43)).toBe(STATUS_OK);
    expect(request(0x43, { wLength: 1 })).toBe(STATUS_STALL);
    expect(request(0x43, { wIndex: 1 })).toBe(STATUS_STALL);
    expect(request(0x43, { bmRequestType: 0x41 })).toBe(STATUS_STALL);
    expect(request(0x44)).toBe(STATUS_STALL);
    host.configure(0);
    expect(request(0x43)).toBe(STATUS_STALL);
  });
});

describe("requests to an NCM adapter", () => {
  const get = (host: Host, bRequest: number, wLength: number) =>
    hex(host.control({ bmRequestType: 0xa1, bRequest, wLength }).bytes);
  const setSize = (host: Host, size: string) =>
    host.control({ bmRequestType: 0x21, bRequest: 0x86 }, bytes(size)).status;

  test("GetNtbParameters (NCM 1.0 table 6-3)", async () => {
    const host = await plugEthernet();
    const parameters = golden("1c00 0100 00400000 0400 0000 0400 0000 00400000 0400 0000 0400 2800");
    expect(get(host, 0x80, 28)).toBe(parameters);
    expect(get(host, 0x80, 64)).toBe(parameters);
    expect(get(host, 0x80, 2)).toBe("1c00");
  });

  test("the only format is 16 bits", async () => {
    const host = await plugEthernet();
    const set = (wValue: number) => host.control({ bmRequestType: 0x21, bRequest: 0x84, wValue }).status;
    expect(get(host, 0x83, 2)).toBe("0000");
    expect([set(0), set(1)]).toEqual([STATUS_OK, STATUS_STALL]);
  });

  test("SetNtbInputSize is from 2048 to 16384, until alternate 0 is selected", async () => {
    const host = await plugEthernet();
    expect(get(host, 0x85, 4)).toBe("00400000");
    for (const size of ["ff070000", "01400000", "00400100", "0008", "0008000000000000"]) {
      expect(setSize(host, size), size).toBe(STATUS_STALL);
    }
    expect(setSize(host, "00080000")).toBe(STATUS_OK);
    expect(get(host, 0x85, 4)).toBe("00080000");
    select(host, 1);
    expect(get(host, 0x85, 4)).toBe("00080000");
    select(host, 0);
    expect(get(host, 0x85, 4)).toBe("00400000");
  });

  test("an ECM adapter stalls them", async () => {
    const host = await plugEthernet({ class: "ecm" });
    expect(host.control({ bmRequestType: 0xa1, bRequest: 0x80, wLength: 28 }).status).toBe(STATUS_STALL);
  });
});

describe("an ECM adapter", () => {
  test("sends a transfer as a frame, however many requests carry it", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({ class: "ecm" }, cables);
    const sent = [frame(14), frame(60, 2), frame(512, 3), frame(1024, 4), frame(1514, 5)];
    now(host.out(BULK_OUT, sent[0] as Uint8Array));
    now(host.out(BULK_OUT, sent[1] as Uint8Array));
    now(host.out(BULK_OUT, sent[2] as Uint8Array, undefined, ZERO_PACKET));
    now(host.out(BULK_OUT, new Uint8Array()));
    now(host.out(BULK_OUT, (sent[3] as Uint8Array).subarray(0, 512)));
    now(host.out(BULK_OUT, (sent[3] as Uint8Array).subarray(512)));
    now(host.out(BULK_OUT, new Uint8Array()));
    now(host.out(BULK_OUT, sent[4] as Uint8Array));
    expect(other.frames).toEqual(sent);
  });

  test("drops what is no frame", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({ class: "ecm" }, cables);
    for (const length of [0, 1, 13, 1515, 2047, 2048, 1_000_000])
      now(host.out(BULK_OUT, frame(Math.max(length, 6)).subarray(0, length)));
    now(host.out(BULK_OUT, new Uint8Array()));
    expect(other.frames.every(({ length }) => length >= 14 && length <= 1514)).toBe(true);
    other.frames.length = 0;
    now(host.out(BULK_OUT, frame(100)));
    expect(other.frames).toEqual([frame(100)]);
  });

  test("hands each frame on in a transfer of its own, at once if one waits", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({ class: "ecm" }, cables);
    const [first, second] = [host.in(BULK_IN, 2048), host.in(BULK_IN, 2048)];
    other.say(frame(60), frame(512, 2), frame(1514, 3), frame(14, 4));
    await host.settle();
    const third = now(host.in(BULK_IN, 2048));
    const small = now(host.in(BULK_IN, 13));
    expect([now(first).bytes, now(second).bytes, third.bytes]).toEqual([frame(60), frame(512, 2), frame(1514, 3)]);
    expect(small.status).toBe(STATUS_BABBLE);
    expect(host.in(BULK_IN, 2048).answer).toBeUndefined();
  });
});

describe("an NCM adapter", () => {
  test("sends each datagram as a frame, in order, and all of an NTB as one burst", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({}, cables);
    const sent = [frame(60), frame(1514, 2), frame(14, 3)];
    const whole = ntb(...sent);
    now(host.out(BULK_OUT, whole));
    expect(other.frames).toEqual(sent);
    expect(other.bursts).toEqual([3]);
    // In three requests of whole packets and the rest.
    for (const [from, to] of [
      [0, 512],
      [512, 1536],
      [1536, whole.length],
    ])
      now(host.out(BULK_OUT, whole.subarray(from, to)));
    expect(other.frames).toEqual([...sent, ...sent]);
    // 16384 bytes end a transfer by themselves (NCM 1.0 §3.2.1).
    const full = new Uint8Array(16384);
    full.set(whole);
    now(host.out(BULK_OUT, full));
    expect(other.frames).toHaveLength(9);
  });

  test("drops what is no NTB whole, and frames that are none by themselves", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({}, cables);
    const bad = ntb(frame(60), frame(100, 2));
    bad[bad.length - 8] = 0xff;
    now(host.out(BULK_OUT, bad));
    now(host.out(BULK_OUT, new Uint8Array(100)));
    expect(other.frames).toEqual([]);
    now(host.out(BULK_OUT, ntb(frame(60, 3), frame(13, 4), frame(1515, 5), frame(60, 6))));
    expect(other.frames).toEqual([frame(60, 3), frame(60, 6)]);
  });

  test("hands a burst on as one NTB", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({}, cables);
    const waiting = host.in(BULK_IN, 16384);
    other.say(bytes(`${MAC.replaceAll(":", "")} 112233445566 0800 aabbcc`), bytes(`${BROADCAST} 112233445566 0806 dd`));
    await host.settle();
    expect(hex(now(waiting).bytes)).toBe(
      golden(`4e434d48 0c00 0000 4800 3400  0000
        02005e005301 112233445566 0800 aabbcc  000000
        ffffffffffff 112233445566 0806 dd  000000
        4e434d30 1400 0000  0e00 1100  2200 0f00  00000000`),
    );
  });

  test("hands on what came while nobody asked, in NTBs of the size that was set and of the request's", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({}, cables);
    const count = ({ bytes: got }: { bytes: Uint8Array }) => {
      const pointers = (got[10] ?? 0) | ((got[11] ?? 0) << 8);
      return (((got[pointers + 4] ?? 0) | ((got[pointers + 5] ?? 0) << 8)) - 12) / 4;
    };
    for (let seed = 1; seed <= 30; seed++) other.say(frame(1000, seed));
    expect(count(now(host.in(BULK_IN, 65536)))).toBe(16);
    expect(count(now(host.in(BULK_IN, 4096)))).toBe(4);
    host.control({ bmRequestType: 0x21, bRequest: 0x86 }, bytes("00100000"));
    expect(count(now(host.in(BULK_IN, 16384)))).toBe(4);
    expect(now(host.in(BULK_IN, 1000)).status).toBe(STATUS_BABBLE); // that frame is gone
    expect(count(now(host.in(BULK_IN, 16384)))).toBe(4);
    expect(count(now(host.in(BULK_IN, 16384)))).toBe(1);
  });
});

describe("the frames that an adapter takes", () => {
  const OTHER = "02:00:5e:00:53:02";
  const GROUP = "01:00:5e:00:00:01";
  const OTHER_GROUP = "01:00:5e:00:00:02";

  /** Which of the four kinds of frame get through. */
  async function taken(types: number | undefined, groups = ""): Promise<string> {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({ class: "ecm" }, cables);
    if (types !== undefined) host.control({ bmRequestType: 0x21, bRequest: 0x43, wValue: types });
    host.control({ bmRequestType: 0x21, bRequest: 0x40, wValue: groups.length / 12 }, bytes(groups));
    const destinations = { own: MAC, other: OTHER, broadcast: BROADCAST, group: GROUP, "other group": OTHER_GROUP };
    const names = Object.entries(destinations).filter(([, destination]) => {
      other.say(frame(60, 1, destination));
      const { answer } = host.in(BULK_IN, 2048);
      if (!answer) select(host, 1); // takes the request back
      return answer;
    });
    return names.map(([name]) => name).join(", ");
  }

  test.each([
    [undefined, "", "own, broadcast, group, other group"],
    [0x00, "", ""],
    [0x01, "", "own, other, broadcast, group, other group"],
    [0x02, "", "group, other group"],
    [0x04, "", "own"],
    [0x08, "", "broadcast"],
    [0x0c, "01005e000001", "own, broadcast"],
    [0x1c, "01005e000001", "own, broadcast, group"],
    [0x10, "01005e00000301005e000002", "other group"],
    [0xffe0, "", ""],
  ])("with filter %s and the groups '%s': %s", async (types, groups, names) => {
    expect(await taken(types, groups)).toBe(names);
  });

  test("are none of its own, and none in alternate 0, whose selection takes the filter back", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({ class: "ecm" }, cables);
    host.control({ bmRequestType: 0x21, bRequest: 0x43, wValue: 0x01 });
    now(host.out(BULK_OUT, frame(60, 1, BROADCAST)));
    select(host, 0);
    other.say(frame(60));
    select(host, 1);
    const waiting = host.in(BULK_IN, 2048);
    other.say(frame(60, 2, OTHER), frame(60, 3));
    await host.settle();
    expect(now(waiting).bytes).toEqual(frame(60, 3));
  });

  test("are 256 when nobody asks for them, and the newest are dropped", async () => {
    const cables = new Cables();
    const other = listener(cables);
    const host = await plugEthernet({ class: "ecm" }, cables);
    for (let seed = 0; seed < 300; seed++) other.say(frame(60, seed + 1));
    for (let seed = 0; seed < 256; seed++) expect(now(host.in(BULK_IN, 2048)).bytes).toEqual(frame(60, seed + 1));
    const waiting = host.in(BULK_IN, 2048);
    expect(waiting.answer).toBeUndefined();
    other.say(frame(60, 500));
    await host.settle();
    expect(now(waiting).bytes).toEqual(frame(60, 500));
  });
});

describe("two adapters on a cable", () => {
  test("pass frames from host to host, and the third hears them as well", async () => {
    const cables = new Cables();
    const [a, b, c] = await Promise.all([
      plugEthernet({ class: "ncm", mac: "02:00:00:00:00:0a" }, cables),
      plugEthernet({ class: "ecm", mac: "02:00:00:00:00:0b" }, cables),
      plugEthernet({ class: "ncm", mac: "02:00:00:00:00:0c" }, cables),
    ]);
    const waiting = [b.in(BULK_IN, 2048), b.in(BULK_IN, 2048), c.in(BULK_IN, 16384)];
    now(a.out(BULK_OUT, ntb(frame(60, 1, BROADCAST), frame(1514, 2, "02:00:00:00:00:0b"))));
    await b.settle();
    await c.settle();
    expect(now(waiting[0] as never).bytes).toEqual(frame(60, 1, BROADCAST));
    expect(now(waiting[1] as never).bytes).toEqual(frame(1514, 2, "02:00:00:00:00:0b"));
    expect(now(waiting[2] as never).bytes.subarray(14, 74)).toEqual(frame(60, 1, BROADCAST));
    expect([a.owned, b.owned, c.owned]).toEqual([0, 0, 0]);
  });

  test("and one whose transfers are cancelled, or that is reset or unplugged, leaves the other alone", async () => {
    const cables = new Cables();
    const [a, b] = [await plugEthernet({}, cables), await plugEthernet({ mac: "02:00:00:00:00:0b" }, cables)];
    const [first, second] = [b.in(BULK_IN, 16384), b.in(BULK_IN, 16384)];
    b.cancel(first);
    now(a.out(BULK_OUT, ntb(frame(60, 1, BROADCAST))));
    await b.settle();
    expect(now(second).bytes.subarray(14, 74)).toEqual(frame(60, 1, BROADCAST));
    const third = b.in(BULK_IN, 16384);
    await b.reset(third);
    now(a.out(BULK_OUT, ntb(frame(60, 2, BROADCAST))));
    await b.device.close();
    now(a.out(BULK_OUT, ntb(frame(60, 3, BROADCAST))));
    expect([a.clean, b.clean]).toEqual([true, true]);
  });
});

describe("a saved adapter goes on", () => {
  test.each(CLASSES)("as %s with its address, its cable, its filter, and a transfer that has begun", async (kind) => {
    const cables = new Cables();
    const host = await plugEthernet({ class: kind, cable: "x", mac: "02:00:00:00:00:0d", speed: "full" }, cables);
    const { origin } = host.device;
    expect(origin).toEqual({ kind: "ethernet", class: kind, cable: "x", mac: "02:00:00:00:00:0d", speed: "full" });
    host.control({ bmRequestType: 0x21, bRequest: 0x43, wValue: 0x10 });
    host.control({ bmRequestType: 0x21, bRequest: 0x40, wValue: 1 }, bytes("01005e000001"));
    now(host.out(BULK_OUT, frame(128)));
    const other = await again(host, { kind: "ethernet" });
    expect(other.device.identity.serialNumber).toBe("02000000000D");
    expect(other.device.save?.()).toEqual(host.device.save?.());
    expect(other.device.save?.()).toMatchObject({
      function: { filter: { types: 0x10, multicast: bytes("01005e000001") }, transfer: frame(128) },
    });
    expect([said(other), said(other)]).toEqual([golden("a1 2a 0000 0000 0800 80969800 80969800"), golden(DOWN)]);
  });

  test("as NCM with its input size", async () => {
    const host = await plugEthernet();
    host.control({ bmRequestType: 0x21, bRequest: 0x86 }, bytes("00080000"));
    const other = await again(host, { kind: "ethernet" });
    expect(hex(other.control({ bmRequestType: 0xa1, bRequest: 0x85, wLength: 4 }).bytes)).toBe("00080000");
  });
});
