import { expect, test } from "vitest";
import { Agent, type AgentPort, GuestTimeoutError } from "../../../app/guest/agent.ts";

/** The guest's end: what the host wrote, and a way to answer. */
class Port implements AgentPort {
  onBytes: ((bytes: Uint8Array) => void) | undefined;
  readonly lines: string[] = [];
  write(bytes: Uint8Array): void {
    this.lines.push(new TextDecoder().decode(bytes));
  }
  say(text: string | Uint8Array): void {
    this.onBytes?.(typeof text === "string" ? new TextEncoder().encode(text) : text);
  }
  get nonce(): string {
    return this.lines.at(-1)?.split(" ")[1] ?? "";
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a command goes out in base64, its output and status come back", async () => {
  const port = new Port();
  const result = new Agent(port).exec("echo héllo");
  await settle();
  expect(port.lines).toEqual([`run ${port.nonce} ${Buffer.from("echo héllo").toString("base64")}\n`]);
  port.say(`héllo\n\n${port.nonce} 7\n`);
  const { status, output } = await result;
  expect([status, text(output)]).toEqual([7, "héllo\n"]);
});

test("output is told as it comes, in any pieces, without the mark", async () => {
  const port = new Port();
  const told: string[] = [];
  const result = new Agent(port).exec("x", { onOutput: (bytes) => told.push(text(bytes)) });
  await settle();
  const lookalike = `\n\n${port.nonce.slice(0, 9)}! \n${port.nonce}\n`;
  for (const byte of new TextEncoder().encode(`one${lookalike}two\n${port.nonce} 0\n`)) port.say(Uint8Array.of(byte));
  const { status, output } = await result;
  expect(status).toBe(0);
  expect(text(output)).toBe(`one${lookalike}two`);
  expect(told.join("")).toBe(text(output));
});

test("bytes that are no text come as they are, also many of them", async () => {
  const port = new Port();
  const result = new Agent(port).exec("cat /dev/urandom");
  await settle();
  const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) & 0xff);
  port.say(bytes);
  port.say(`\n${port.nonce} 0\n`);
  expect((await result).output).toEqual(bytes);
});

test("commands run one after another", async () => {
  const port = new Port();
  const agent = new Agent(port);
  const results = [agent.exec("first"), agent.exec("second")];
  await settle();
  expect(port.lines.length).toBe(1);
  port.say(`1\n${port.nonce} 0\n`);
  await settle();
  expect(port.lines.length).toBe(2);
  port.say(`2\n${port.nonce} 0\n`);
  expect((await Promise.all(results)).map(({ output }) => text(output))).toEqual(["1", "2"]);
});

test("a command that does not end in time is given up, and the next waits for it", async () => {
  const port = new Port();
  const agent = new Agent(port);
  await expect(agent.exec("sleep 9", { timeout: 20 })).rejects.toThrow(GuestTimeoutError);
  const next = agent.exec("next");
  await settle();
  expect(port.lines.length).toBe(1);
  port.say(`\n${port.nonce} 0\n`);
  await settle();
  port.say(`\n${port.nonce} 4\n`);
  expect((await next).status).toBe(4);
});

test("the greeting is heard in the middle of noise", async () => {
  const port = new Port();
  const greeting = new Agent(port).greeting();
  port.say("\0noise pvusb-agent 1 \npvusb-ag");
  port.say("ent 1\n");
  await expect(greeting).resolves.toBeUndefined();
});

test("closing fails what runs and what comes later", async () => {
  const port = new Port();
  const agent = new Agent(port);
  const running = agent.exec("x");
  await settle();
  agent.close(new Error("stopped"));
  await expect(running).rejects.toThrow("stopped");
  await expect(agent.exec("y")).rejects.toThrow("stopped");
});
