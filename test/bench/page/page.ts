/** The benchmark's page: chromium.ts calls `runSections` from outside, and is told of each row. */
import wasm from "v86/build/v86.wasm?url";
import { sections } from "../../../app/bench/index.ts";
import { runBench } from "../../../app/bench/section.ts";
import { fetchFiles } from "../../../app/guest/guest-files.ts";
import type { PageScope } from "../page-scope.ts";

const page = globalThis as unknown as PageScope;

page.runSections = async (names, rounds) => {
  await runBench(
    sections.filter(({ name }) => names.includes(name)),
    {
      where: "chromium",
      guest: { files: fetchFiles(new URL("guest/", document.baseURI)), wasm },
      cpuTime: () => page.cpuTime(),
      usbDevice: async () => (await navigator.usb.getDevices())[0],
    },
    {
      rounds,
      onRow: (row) => void page.tellRow(row),
      onStage: (words) => void page.tellStage(words),
      onSkip: (words) => void page.tellSkip(words),
    },
  );
};
document.title = "ready";
