/** The drawings of the page. All are decoration: what they say is also said in words beside them. */
import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from "lit";

export type Glyph = "drive" | "file" | "keyboard" | "device";

const GLYPHS: Readonly<Record<Glyph, SVGTemplateResult>> = {
  drive: svg`<rect x="3" y="10" width="19" height="12" rx="2.5"/><path d="M22 12.5h7v7h-7M25 14.8v.1M25 17.1v.1"/><path d="M7 16h7"/>`,
  file: svg`<path d="M8 3.5h10.5L25 10v18.5H8zM18.5 3.5V10H25"/><path d="M12 17h9M12 22h9"/>`,
  keyboard: svg`<rect x="2.5" y="8.5" width="27" height="15" rx="2.5"/><path d="M7 13h.1M11.5 13h.1M16 13h.1M20.5 13h.1M25 13h.1M7 18.8h.1M11.5 18.8h9M25 18.8h.1"/>`,
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
