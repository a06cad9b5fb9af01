/** What is said when memory cannot be shared, and of newer versions. */
import type { Words } from "../../hub/words.ts";
import type { NotIsolatedBecause } from "./isolation.ts";

const WHY =
  "The emulator and its USB worker share memory, and browsers allow that only to a page served with two headers.";

/** For whoever serves the page. */
const HEADERS = `Cross-Origin-Opener-Policy: same-origin
Cross-Origin-Embedder-Policy: require-corp

# nginx
add_header Cross-Origin-Opener-Policy same-origin always;
add_header Cross-Origin-Embedder-Policy require-corp always;

# Apache, in .htaccess
Header always set Cross-Origin-Opener-Policy same-origin
Header always set Cross-Origin-Embedder-Policy require-corp

# Netlify, Cloudflare Pages: in a file _headers
/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp

# GitHub Pages sends no headers of yours: there the page's service-worker.js sets them,
# and needs https, an ordinary window, and its place beside index.html`;

export function notIsolated(because: NotIsolatedBecause): Words {
  const title = "This page is not cross-origin isolated";
  const server = "Or let the server send these headers with every file of the page:";
  switch (because) {
    case "insecure":
      return {
        title: "This page needs https",
        text: "The emulator and its USB worker share memory, and USB devices are asked for: browsers allow both over https only.",
        steps: ["Open the page by an address that begins with https://.", "On this computer http://localhost will do."],
      };
    case "framed":
      return {
        title: "This page is inside another page",
        text: "The emulator and its USB worker share memory, and here the page around this one decides whether they may.",
        steps: [
          "Open this page in a tab of its own.",
          'Or let both pages be served with these headers, and give the frame allow="cross-origin-isolated; usb":',
        ],
        command: HEADERS,
      };
    case "no-service-worker":
      return {
        title,
        text: `${WHY} Its server does not send them, and in this window the page cannot set them itself.`,
        steps: [
          "Open it in an ordinary window: private ones keep no service worker.",
          "Allow this page to store data, in the browser's site settings, then load it again.",
          server,
        ],
        command: HEADERS,
      };
    case "no-effect":
      return {
        title,
        text: `${WHY} Its server does not send them, and the page has set them itself without success.`,
        steps: ["Close its other tabs, then load it again, without the Shift key.", server],
        command: HEADERS,
      };
  }
}

export const GETTING_READY = "Getting ready…";
export const UPDATE_READY = "A newer version of this page is ready. To load it stops the guest.";
export const UPDATE_ELSEWHERE = "Another tab has this page, too: close it first, or load the newer version there.";
