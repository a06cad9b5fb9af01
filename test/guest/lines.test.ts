/** Serial and MIDI adapters and Linux's stock drivers: what the guest asks for is what the far end sees, and bytes go both ways. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeviceOutput, MidiOutput, SerialOutput, SerialSource, UsbPort } from "../../dist/app/index.js";
import { openSerialPort } from "../../dist/app/sources/serial-port.js";
import { FakeSerialPort, fakeSerial } from "../fakes/serial-port.ts";
import { type Bench, md5, pattern, startGuest } from "./harness.ts";
import {
  ACM_TTY,
  breaks,
  DATA_SIZE,
  echo,
  echoInBackground,
  FTDI_TTY,
  isOpen,
  lines,
  MAKE_DATA,
  setBreak,
} from "./serial.ts";
import { guestTools } from "./tools.ts";

let bench: Bench;
let port: UsbPort;
beforeAll(async () => {
  bench = await startGuest({}, { overlay: guestTools() });
  port = bench.controller.port(1);
  await bench.run(MAKE_DATA);
});
afterAll(() => bench?.stop());

/** Asks whenever the device says that there is something, until it is this. */
async function outputUntil<T extends DeviceOutput>(done: (output: T) => boolean): Promise<void> {
  for (;;) {
    const told = new Promise<void>((resolve) => {
      port.onOutput = resolve;
    });
    const output = (await port.output()) as T | undefined;
    if (output && done(output)) return;
    await told;
  }
}
const output = async () => (await port.output()) as SerialOutput;

describe.each([
  ["an FT232R and ftdi_sio", "ft232r", FTDI_TTY],
  ["a CDC-ACM adapter and cdc_acm", "cdc-acm", ACM_TTY],
] as const)("%s", (_, chip, tty) => {
  const plug = async (source: Omit<SerialSource, "kind" | "chip">) => {
    await port.plug(bench.host.device("serial", { chip, serial: "A1B2C3D4", ...source }));
    await bench.until(`test -c ${tty}`);
  };
  const unplug = async () => {
    await port.unplug();
    await bench.until(`! test -e ${tty}`);
  };

  it("bring 256 KiB back through a loopback plug, with the right checksum", async () => {
    await plug({ loopback: true });
    const [there, back] = (await bench.run(echo(tty))).trim().split("\n");
    expect(back).toBe(there);
    await unplug();
  });

  it("agree on rates, and on data, parity and stop bits", async () => {
    await plug({});
    const set = async (how: string) => {
      await bench.run(`stty -F ${tty} ${how}`);
      return output();
    };
    // FTDI's divisor comes near to most rates only.
    for (const [rate, ftdi] of [
      [300, 300],
      [57600, 57554],
      [115200, 115385],
      [3000000, 3000000],
    ] as const) {
      expect(await set(`raw -echo ${rate}`)).toMatchObject({ baudRate: chip === "ft232r" ? ftdi : rate });
    }
    expect(await set("cs7 parenb parodd cstopb")).toMatchObject({ dataBits: 7, parity: "odd", stopBits: 2 });
    expect(await set("cs8 -parenb -cstopb")).toMatchObject({ dataBits: 8, parity: "none", stopBits: 1 });
    await unplug();
  });

  it("let a program and a guest's program talk, see each other's lines and breaks, and hang up", async () => {
    const { run, until } = bench;
    await plug({});
    await run(
      `stty -F ${tty} raw -echo -brkint -ignbrk parmrk -clocal 115200; (cat <${tty} >/tmp/heard; touch /tmp/ended) >/dev/null 2>&1 &`,
    );
    await until(isOpen(tty));
    await port.input({ type: "serial", bytes: new TextEncoder().encode("hello") });
    await until("grep -q hello /tmp/heard");
    await port.input({ type: "serial-lines", break: true });
    if (chip === "ft232r") {
      await until("[ $(wc -c </tmp/heard) = 8 ]");
      expect(await run("od -An -tx1 /tmp/heard")).toBe(" 68 65 6c 6c 6f ff 00 00\n");
    } else {
      await until(`[ $(${breaks(tty)}) = 1 ]`); // the class tells of it beside the bytes
    }
    await run(`echo and back >${tty}`);
    let got = "";
    await outputUntil<SerialOutput>(({ bytes, dtr, rts }) => {
      got += new TextDecoder().decode(bytes);
      return dtr && rts && got === "and back\n";
    });
    expect(await run(lines(tty))).toBe("DTR RTS CTS CD DSR");
    await port.input({ type: "serial-lines", cts: false, ri: true });
    const cts = chip === "ft232r" ? "" : "CTS "; // cdc_acm has it always on: the class has no word for it
    await until(`[ "$(${lines(tty)})" = "DTR RTS ${cts}CD RI DSR" ]`);
    await run(setBreak(tty, true));
    await outputUntil<SerialOutput>((each) => each.break);
    await run(setBreak(tty, false));
    await outputUntil<SerialOutput>((each) => !each.break && each.dtr && each.rts);
    await port.input({ type: "serial-lines", dcd: false }); // the carrier is lost: a hang-up, which ends cat
    await until("test -e /tmp/ended");
    expect(await output()).toMatchObject({ dtr: false, rts: false });
    await run("rm /tmp/ended /tmp/heard");
    await unplug();
  });

  it("lose the port in the middle of the bytes, and have it again", async () => {
    await plug({ loopback: true });
    const before = port.status.counters.bytesIn;
    await bench.run(echoInBackground(tty));
    await expect.poll(() => port.status.counters.bytesIn - before).toBeGreaterThan(10_000);
    await unplug();
    await bench.until(`! ${isOpen(tty)}`);
    await plug({ loopback: true });
    const [there, back] = (await bench.run(echo(tty))).trim().split("\n");
    expect(back).toBe(there);
    await unplug();
    expect(await bench.host.stats()).toMatchObject({ devices: 0, owned: 0 });
  });
});

