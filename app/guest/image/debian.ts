/**
 * Debian packages without root: apt-get with lists and a cache of its own, and the system's own
 * sources.list and keys. The system's lists and installed packages are neither read nor changed.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Something the person who builds can put right; the message says how. */
export class GuestBuildError extends Error {
  override readonly name = "GuestBuildError";
}

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
}

const PLENTY = 1 << 30;

function requireTool(tool: string, debianPackage: string): void {
  if (spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined) {
    throw new GuestBuildError(
      `${tool} is missing. The guest image is made from Debian packages: install ${debianPackage}.`,
    );
  }
}

export class DebianArchive {
  readonly #debs: string;
  readonly #options: string[];
  readonly #architecture: string;

  /** @param sources - a sources.list to use instead of the system's */
  constructor(cache: string, sources?: string, architecture = "i386") {
    this.#architecture = architecture;
    requireTool("apt-get", "apt");
    requireTool("dpkg-deb", "dpkg");
    this.#debs = join(cache, "debs");
    const lists = join(cache, "lists");
    for (const folder of [this.#debs, join(lists, "partial"), join(cache, "archives", "partial")]) {
      mkdirSync(folder, { recursive: true });
    }
    const settings: Record<string, string> = {
      "Dir::State": cache,
      "Dir::State::Lists": lists,
      "Dir::State::status": "/dev/null",
      "Dir::Cache": cache,
      "APT::Architecture": architecture,
      "APT::Architectures": architecture,
      "APT::Sandbox::User": "",
      "Acquire::Languages": "none",
      ...(sources === undefined ? {} : { "Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": "-" }),
    };
    this.#options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  }

  /** Fetches the package lists. One suite that fails is no reason to stop: resolve() tells what is missing. */
  update(): void {
    spawnSync("apt-get", [...this.#options, "-qq", "update"], { stdio: "ignore" });
  }

  /** The versions apt would install of the packages asked for, with all they depend on. */
  resolve(names: readonly string[]): DebianPackage[] {
    const asked = ["--simulate", "--no-install-recommends", "install", ...names];
    const run = spawnSync("apt-get", [...this.#options, ...asked], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    });
    if (run.status !== 0) {
      const reason = /^E: .*/m.exec(run.stderr)?.[0] ?? "apt-get failed";
      throw new GuestBuildError(
        `apt cannot find the i386 packages of the guest (${reason}). ` +
          "The sources must list a Debian release that has an i386 kernel (bookworm does); see --sources.",
      );
    }
    return [...run.stdout.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name = "", version = ""]) => ({
      name: name.replace(new RegExp(`:${this.#architecture}$`), ""),
      version,
    }));
  }

  /** The paths of the packages' .deb files; those not here from before are downloaded and checked by apt. */
  fetch(packages: readonly DebianPackage[]): Map<DebianPackage, string> {
    const missing = packages.filter((wanted) => this.#find(wanted) === undefined);
    if (missing.length > 0) {
      const names = missing.map(({ name, version }) => `${name}=${version}`);
      const run = spawnSync("apt-get", [...this.#options, "-qq", "download", ...names], {
        cwd: this.#debs,
        encoding: "utf8",
      });
      if (run.status !== 0) {
        const reason = /^E: .*/m.exec(run.stderr)?.[0] ?? "apt-get failed";
        throw new GuestBuildError(`apt cannot download ${names.join(", ")} (${reason})`);
      }
    }
    return new Map(
      packages.map((wanted) => {
        const deb = this.#find(wanted);
        if (deb === undefined) {
          throw new GuestBuildError(`apt downloaded ${wanted.name} under a name that is not known here`);
        }
        return [wanted, deb];
      }),
    );
  }

  #find({ name, version }: DebianPackage): string | undefined {
    const start = `${name}_${version.replaceAll(":", "%3a")}_`;
    const deb = readdirSync(this.#debs).find((file) => file.startsWith(start) && file.endsWith(".deb"));
    return deb === undefined ? undefined : join(this.#debs, deb);
  }
}

export function unpackDeb(deb: string, into: string): void {
  mkdirSync(into, { recursive: true });
  execFileSync("dpkg-deb", ["--extract", deb, into]);
}

/** One `ar` member: a 60-byte text header, the data, a newline when the length is odd. */
function arMember(name: string, data: Uint8Array): Uint8Array[] {
  const header = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(data.length).padEnd(10)}\`\n`;
  return [Buffer.from(header, "latin1"), data, Buffer.from(data.length % 2 === 1 ? "\n" : "", "latin1")];
}

/**
 * Decompresses xz with a tool that is here anyway. A .deb is an `ar` archive whose data member may be
 * xz, and `dpkg-deb --fsys-tarfile` decompresses that member without looking inside.
 */
export function decompressXz(data: Uint8Array, scratch: string): Uint8Array {
  const empty = new Uint8Array(1024);
  const deb = join(scratch, "xz.deb");
  writeFileSync(
    deb,
    Buffer.concat([
      Buffer.from("!<arch>\n", "latin1"),
      ...arMember("debian-binary", Buffer.from("2.0\n", "latin1")),
      ...arMember("control.tar", empty),
      ...arMember("data.tar.xz", data),
    ]),
  );
  return execFileSync("dpkg-deb", ["--fsys-tarfile", deb], { maxBuffer: PLENTY });
}

/** Every regular file and link of a folder: base name → paths. */
export function filesByName(root: string): Map<string, string> {
  const found = new Map<string, string>();
  if (existsSync(root)) {
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isDirectory() && !found.has(entry.name)) {
        found.set(entry.name, join(entry.parentPath, entry.name));
      }
    }
  }
  return found;
}
