import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";

describe("the programs that tests bring into the guest", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({}, { overlay: guestTools() });
  });
  afterAll(() => bench?.stop());

  it("has a perl that packs and calls ioctl", async () => {
    const TIOCGWINSZ = 0x5413;
    const script = `use strict; use warnings; use Fcntl; sysopen(my $t, "/dev/ttyS0", O_RDWR | O_NONBLOCK) or die $!;
      ioctl($t, ${TIOCGWINSZ}, my $size = "\\0" x 8) or die $!; print join(" ", unpack("S2", $size));`;
    expect(await bench.run(`perl -e '${script}'`)).toBe("24 80");
  });

  it("has yavta", async () => {
    expect(await bench.run("yavta --help")).toContain("--capture");
  });

  it("has the players and the mixer of ALSA, with a configuration", async () => {
    const { run } = bench;
    expect(await run("aplay --version; arecord --version; amixer --version")).toMatch(
      /^aplay: .*\narecord: .*\namixer .*\n$/,
    );
    expect(await run("modprobe snd_usb_audio; aplay -L")).toContain("null");
  });
});
