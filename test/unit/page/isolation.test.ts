import { describe, expect, test } from "vitest";
import { isolated } from "../../../app/page/offline/isolated.ts";
import { type IsolationPlace, isolate, type NotIsolatedBecause } from "../../../app/page/offline/isolation.ts";
import { pathIn } from "../../../app/page/offline/page-files.ts";
import { notIsolated } from "../../../app/page/offline/words.ts";

class FakeWorker extends EventTarget {
  state = "installing";
  become(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

type Registered = Partial<Record<"installing" | "waiting" | "active", FakeWorker>>;

/** A window that is not isolated and could be. */
function place(given: Partial<Omit<IsolationPlace, "register">> & { registered?: Registered | Error | null } = {}) {
  const { registered = { active: new FakeWorker() }, ...rest } = given;
  const made = {
    crossOriginIsolated: false,
    isSecureContext: true,
    framed: false,
    controlled: false,
    tried: false,
    registrations: 0,
    reloads: 0,
    reload: () => void made.reloads++,
    register:
      registered === null
        ? undefined
        : async () => {
            made.registrations++;
            if (registered instanceof Error) throw registered;
            return registered as unknown as ServiceWorkerRegistration;
          },
    ...rest,
  };
  return made;
}

describe("isolate", () => {
  test("does nothing where the headers are there", async () => {
    const here = place({ crossOriginIsolated: true, tried: true });
    expect(await isolate(here)).toEqual({ is: "isolated" });
    expect(here).toMatchObject({ registrations: 0, reloads: 0, tried: false });
  });

  test("loads the page once more when its service worker is active, and not before", async () => {
    const installing = new FakeWorker();
    const here = place({ registered: { installing } });
    const done = isolate(here);
    await Promise.resolve();
    installing.become("installed");
    installing.become("activating");
    await new Promise((resolve) => setTimeout(resolve));
    expect(here.reloads).toBe(0);
    installing.become("activated");
    expect(await done).toEqual({ is: "reloading" });
    expect(here).toMatchObject({ reloads: 1, tried: true });
  });

  test("loads it once more after a load that went past the active worker", async () => {
    const here = place();
    expect(await isolate(here)).toEqual({ is: "reloading" });
    expect(here.reloads).toBe(1);
  });

  const useless: [string, ReturnType<typeof place>, NotIsolatedBecause][] = [
    ["over http", place({ isSecureContext: false }), "insecure"],
    ["in a frame", place({ framed: true }), "framed"],
    ["without service workers", place({ registered: null }), "no-service-worker"],
    ["where they are forbidden", place({ registered: new Error("no") }), "no-service-worker"],
    ["where none comes", place({ registered: {} }), "no-service-worker"],
    ["when it was loaded again already", place({ tried: true }), "no-effect"],
    ["when the worker's headers did not help", place({ controlled: true }), "no-effect"],
  ];
  test.each(useless)("never loads it again %s", async (_, here, because) => {
    expect(await isolate(here)).toEqual({ is: "impossible", because });
    expect(here).toMatchObject({ reloads: 0, tried: false });
  });

  test("gives up when the worker cannot keep the page", async () => {
    const installing = new FakeWorker();
    const here = place({ registered: { installing } });
    const done = isolate(here);
    await Promise.resolve();
    installing.become("redundant");
    expect(await done).toEqual({ is: "impossible", because: "no-service-worker" });
    expect(here.reloads).toBe(0);
  });
});

describe("notIsolated", () => {
  test.each(["insecure", "framed", "no-service-worker", "no-effect"] as const)("%s has something to do", (because) => {
    expect(notIsolated(because).steps?.length).toBeGreaterThan(0);
  });
  test("has the headers as each kind of host wants them", () => {
    const { command } = notIsolated("no-service-worker");
    for (const host of ["nginx", "Apache", "Netlify", "GitHub Pages"]) expect(command).toContain(host);
    expect(command).toContain("\nadd_header Cross-Origin-Embedder-Policy require-corp always;\n");
    expect(command).toContain("\nHeader always set Cross-Origin-Opener-Policy same-origin\n");
  });
});

describe("isolated", () => {
  test("sets what is missing and leaves what the server has set", async () => {
    const given = new Response("body", {
      status: 206,
      headers: { "Content-Type": "text/css", "Cross-Origin-Embedder-Policy": "credentialless" },
    });
    const { status, headers, body } = isolated(given);
    expect(status).toBe(206);
    expect(body).not.toBeNull();
    expect(Object.fromEntries(headers)).toEqual({
      "content-type": "text/css",
      "cross-origin-embedder-policy": "credentialless",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
    });
  });
  test("takes an answer without a body", () => {
    expect(isolated(new Response(null, { status: 304 })).status).toBe(304);
  });
  test("hands on what may not be looked into", () => {
    const response = Response.error();
    expect(isolated(response)).toBe(response);
  });
});

test.each([
  ["https://host/a/b/", "index.html"],
  ["https://host/a/b/?autostart#x", "index.html"],
  ["https://host/a/b/index.html", "index.html"],
  ["https://host/a/b/bench/", "bench/index.html"],
  ["https://host/a/b/guest/initrd?image=12", "guest/initrd"],
  ["https://host/a/b/a%20b", "a b"],
  ["https://host/a/b/%", "%"],
  ["https://host/a/", undefined],
  ["https://host/a/bc", undefined],
  ["https://other/a/b/", undefined],
  ["http://host/a/b/", undefined],
])("%s in the page's folder is %s", (address, path) => {
  expect(pathIn("https://host/a/b/", address)).toBe(path);
});
