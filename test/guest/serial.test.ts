/** Linux's stock ftdi_sio and our FT232R: what the driver asks for is what the far end sees, and what goes out comes back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SerialOutput } from "../../dist/app/index.js";
import { type Bench, startGuest } from "./harness.ts";
import { ECHO, ECHO_IN_BACKGROUND, LINES, MAKE_DATA, OPEN, setBreak, TTY } from "./serial.ts";
import { guestTools } from "./tools.ts";

describe.each(["worker", "thread"] as const)("an FT232R and Linux's ftdi_sio, backend in a %s", (placement) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({ placement }, { overlay: guestTools() });
    await bench.run(MAKE_DATA);
  });
  afterAll(() => bench?.stop());

  const plug = async (loopback: boolean) => {
    await bench.controller.port(1).plug(bench.host.device("serial", { loopback, serial: "A1B2C3D4" }));
    await bench.until(`test -c ${TTY}`);
  };
  const unplug = async () => {
    await bench.controller.port(1).unplug();
    await bench.until(`! test -e ${TTY}`);
  };
  const output = async () => (await bench.controller.port(1).output()) as SerialOutput;

  it("bring 1 MiB back through a loopback plug, with the right checksum", async () => {
    await plug(true);
    expect(await bench.run("dmesg | grep -c 'FTDI USB Serial Device converter now attached to ttyUSB0'")).toBe("1\n");
    expect(await bench.run("dmesg | grep -o 'Detected FT232R'")).toMatch(/^Detected FT232R\n/);
    const [there, back] = (await bench.run(ECHO)).trim().split("\n");
    expect(back).toBe(there);
    await unplug();
  });

  if (placement === "worker") return;

  it("agree on rates, on data, parity and stop bits, and on the latency timer", async () => {
    await plug(false);
    const set = async (how: string) => {
      await bench.run(`stty -F ${TTY} ${how}`);
      return output();
    };
    for (const [rate, told] of [
      [300, 300],
      [9600, 9600],
      [57600, 57554],
      [115200, 115385],
      [921600, 923077],
      [3000000, 3000000],
    ] as const) {
      expect(await set(`raw -echo ${rate}`), `${rate}`).toMatchObject({ baudRate: told });
    }
    expect(await set("cs7 parenb parodd cstopb")).toMatchObject({ dataBits: 7, parity: "odd", stopBits: 2 });
    expect(await set("cs8 -parenb -cstopb")).toMatchObject({ dataBits: 8, parity: "none", stopBits: 1 });
    const latency = "/sys/bus/usb-serial/devices/ttyUSB0/latency_timer";
    expect(await bench.run(`cat ${latency}; echo 5 >${latency}; cat ${latency}`)).toBe("16\n5\n");
    await unplug();
  });

  it("let a program and a guest's program talk, see each other's lines and breaks, and hang up", async () => {
    const { controller, run, until } = bench;
    const port = controller.port(1);
    await plug(false);
    await run(
      `stty -F ${TTY} raw -echo -brkint -ignbrk parmrk -clocal 115200; (cat <${TTY} >/tmp/heard; touch /tmp/ended) >/dev/null 2>&1 &`,
    );
    await until(OPEN);
    await port.input({ type: "serial", bytes: new TextEncoder().encode("hello") });
    await until("grep -q hello /tmp/heard");
    await port.input({ type: "serial-lines", break: true });
    await until("[ $(wc -c </tmp/heard) = 8 ]");
    expect(await run("od -An -tx1 /tmp/heard")).toBe(" 68 65 6c 6c 6f ff 00 00\n");
    await run(`echo and back >${TTY}`);
    expect(await output()).toMatchObject({ bytes: new TextEncoder().encode("and back\n"), dtr: true, rts: true });
    expect(await run(LINES)).toBe("DTR RTS CTS CD DSR");
    await port.input({ type: "serial-lines", cts: false, ri: true });
    expect(await run(LINES)).toBe("DTR RTS CD RI DSR");
    await run(setBreak(true));
    expect(await output()).toMatchObject({ break: true });
    await run(setBreak(false));
    expect(await output()).toMatchObject({ break: false, dtr: true, rts: true });
    await port.input({ type: "serial-lines", dcd: false }); // the carrier is lost: a hang-up, which ends cat
    await until("test -e /tmp/ended");
    expect(await output()).toMatchObject({ dtr: false, rts: false });
    await unplug();
  });

  it("lose the port in the middle of the 1 MiB, and have it again, three times", async () => {
    for (let round = 0; round < 3; round++) {
      await plug(true);
      const before = bench.controller.port(1).status.counters.bytesIn;
      await bench.run(ECHO_IN_BACKGROUND);
      await expect.poll(() => bench.controller.port(1).status.counters.bytesIn - before).toBeGreaterThan(10_000);
      await unplug();
      await bench.until(`! ${OPEN}`);
    }
    await plug(true);
    const [there, back] = (await bench.run(ECHO)).trim().split("\n");
    expect(back).toBe(there);
    await unplug();
    expect(await bench.host.stats()).toMatchObject({ devices: 0, owned: 0 });
  });
});
