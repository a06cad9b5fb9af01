/** Guests with Ethernet adapters: what they say to each other by TCP. */
import type { UsbPort } from "../../dist/app/usb-port.js";
import type { EthernetSource } from "../../worker/protocol.ts";
import type { Bench } from "./harness.ts";

const TCP_PORT = 7000;

/** Takes an address on the adapter that is plugged into this guest: the first one is usb0. */
export async function upAs(bench: Bench, address: string, name = "usb0"): Promise<void> {
  await bench.until(`test -e /sys/class/net/${name}`);
  await bench.run(`ip addr add ${address}/24 dev ${name} && ip link set ${name} up`);
}

export async function plugEthernet(
  bench: Bench,
  port: UsbPort,
  address: string,
  source: Omit<EthernetSource, "kind"> = {},
): Promise<void> {
  await port.plug(bench.host.device("ethernet", source));
  await upAs(bench, address);
}

/** Until both ends know that the cable has two. */
export async function linked(...benches: Bench[]): Promise<void> {
  for (const bench of benches) await bench.until("grep -q 1 /sys/class/net/usb0/carrier");
}

/** Listens for one connection, and answers a function that waits for its end: the checksum of what it brought. */
export async function receive({ run, until }: Bench): Promise<() => Promise<string>> {
  // What is opened for reading and writing never ends, and so the connection ends with the sender's.
  await run("rm -f /tmp/in /tmp/sum; mkfifo /tmp/in");
  await run(`(nc -l -p ${TCP_PORT} <>/tmp/in | md5sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) >/dev/null 2>&1 &`);
  await until(`netstat -ltn | grep -q :${TCP_PORT}`);
  return async () => (await until("cat /tmp/sum")).split(" ")[0] ?? "";
}

/** Sends what a shell command says, in the guest's background. */
export async function send({ run }: Bench, command: string, address: string): Promise<void> {
  await run(`(${command}) 2>/dev/null | nc ${address} ${TCP_PORT} >/dev/null 2>&1 &`);
}

/** Random bytes in a file of the guest; answers their checksum. */
export async function randomFile({ run }: Bench, path: string, bytes: number): Promise<string> {
  const sum = await run(`head -c ${bytes} /dev/urandom >${path}; md5sum <${path}`);
  return sum.split(" ")[0] ?? "";
}
