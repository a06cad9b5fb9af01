import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";

describe("audio devices of a stock Linux guest", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({}, { overlay: guestTools() });
  });
  afterAll(() => bench?.stop());

  it("are sound cards with their formats, volume and mute", async () => {
    const { controller, host, run, until } = bench;
    await controller.port(1).plug(host.device("speaker"));
    await until("test -c /dev/snd/pcmC0D0p");
    await controller.port(2).plug(host.device("microphone", { speed: "high" }));
    await until("test -c /dev/snd/pcmC1D0c");
    const cards = await run("cat /proc/asound/cards");
    expect(cards).toMatch(/0 \[Speaker .*\n +pvusb Speaker at usb-.*-1, full speed/);
    expect(cards).toMatch(/1 \[Microphone .*\n +pvusb Microphone at usb-.*-2, high speed/);
    const speaker = await run("cat /proc/asound/card0/stream0");
    for (const line of ["Format: S16_LE", "Channels: 2", "0x01 (1 OUT) (ADAPTIVE)", "Rates: 48000, 44100"]) {
      expect(speaker).toContain(line);
    }
    const microphone = await run("cat /proc/asound/card1/stream0");
    for (const line of ["Channels: 1", "0x81 (1 IN) (SYNC)", "Data packet interval: 1000 us"]) {
      expect(microphone).toContain(line);
    }
    const speakerMixer = await run("amixer -c 0 scontents");
    expect(speakerMixer).toMatch(/Playback 60 \[100%\] \[0\.00dB\] \[on\]/);
    expect(await run("amixer -c 0 sset PCM 20dB- mute")).toMatch(/Playback 40 \[67%\] \[-20\.00dB\] \[off\]/);
    expect(await run("amixer -c 1 sset Mic 10dB-")).toMatch(/Capture 50 \[83%\] \[-10\.00dB\] \[on\]/);
    await controller.port(1).unplug();
    await controller.port(2).unplug();
    await until("! grep -q USB-Audio /proc/asound/cards");
  });
});
