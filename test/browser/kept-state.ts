/** The state of the page's ready guest goes from profile to profile, in node_modules/.cache: it boots in one, and goes on in the others. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Page } from "playwright";
import type { KeptState } from "../../dist/app/guest/kept-states.js";
import { STATES } from "../guest/harness.ts";

const FILE = join(import.meta.dirname, "../..", STATES, "page.json");

/** Gives a profile that has no state the one that is there. Of another build it is of no use to the page, which then boots. */
export async function giveState(page: Page): Promise<void> {
  let kept: string;
  try {
    kept = readFileSync(FILE, "utf8");
  } catch {
    return;
  }
  await page.evaluate(async (kept) => {
    const open = indexedDB.open("pvusb-states");
    open.onupgradeneeded = () => open.result.createObjectStore("states");
    await new Promise((resolve) => {
      open.onsuccess = resolve;
    });
    const { packed, ...rest } = JSON.parse(kept) as Omit<KeptState, "packed"> & { packed: string };
    const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
    const work = open.result.transaction("states", "readwrite");
    const store = work.objectStore("states");
    const count = store.count();
    count.onsuccess = () => {
      if (count.result === 0) store.put({ ...rest, packed: new Blob([bytes]) }, rest.key);
    };
    await new Promise((resolve) => {
      work.oncomplete = resolve;
    });
    open.result.close();
  }, kept);
}

/** Takes a profile's newest state for the others. */
export async function takeState(page: Page): Promise<void> {
  const kept = await page.evaluate(async () => {
    const open = indexedDB.open("pvusb-states");
    await new Promise((resolve) => {
      open.onsuccess = resolve;
    });
    const all = open.result.transaction("states").objectStore("states").getAll();
    await new Promise((resolve) => {
      all.onsuccess = resolve;
    });
    open.result.close();
    const states = (all.result as KeptState[]).filter(({ kind }) => kind === "ready");
    const newest = states.toSorted((a, b) => b.savedAt - a.savedAt)[0];
    if (!newest) return undefined;
    const reader = new FileReader();
    reader.readAsDataURL(newest.packed);
    await new Promise((resolve) => {
      reader.onload = resolve;
    });
    return JSON.stringify({ ...newest, packed: String(reader.result).replace(/^.*,/, "") });
  });
  if (!kept) return;
  mkdirSync(dirname(FILE), { recursive: true });
  const draft = `${FILE}.${process.pid}`;
  writeFileSync(draft, kept);
  renameSync(draft, FILE);
}
