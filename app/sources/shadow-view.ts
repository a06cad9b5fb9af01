/** What a feed shows beside its device, in a shadow root of its own: no style of the page reaches it but colours and fonts. */

/** The parts of a view: an element with attributes and children. */
export function part<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const COMMON = `
  :host { display: block; font: inherit; color: inherit; }
  * { box-sizing: border-box; }
  button, input, select, textarea {
    font: inherit; color: inherit; background: light-dark(#fff, #1b1d21);
    border: 1px solid light-dark(#b8bec8, #4b515c); border-radius: 4px; padding: 0.2em 0.5em;
  }
  :focus-visible { outline: 2px solid light-dark(#1a5fd0, #7fb2ff); outline-offset: 1px; }
  .row { display: flex; flex-wrap: wrap; gap: 0.4em; align-items: center; margin-block: 0.3em; }
  .quiet { opacity: 0.75; font-size: 0.9em; margin: 0; }
`;

export function shadowView(css: string, ...children: Node[]): HTMLElement {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open", delegatesFocus: true });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(COMMON + css);
  root.adoptedStyleSheets = [sheet];
  root.append(...children);
  // What is typed here is for the view: a Delete is no unplug, and the page's own keys are not for here.
  host.addEventListener("keydown", (event) => event.stopPropagation());
  host.addEventListener("dragstart", (event) => event.stopPropagation());
  return host;
}
