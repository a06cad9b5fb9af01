/** Which pvusb this is: a saved state of one build must not meet another's controllers. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const app = fileURLToPath(new URL("../", import.meta.url));

export async function packageVersion(): Promise<string> {
  // From app/cli as it is written, and from dist/app/cli as it is built.
  for (const up of ["../../", "../../../"]) {
    const text = await readFile(new URL(`${up}package.json`, import.meta.url), "utf8").catch(() => undefined);
    if (text) return (JSON.parse(text) as { version: string }).version;
  }
  return "unknown";
}

/** A hash over the code of the controllers and of the seam to the emulator. */
export async function buildId(): Promise<string> {
  const hash = createHash("sha256").update(await packageVersion());
  for (const folder of ["guest", "xhci"]) {
    const names = (await readdir(join(app, folder))).filter((name) => /\.(js|ts)$/.test(name)).sort();
    for (const name of names) hash.update(name).update(await readFile(join(app, folder, name)));
  }
  return hash.digest("hex");
}
