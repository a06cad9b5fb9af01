/** The worker's entry in a real worker of Node, bundled as a user's bundler would. */
import { Worker } from "node:worker_threads";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listener, type RunningBackend, startInWorker } from "../../../app/start-backend.ts";
import { STATUS_NO_DEVICE } from "../../../asm/layout.ts";
import type { BackendControl, BackendNotice } from "../../../worker/protocol.ts";
import { Front } from "../../fakes/front.ts";

let running: RunningBackend;

beforeAll(async () => {
  const entry = new URL("../../../worker/main.ts", import.meta.url).pathname;
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, target: "es2022", lib: { entry, formats: ["es"] } },
  });
  const [output] = [built].flat();
  const code = output && "output" in output ? output.output.flatMap((each) => ("code" in each ? [each.code] : [])) : [];
  expect(code.length).toBe(1);
  running = await startInWorker(new Worker(new URL(`data:text/javascript,${encodeURIComponent(code.join(""))}`)));
}, 60_000);

afterAll(() => running.stop());

test("a link reaches across threads, and a plug's refusal keeps its name and its words", async () => {
  const notices: BackendNotice[] = [];
  await running.control.listen(listener((notice) => notices.push(notice)));
  const front = await Front.connect(running.control as BackendControl);
  const source = { kind: "webusb", vendorId: 1, productId: 2, serialNumber: "", ordinal: 0 } as const;
  await expect(running.control.plug(1, 1, source)).rejects.toMatchObject({
    name: "UnsupportedError",
    message: expect.stringMatching(/^To plug real devices, install the package usb beside pvusb/),
  });
  expect((await front.send({ endpoint: 0x81, length: 8, plug: 1 }).done).status).toBe(STATUS_NO_DEVICE);
  expect(await running.control.stats()).toEqual({ links: 1, devices: 0, owned: 0, orphans: 0 });
  await running.control.disconnect(1);
  expect((await running.control.stats()).links).toBe(0);
  expect(notices).toEqual([]);
  front.link.close();
});
