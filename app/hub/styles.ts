import { css } from "lit";

/**
 * The one style sheet of hub and devices, for our page and for the shadow root of <pvusb-hub>: colours, type and spacing, then
 * one block an element.
 */
export const hubStyles = css`
:root {
  color-scheme: light dark;
}

:root,
:host {
  --ground: light-dark(#f1f3f4, #0c1013);
  --surface: light-dark(#fdfdfc, #12171c);
  --raised: light-dark(#ffffff, #1a2127);
  --ink: light-dark(#1d2329, #e4e9ed);
  --ink-soft: light-dark(#59636d, #9aa6b0);
  --line: light-dark(#d8dde1, #29323a);
  --line-strong: light-dark(#8b959e, #6b7781);
  --accent: light-dark(#0b6e75, #58b6c0);
  --accent-ink: light-dark(#ffffff, #06262a);
  --accent-wash: light-dark(#e2f1f2, #12333a);
  --hub: light-dark(#39434c, #2b343c);
  --hub-edge: light-dark(#2a323a, #3a454f);
  --hub-ink: light-dark(#e9edf0, #e4e9ed);
  --led-off: light-dark(#6d7882, #56616a);
  --led-ready: #4bd37b;
  --led-busy: #ffb02e;
  --led-failed: #ff6b61;
  --metal: light-dark(#c3cbd2, #9da8b1);
  --good: light-dark(#1a7f45, #5fd48d);
  --bad: light-dark(#b3261e, #ff8f86);
  --bad-wash: light-dark(#fdeeec, #331a19);
  --warn: light-dark(#8a5a00, #e7b35a);

  --small: 0.8125rem;
  --body: 0.9375rem;
  --head: 1.0625rem;
  --title: 1.75rem;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;

  --s1: 0.25rem;
  --s2: 0.5rem;
  --s3: 0.75rem;
  --s4: 1rem;
  --s6: 1.5rem;
  --radius: 0.5rem;
}

*,
::before,
::after {
  box-sizing: border-box;
}

:host {
  display: block;
  color: var(--ink);
  font:
    var(--body) / 1.45 system-ui,
    -apple-system,
    "Segoe UI",
    Roboto,
    "DejaVu Sans",
    sans-serif;
}

:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}

h1,
h2,
h3,
p,
ul {
  margin: 0;
  padding: 0;
}

ul {
  list-style: none;
}

kbd {
  padding: 0.05em 0.4em;
  border: 1px solid var(--line);
  border-radius: 0.25rem;
  background: var(--raised);
  font: 0.92em / 1.4 var(--mono);
  white-space: nowrap;
}

.visually-hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}

.glyph {
  flex: none;
  width: 1.75rem;
  height: 1.75rem;
  fill: none;
  stroke: currentcolor;
  stroke-width: 1.8;
  stroke-linecap: round;
  stroke-linejoin: round;
}

pv-problems,
pv-ports,
pv-status,
pv-devices,
pv-port,
pv-device-card {
  display: block;
}

.pane-head {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0 var(--s3);
  min-height: 2rem;
}

.pane-head h2 {
  font-size: var(--head);
  font-weight: 600;
}

.pane-note {
  color: var(--ink-soft);
  font-size: var(--small);
}

/* ---------------------------------------------------------------- buttons */

button,
.button {
  position: relative;
  display: inline-flex;
  align-items: center;
  gap: var(--s2);
  min-height: 2.125rem;
  padding: 0 var(--s3);
  border: 1px solid var(--line-strong);
  border-radius: var(--radius);
  background: var(--raised);
  color: inherit;
  font: inherit;
  font-weight: 500;
  white-space: nowrap;
  cursor: pointer;
}

button:hover,
.button:hover {
  border-color: var(--accent);
  background: var(--accent-wash);
}

button:disabled {
  opacity: 0.55;
  cursor: default;
}

button.primary {
  min-height: 3rem;
  padding: 0 var(--s6);
  border-color: transparent;
  background: var(--accent);
  color: var(--accent-ink);
  font-size: var(--head);
  font-weight: 600;
}

button.primary:hover {
  filter: brightness(1.08);
}

button.quiet {
  padding: 0 var(--s2);
  border-color: transparent;
  background: none;
  color: var(--ink-soft);
}

button.quiet:hover {
  border-color: var(--line-strong);
  color: var(--ink);
}

.button:focus-within {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}

.more-devices > * {
  font-size: 0.875rem;
}

.new-drive-form {
  display: grid;
  gap: var(--s2);
  justify-items: start;
  margin-top: var(--s2);
}

.new-drive-form p {
  margin: 0;
}

.new-drive .glyph,
.button .glyph,
.grant .glyph {
  width: 1.25rem;
  height: 1.25rem;
}

/* ---------------------------------------------------------------- problems and status */

/* Empty it is no gap; it stays in the tree, so that what comes is read out. */
pv-problems:not(:has(.problem)) {
  margin-bottom: calc(-1 * var(--s3));
}

.problems {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: var(--s2);
}

.problem {
  display: flex;
  align-items: flex-start;
  gap: var(--s2);
  padding: var(--s3) var(--s2) var(--s3) var(--s3);
  border: 1px solid var(--bad);
  border-radius: var(--radius);
  background: var(--bad-wash);
}

.problem-words,
.advice {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  flex: 1;
  gap: var(--s1);
  min-width: 0;
  overflow-wrap: anywhere;
}

.words-title {
  font-weight: 600;
}

.problem .words-title {
  color: var(--bad);
}

.words-steps {
  display: grid;
  gap: var(--s1);
  padding-left: 1.1em;
  list-style: disc;
}

.command {
  display: flex;
  align-items: flex-start;
  gap: var(--s1);
  margin-top: var(--s1);
}

.command pre {
  flex: 1;
  min-width: 0;
  margin: 0;
  padding: var(--s2);
  overflow: auto;
  border: 1px solid var(--line);
  border-radius: 0.25rem;
  background: var(--raised);
  font: 0.8125em / 1.45 var(--mono);
}

.advice {
  padding: var(--s3);
  border: 1px dashed var(--line-strong);
  border-radius: var(--radius);
  color: var(--ink-soft);
  font-size: var(--small);
}

.advice .words-title {
  color: var(--ink);
}

.status {
  min-height: 1.45em;
  color: var(--ink-soft);
  font-size: var(--small);
  overflow-wrap: anywhere;
}

/* ---------------------------------------------------------------- hub */

.led {
  flex: none;
  width: 0.5rem;
  height: 0.5rem;
  border-radius: 50%;
  background: var(--led-off);
}

.ports {
  position: relative;
  padding: var(--s2) 0;
}

/* The body of the hub; the sockets sit on it. */
.ports::before {
  position: absolute;
  inset: 0 auto 0 0;
  width: 5.75rem;
  border: 1px solid var(--hub-edge);
  border-radius: 0.75rem;
  background: var(--hub);
  content: "";
}

.port {
  position: relative;
  display: flex;
  align-items: flex-start;
  min-height: 3rem;
  padding: 1px 0;
}

.port .socket {
  position: relative;
  flex: none;
  gap: var(--s2);
  width: 5.75rem;
  min-height: 2.625rem;
  padding: 0 0 0 var(--s3);
  border: 1px solid transparent;
  border-radius: 0.6rem;
  background: none;
  color: var(--hub-ink);
}

.port .socket:hover {
  background: rgb(255 255 255 / 8%);
}

.port .socket:focus-visible {
  outline-offset: -3px;
  outline-color: #8fdde5;
}

.port-led {
  box-shadow: 0 0 0 2px rgb(0 0 0 / 25%);
}

.port-number {
  width: 0.8em;
  font-variant-numeric: tabular-nums;
}

.socket-drawing {
  width: 2.75rem;
  height: 1.5rem;
  margin-left: auto;
  margin-right: var(--s2);
}

.socket-shell {
  fill: #14191d;
  stroke: var(--metal);
  stroke-width: 2;
}

.socket-tongue {
  fill: #55616b;
}

.socket-plug {
  fill: var(--metal);
}

[data-power="off"] .ports::before {
  opacity: 0.55;
}

[data-power="off"] .socket {
  opacity: 0.7;
}

.port[data-state="connecting"] .led {
  background: var(--led-busy);
  animation: pulse 1s ease-in-out infinite alternate;
}

.port[data-state="ready"] .led {
  background: var(--led-ready);
  box-shadow: 0 0 0.35rem var(--led-ready);
}

.port[data-state="failed"] .led {
  background: var(--led-failed);
}

.port .socket[data-selected] {
  border-color: #8fdde5;
}

@keyframes pulse {
  to {
    opacity: 0.35;
  }
}

.vacancy {
  flex: 1;
  margin-left: var(--s4);
  padding: var(--s1) var(--s3);
  border: 1px dashed transparent;
  border-radius: var(--radius);
  color: var(--ink-soft);
  font-size: var(--small);
  align-self: center;
}

.port[data-state="failed"] .vacancy {
  color: var(--bad);
}

.port[data-wanted] .vacancy {
  border-color: var(--line-strong);
  color: var(--ink);
}

.port[data-over] .vacancy,
.port[data-wanted] .socket:is(:hover, :focus-visible) + .vacancy {
  border-color: var(--accent);
  border-style: solid;
  background: var(--accent-wash);
}

.cable {
  flex: none;
  width: 1.5rem;
  height: 0.3rem;
  margin-left: -0.5rem;
  border-radius: 0 0.15rem 0.15rem 0;
  background: var(--line-strong);
  margin-top: 1.15rem;
}

.cable[data-busy] {
  background: var(--good);
}

.plugged {
  display: flex;
  flex-wrap: wrap;
  flex: 1;
  align-items: center;
  gap: var(--s1) var(--s2);
  min-width: 0;
  padding: var(--s1) var(--s1) var(--s1) var(--s2);
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--raised);
  cursor: grab;
}

.plugged-words,
.card-words {
  display: grid;
  flex: 1;
  min-width: 0;
  text-align: left;
  white-space: normal;
}

.plugged-words {
  flex-basis: 7rem;
}

.plugged-name,
.card-name {
  font-weight: 550;
  line-height: 1.3;
}

.plugged-name {
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.plugged-facts,
.plugged-note,
.card-detail,
.card-warning {
  color: var(--ink-soft);
  font-size: var(--small);
  font-weight: 400;
  line-height: 1.3;
}

.plugged-line {
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  gap: 0 var(--s2);
  /* One line: what does not fit beside the rest is left out, so that traffic moves nothing. */
  height: 1.3em;
  overflow: hidden;
  font-variant-numeric: tabular-nums;
}

.plugged-name {
  max-width: 100%;
}

.plugged-actions {
  display: flex;
  flex-wrap: wrap;
  justify-content: flex-end;
  align-items: center;
  gap: var(--s1);
  margin-left: auto;
}

.plugged-note,
.card-warning {
  color: var(--warn);
}

.rate {
  color: var(--good);
  font-size: var(--small);
}

.unplug,
.rule,
.move,
.action {
  min-height: 2rem;
  font-size: var(--small);
}

.action[aria-pressed="true"] {
  border-color: var(--accent);
  background: var(--accent);
  color: var(--accent-ink);
}

/* Ports of a hub that is plugged in stand in, one step for each hub. */
.ports > li[style] {
  position: relative;
  margin-left: calc(var(--tier) * 1.75rem);
}

.ports > li[style]::before {
  position: absolute;
  inset: 0 auto 0 0;
  width: 5.75rem;
  background: var(--hub);
  content: "";
}

.ports > li:not([style]) + li[style]::before {
  border-top-right-radius: 0.75rem;
}

.ports > li[style]:has(+ li:not([style]))::before,
.ports > li[style]:last-child::before {
  border-bottom-right-radius: 0.75rem;
}

.traffic {
  display: block;
  width: 100%;
  height: 0.75rem;
}

.traffic polyline {
  fill: none;
  stroke: var(--good);
  stroke-width: 1;
  vector-effect: non-scaling-stroke;
}

.plugged-note,
.plugged-view {
  flex-basis: 100%;
}

.device-state {
  margin: 0;
  color: var(--ink-soft);
  font-size: 0.8125rem;
}

/* ---------------------------------------------------------------- devices */

.devices {
  border-radius: var(--radius);
}

.devices[data-wanted] {
  outline: 1px dashed var(--line-strong);
  outline-offset: 4px;
}

.devices[data-over] {
  outline: 2px solid var(--accent);
  background: var(--accent-wash);
}

.find {
    width: 100%;
    min-height: 2.125rem;
    padding: 0 var(--s3);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: var(--raised);
    color: inherit;
    font: inherit;
    font-size: 0.875rem;
  }

  .cards-title {
  margin-top: var(--s3);
  color: var(--ink-soft);
  font-size: var(--small);
  font-weight: 600;
}

.cards {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr));
  gap: var(--s2);
  margin: var(--s1) 0 var(--s3);
}

.card {
  display: flex;
  align-items: center;
  gap: var(--s1);
  padding-right: var(--s2);
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--raised);
}

/* A card with more to do than plug in. */
.card:has(> .action) {
  flex-wrap: wrap;
  padding-bottom: var(--s1);
}

.card:has(> .action) > .card-grip {
  flex-basis: 60%;
}

.card[data-held] {
  border-color: var(--accent);
  background: var(--accent-wash);
}

.card-grip {
  flex: 1;
  gap: var(--s3);
  min-width: 0;
  min-height: 3rem;
  padding: var(--s1) var(--s3);
  border: 0;
  background: none;
  cursor: grab;
}

.card-grip:hover {
  background: none;
}

.card-grip .glyph {
  color: var(--accent);
}

.card .forget {
  font-size: 1.125rem;
}

.more-devices {
  display: flex;
  flex-wrap: wrap;
  align-items: flex-start;
  gap: var(--s2);
  margin-bottom: var(--s2);
}

/* ---------------------------------------------------------------- narrow, and without motion */

@media (max-width: 30rem) {
  .ports::before,
  .ports > li[style]::before,
  .port .socket {
    width: 5.25rem;
  }

  .socket-drawing {
    width: 2.25rem;
  }

  .cable {
    width: 1rem;
  }

  .plugged > .glyph {
    display: none;
  }

  .plugged-words {
    min-width: 8rem;
  }

  .more-devices > * {
    flex: 1 1 100%;
    justify-content: center;
  }
}

@media (prefers-reduced-motion: reduce) {
  .port[data-state="connecting"] .led {
    animation: none;
  }
}

/* Where the person has chosen the colours: lights and cables keep theirs, and what is chosen is seen by the system's. */
@media (forced-colors: active) {
  .led,
  .cable {
    forced-color-adjust: none;
  }

  .port .socket[data-selected],
  .card[data-held] {
    border-color: Highlight;
  }

  button[aria-pressed="true"]:not(.socket, .card-grip) {
    background: Highlight;
    color: HighlightText;
    forced-color-adjust: none;
  }
}
`;
