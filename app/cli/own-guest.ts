/** Where the default guest's image is: in the package as it was built, or built into the cache folder when it is wanted. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../guest/node-state-store.ts";

const BUILDER = fileURLToPath(new URL("../guest/image/build.js", import.meta.url));
/** A checkout's `public/guest`, which `npm run build` fills. An installed package has none. */
const CHECKOUT = fileURLToPath(new URL("../../../public/guest", import.meta.url));

/** The image's folder. The first time, with the builder's progress on standard error, it is made. */
export async function ownGuest(): Promise<string> {
  if (await hasImage(CHECKOUT)) return CHECKOUT;
  const folder = join(cacheFolder(), "guest");
  if (await hasImage(folder)) return folder;
  const builder = spawn(process.execPath, [BUILDER, "--out", folder, "--cache", join(cacheFolder(), "packages")], {
    stdio: ["ignore", 2, 2],
  });
  const [status] = (await once(builder, "exit")) as [number | null];
  if (status !== 0)
    throw new Error("The default guest could not be built: the lines above say why. --guest DIR takes another.");
  return folder;
}

function hasImage(folder: string): Promise<boolean> {
  return access(join(folder, "manifest.json")).then(
    () => true,
    () => false,
  );
}
