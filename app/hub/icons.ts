/** The drawings of the page. All are decoration: what they say is also said in words beside them. */
import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from "lit";

export type Glyph =
  | "disc"
  | "drive"
  | "file"
  | "keyboard"
  | "mouse"
  | "tablet"
  | "gamepad"
  | "camera"
  | "microphone"
  | "speaker"
  | "screen"
  | "network"
  | "serial"
  | "midi"
  | "hub"
  | "device";

const GLYPHS: Readonly<Record<Glyph, SVGTemplateResult>> = {
  drive: svg`<rect x="3" y="10" width="19" height="12" rx="2.5"/><path d="M22 12.5h7v7h-7M25 14.8v.1M25 17.1v.1"/><path d="M7 16h7"/>`,
  disc: svg`<circle cx="16" cy="16" r="12.5"/><circle cx="16" cy="16" r="3.5"/><path d="M16 7.5a8.5 8.5 0 0 1 8.5 8.5"/>`,
  file: svg`<path d="M8 3.5h10.5L25 10v18.5H8zM18.5 3.5V10H25"/><path d="M12 17h9M12 22h9"/>`,
  keyboard: svg`<rect x="2.5" y="8.5" width="27" height="15" rx="2.5"/><path d="M7 13h.1M11.5 13h.1M16 13h.1M20.5 13h.1M25 13h.1M7 18.8h.1M11.5 18.8h9M25 18.8h.1"/>`,
  mouse: svg`<rect x="9.5" y="4" width="13" height="24" rx="6.5"/><path d="M16 8.5v4.5M9.5 14.5h13"/>`,
  tablet: svg`<rect x="3" y="6" width="26" height="20" rx="2.5"/><path d="M13 12l8 3.2-3.6 1.2-1.2 3.6z"/>`,
  gamepad: svg`<path d="M9.5 9.5h13a6.5 6.5 0 0 1 6.2 5l1 5.5a3 3 0 0 1-5.4 2.3L21.5 19.5h-11L7.7 22.3A3 3 0 0 1 2.3 20l1-5.5a6.5 6.5 0 0 1 6.2-5z"/><path d="M10.5 12.5v4.5M8.25 14.75h4.5M20.5 13.2v.1M23 16v.1"/>`,
  camera: svg`<rect x="3" y="9" width="19" height="15" rx="2.5"/><path d="M22 14.5l7-3.5v11l-7-3.5"/><circle cx="12.5" cy="16.5" r="3.5"/>`,
  microphone: svg`<rect x="12" y="3.5" width="8" height="15" rx="4"/><path d="M7.5 15.5a8.5 8.5 0 0 0 17 0M16 24v4.5M11 28.5h10"/>`,
  speaker: svg`<path d="M5 12.5h5l7-6v19l-7-6H5zM21.5 12a6 6 0 0 1 0 8M25 8.5a11 11 0 0 1 0 15"/>`,
  screen: svg`<rect x="3" y="5.5" width="26" height="17" rx="2.5"/><path d="M11 27.5h10M16 22.5v5"/>`,
  network: svg`<path d="M16 13v6M8 25v-6h16v6"/><rect x="11.5" y="4.5" width="9" height="8.5" rx="1.5"/><rect x="4" y="22.5" width="8" height="6" rx="1.5"/><rect x="20" y="22.5" width="8" height="6" rx="1.5"/>`,
  serial: svg`<path d="M4 10h24l-3 12H7z"/><path d="M9 14h.1M12.5 14h.1M16 14h.1M19.5 14h.1M23 14h.1M11 18h.1M14.5 18h.1M18 18h.1M21.5 18h.1"/>`,
  midi: svg`<rect x="3" y="8" width="26" height="16" rx="2"/><path d="M9.5 8v9M9.5 17v7M16 8v9M16 17v7M22.5 8v9M22.5 17v7"/>`,
  hub: svg`<rect x="3" y="13" width="26" height="10" rx="2.5"/><path d="M8 18h3M14.5 18h3M21 18h3M16 13V7h6"/>`,
  device: svg`<rect x="4" y="9" width="16" height="14" rx="2.5"/><path d="M20 16h9M9 13.5h6M9 18.5h3"/>`,
};

export function glyph(kind: Glyph): TemplateResult {
  return html`<svg class="glyph" viewBox="0 0 32 32" aria-hidden="true">${GLYPHS[kind]}</svg>`;
}

/** A type-A socket seen from the front; with a plug in it when something is plugged. */
export function socket(plugged: boolean): TemplateResult {
  return html`<svg class="socket-drawing" viewBox="0 0 40 22" aria-hidden="true">
    <rect class="socket-shell" x="1" y="1" width="38" height="20" rx="2.5" />
    <rect class="socket-tongue" x="6" y="4.5" width="28" height="6" rx="1" />
    ${plugged ? svg`<rect class="socket-plug" x="4" y="3.5" width="32" height="15" rx="1.5" />` : nothing}
  </svg>`;
}

/** How much passed lately, as a line. The figure is said beside it. */
export function traffic(history: readonly number[]): TemplateResult {
  const most = Math.max(1, ...history);
  const points = history.map((rate, index) => `${index},${(11 - (10 * rate) / most).toFixed(1)}`).join(" ");
  return html`<svg class="traffic" viewBox="0 0 39 12" preserveAspectRatio="none" aria-hidden="true">
    <polyline points=${points} />
  </svg>`;
}
