/** Pictures of a page on their way through a camera: colours, size, and who asks for the next one. */
import { describe, expect, test } from "vitest";
import { PagePictures } from "../../../worker/device/camera/page-pictures.ts";
import { Yuy2Fitter } from "../../../worker/device/camera/yuy2.ts";
import { createDevice } from "../../../worker/device/index.ts";
import type { DeviceInput, PictureInput } from "../../../worker/protocol.ts";
import { PayloadReader } from "../../fakes/payload-reader.ts";
import { agree, alternate, VIDEO_IN } from "./camera.ts";
import { bytes, Host, hex } from "./harness.ts";

/** Red, green, blue and alpha of pixels, written `ff0000 00ff00`. */
const rgba = (text: string): Uint8Array =>
  bytes(
    text
      .trim()
      .split(/\s+/)
      .map((pixel) => `${pixel}ff`)
      .join(""),
  );

const picture = (width: number, height: number, pixels: string): PictureInput => ({
  type: "picture",
  width,
  height,
  bytes: rgba(pixels),
});

/** What a camera of this size makes of it. */
function drawn(width: number, height: number, of: PictureInput): string {
  const target = new Uint8Array(width * height * 2).fill(0xa5);
  new Yuy2Fitter(width, height).draw(of, target);
  return hex(target).replaceAll(/(.{8})(?=.)/g, "$1 ");
}

describe("a picture of the page becomes YUY2", () => {
  test.each([
    // The colour bars of ITU-R BT.601 at 100 %.
    ["white", "ffffff", "eb80eb80"],
    ["yellow", "ffff00", "d210d292"],
    ["cyan", "00ffff", "aaa6aa10"],
    ["green", "00ff00", "91369122"],
    ["magenta", "ff00ff", "6aca6ade"],
    ["red", "ff0000", "515a51f0"],
    ["blue", "0000ff", "29f0296e"],
    ["black", "000000", "10801080"],
  ])("%s", (_, pixel, yuy2) => {
    expect(drawn(2, 1, picture(2, 1, `${pixel} ${pixel}`))).toBe(yuy2);
  });

  test("two pixels have their own luma and the mean of their chroma", () => {
    expect(drawn(2, 1, picture(2, 1, "ff0000 0000ff"))).toBe("51a529af");
    expect(drawn(4, 1, picture(4, 1, "000000 ffffff ffffff 000000"))).toBe("1080eb80 eb801080");
  });

  test("larger and smaller, each pixel from the one that lies there", () => {
    expect(drawn(4, 2, picture(2, 1, "ffffff 000000"))).toBe("eb80eb80 10801080 eb80eb80 10801080");
    const four = "ffffff 000000 ffffff 000000";
    expect(drawn(2, 1, picture(4, 2, `${four} 0000ff 0000ff 0000ff 0000ff`))).toBe("29f0296e");
    expect(drawn(2, 1, picture(6, 3, `${"000000 ".repeat(6)}${"ff0000 ".repeat(6)}${"000000 ".repeat(6)}`))).toBe(
      "515a51f0",
    );
  });

  test("of another shape it lies in the middle, on black", () => {
    const [white, black] = ["eb80eb80", "10801080"];
    // 2:1 in 4x4: a line of black above and below.
    expect(drawn(4, 4, picture(2, 1, "ffffff ffffff"))).toBe(
      [black, black, white, white, white, white, black, black].join(" "),
    );
    // 1:2 in 8x4: two pixels wide… at the nearest even place.
    expect(drawn(8, 4, picture(1, 2, "ffffff ffffff"))).toBe(
      Array(4).fill([black, white, black, black]).flat().join(" "),
    );
    // A line so thin that it has less than one.
    expect(drawn(4, 3, picture(40, 1, "ffffff ".repeat(40)))).toBe(
      [black, black, white, white, black, black].join(" "),
    );
  });

  test("nothing of an earlier shape stays", () => {
    const fitter = new Yuy2Fitter(4, 2);
    const target = new Uint8Array(16);
    fitter.draw(picture(4, 2, "ffffff ".repeat(8)), target);
    fitter.draw(picture(4, 1, "ff0000 ".repeat(4)), target);
    expect(hex(target)).toBe("515a51f0515a51f01080108010801080");
  });
});