it("a serial port of the page, by Web Serial, is the guest's: its settings, its lines, and bytes both ways", async () => {
  const { run, until } = bench;
  const serial = new FakeSerialPort();
  const feed = await openSerialPort(fakeSerial(serial));
  let ended = "";
  feed.onEnd = (reason) => {
    ended = reason;
  };
  await port.plug(feed.source);
  feed.plugged(port);
  await until(`test -c ${ACM_TTY}`);
  await run(`stty -F ${ACM_TTY} raw -echo 115200`);
  await run(`(head -c ${DATA_SIZE} <${ACM_TTY} | md5sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) >/dev/null 2>&1 &`);
  await until(isOpen(ACM_TTY));
  const sent = pattern(DATA_SIZE);
  for (let at = 0; at < DATA_SIZE; at += 4096) serial.receive(sent.subarray(at, at + 4096));
  expect((await until("cat /tmp/sum")).split(" ")[0]).toBe(md5(sent));

  const [sum = ""] = (await run(`cat /tmp/data >${ACM_TTY}; md5sum </tmp/data`)).split(" ");
  await expect.poll(() => serial.log.at(-1)).toBe("dtr- rts-"); // closed, and so all is here
  const opened = serial.log.indexOf("open 115200 8none1 none");
  const bytes = serial.log.slice(opened).filter((words) => /^[0-9a-f]+$/.test(words));
  expect(md5(Buffer.from(bytes.join(""), "hex"))).toBe(sum);

  serial.lines = { ...serial.lines, dataCarrierDetect: true };
  await until(`[ "$(${lines(ACM_TTY)})" = "DTR RTS CTS CD" ]`);
  serial.pullOut();
  expect(ended).toBe("The serial port was pulled out.");
  await port.unplug();
  await feed.close();
});

it("an FT232R's latency timer is what ftdi_sio sets", async () => {
  await port.plug(bench.host.device("serial", {}));
  const latency = "/sys/bus/usb-serial/devices/ttyUSB0/latency_timer";
  await bench.until(`test -e ${latency}`);
  expect(await bench.run(`cat ${latency}; echo 5 >${latency}; cat ${latency}`)).toBe("16\n5\n");
  await port.unplug();
});

it("a MIDI adapter and snd-usb-audio: notes and SysEx go both ways, and the unplug ends a program that listens", async () => {
  const { run, until } = bench;
  await port.plug(bench.host.device("midi", { name: "Test Piano" }));
  await until("test -c /dev/snd/midiC0D0");
  expect(await run("cat /proc/asound/card0/midi0")).toContain("Test Piano");
  const midi = "/dev/snd/midiC0D0";

  await run(`(cat ${midi} >/tmp/midi; touch /tmp/ended) >/dev/null 2>&1 &`);
  await until(isOpen(midi));
  const played = Uint8Array.from([0x90, 60, 100, 62, 0, 0xf0, ...new Uint8Array(1500).fill(0x55), 0xf7, 0xf8]);
  await port.input({ type: "midi", bytes: played });
  // With its status, which running status leaves out.
  const heard = Buffer.from([0x90, 60, 100, 0x90, ...played.subarray(3)]).toString("hex");
  await until(`[ $(wc -c </tmp/midi) = ${heard.length / 2} ]`);
  expect(await run("hexdump -v -e '1/1 \"%02x\"' /tmp/midi")).toBe(heard);

  await run(
    `{ printf '\\220\\074\\144\\076\\000\\360'; head -c 6000 /dev/zero | tr '\\0' '\\125'; printf '\\367\\300\\005'; } >${midi}`,
  );
  const expected = Buffer.from([0x90, 60, 100, 0x90, 62, 0, 0xf0, ...new Uint8Array(6000).fill(0x55), 0xf7, 0xc0, 5]);
  let got = Buffer.alloc(0);
  await outputUntil<MidiOutput>(({ bytes, lost }) => {
    got = Buffer.concat([got, bytes]);
    expect(lost).toBe(0);
    return got.length >= expected.length;
  });
  expect(got.toString("hex")).toBe(expected.toString("hex"));

  await port.unplug();
  await until("test -e /tmp/ended");
  expect(await bench.host.stats()).toMatchObject({ devices: 0, owned: 0 });
});