describe("a camera of the page", () => {
  async function plug() {
    let told = 0;
    const quiet = { gone: () => undefined, wake: () => undefined, hasOutput: () => void told++ };
    const host = await Host.plug(await createDevice({ kind: "camera", pictures: "page" }, quiet));
    host.configure();
    let frame = 0;
    return {
      host,
      told: () => told,
      show: (pixel: string) => host.device.input?.(picture(1, 1, pixel)),
      /** So many pictures of 160x120, each as its first four bytes in the middle and its corner. */
      watch(count: number) {
        const reader = new PayloadReader();
        while (reader.pictures.length < count) {
          const packet = host.isochronous(VIDEO_IN, 3072, frame++).bytes;
          if (packet.length > 0) reader.take(packet);
        }
        expect(reader.faults).toEqual([]);
        const middle = (60 * 160 + 80) * 2;
        return reader.pictures.map(({ bytes, error }) => {
          expect([bytes.length, error]).toEqual([38_400, false]);
          return `${hex(bytes.subarray(0, 4))} ${hex(bytes.subarray(middle, middle + 4))}`;
        });
      },
    };
  }
  const [BLACK, RED, BLUE] = ["10801080", "515a51f0", "29f0296e"];

  test("asks for a picture when a video begins and each time one is taken, and says of which size", async () => {
    const { host, told, watch } = await plug();
    expect([told(), host.device.output?.()]).toEqual([0, undefined]);
    agree(host, 1, 333_333);
    expect(told()).toBe(0);
    alternate(host, 5);
    expect(told()).toBe(1);
    expect(host.device.output?.()).toEqual({ type: "picture", width: 160, height: 120 });
    expect(host.device.output?.()).toBeUndefined();
    watch(3);
    expect(told()).toBe(4);
    expect(host.device.output?.()).toEqual({ type: "picture", width: 160, height: 120 });
    alternate(host, 0);
    expect(told()).toBe(4);
  });

  test("is black until there is a picture, and shows the newest until there is another", async () => {
    const { host, show, watch } = await plug();
    agree(host, 1, 333_333);
    alternate(host, 5);
    expect(watch(2)).toEqual(Array(2).fill(`${BLACK} ${BLACK}`));
    show("ff0000"); // square: black beside it
    expect(watch(2)).toEqual(Array(2).fill(`${BLACK} ${RED}`));
    show("00ff00");
    show("0000ff");
    expect(watch(1)).toEqual([`${BLACK} ${BLUE}`]);
    alternate(host, 0);
    agree(host, 1, 333_333);
    alternate(host, 5);
    expect(watch(1)).toEqual([`${BLACK} ${BLUE}`]);
  });

  test("takes no picture that is none", async () => {
    const { host, show, watch } = await plug();
    agree(host, 1, 333_333);
    alternate(host, 5);
    show("ff0000");
    const good = picture(2, 2, "0000ff 0000ff 0000ff 0000ff");
    for (const bad of [
      undefined,
      null,
      "picture",
      { ...good, type: "key" },
      { ...good, width: 3 },
      { ...good, width: 0 },
      { ...good, width: 1.5 },
      { ...good, width: Number.NaN },
      { ...good, height: "2" },
      { ...good, width: 4097, height: 1, bytes: new Uint8Array(4097 * 4) },
      { ...good, width: 1 << 30, height: 1 << 30 },
      { ...good, bytes: [...good.bytes] },
      { ...good, bytes: new Uint32Array(16) },
      { ...good, bytes: good.bytes.subarray(1) },
    ]) {
      host.device.input?.(bad as DeviceInput);
    }
    expect(watch(1)).toEqual([`${BLACK} ${RED}`]);
    host.device.input?.({ ...good, bytes: new Uint8ClampedArray(good.bytes) });
    expect(watch(1)).toEqual([`${BLACK} ${BLUE}`]);
  });

  test("a picture whose buffer was given away meanwhile is drawn without harm", () => {
    const scene = new PagePictures(() => undefined);
    const given = new Uint8Array(16).fill(0xff);
    scene.input({ type: "picture", width: 2, height: 2, bytes: given });
    structuredClone(given.buffer, { transfer: [given.buffer] });
    const target = new Uint8Array(16);
    expect(scene.open(4, 2).fill(0, target)).toBe(true);
    expect(hex(target)).toBe("10801080".repeat(4));
  });
});
