/** The name, the guests as tabs with how each is, and what can be done with the one that is looked at. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { DeskElement } from "../hub/desk-element.ts";
import type { GuestState, Machine } from "./machine.ts";
import { MachineWish, type Wish } from "./pv-machines.ts";
import type { Session } from "./session.ts";

const STATES: Readonly<Record<GuestState["is"], string>> = {
  off: "off",
  starting: "starting",
  running: "running",
  failed: "did not start",
};

export class PvTopBar extends DeskElement {
  static override properties = { ...DeskElement.properties, session: { attribute: false } };
  declare session: Session;

  protected override render(): TemplateResult {
    const { session } = this;
    const { machines, current, sideBySide } = session;
    const { is } = current.state;
    const on = is === "running" || is === "starting";
    const several = machines.length > 1;
    return html`
      <header class="top-bar">
        <span class="brand"><img src="./icon.svg" alt="" width="28" height="28" />pvusb</span>
        <div class="guests" role="tablist" aria-label="Guests" @keydown=${this.#tabKeys}>
          ${repeat(
            machines,
            ({ id }) => id,
            (machine) => this.#tab(machine),
          )}
        </div>
        <button type="button" class="quiet add-guest" title="One more guest, beside this one" @click=${() => session.add()}>
          + Add guest
        </button>
        <span class="gap"></span>
        ${
          several
            ? html`<button type="button" aria-pressed=${String(sideBySide)} @click=${() => {
                session.sideBySide = !sideBySide;
              }}>
                Side by side
              </button>`
            : nothing
        }
        ${
          on
            ? html`<button type="button" ?disabled=${is === "starting"} @click=${() => current.start()}>Restart guest</button>`
            : nothing
        }
        <details class="menu" @focusout=${this.#focusOut} @keydown=${this.#keyDown}>
          <summary aria-label="More" title="More"><span aria-hidden="true">⋯</span></summary>
          <div class="menu-items">
            ${on ? html`<button type="button" @click=${this.#choose(() => current.stop())}>Stop guest</button>` : nothing}
            ${
              several
                ? html`<button type="button" @click=${this.#choose(() => session.remove(current))}>Remove ${current.name}</button>`
                : nothing
            }
            <button type="button" ?disabled=${is === "starting"} @click=${this.#choose(() => this.#wish({ is: "change" }))}>
              Change ${current.name}…
            </button>
            <button type="button" ?disabled=${is === "starting"} @click=${this.#choose(() => this.#wish({ is: "keep" }))}>
              Keep ${current.name}…
            </button>
            ${
              current.disk
                ? html`<button type="button" @click=${this.#choose(() => this.#wish({ is: "save-disk" }))}>
                    Save its hard disk…
                  </button>`
                : nothing
            }
            <button type="button" @click=${this.#choose(() => session.forgetSavedState())}>Forget saved state</button>
            <a class="button" href="bench/" target="_blank">How fast is it here?</a>
          </div>
        </details>
      </header>
    `;
  }

  #tab(machine: Machine): TemplateResult {
    const { name, id } = machine;
    const chosen = machine === this.session.current;
    return html`<button
      type="button"
      role="tab"
      class="guest-state"
      data-guest=${machine.state.is}
      aria-selected=${String(chosen)}
      aria-controls=${`guest-${id}`}
      tabindex=${chosen ? 0 : -1}
      @click=${() => this.session.show(machine)}
    >
      <span class="led" aria-hidden="true"></span>${name}<span class="guest-word">&nbsp;${STATES[machine.state.is]}</span>
    </button>`;
  }

  #tabKeys = async (event: KeyboardEvent): Promise<void> => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const { machines, current } = this.session;
    const next = machines.at((machines.indexOf(current) + step) % machines.length);
    if (next) this.session.show(next);
    await this.updateComplete;
    this.querySelector<HTMLElement>('.guests [aria-selected="true"]')?.focus();
  };

  async #wish(wish: Wish): Promise<void> {
    this.dispatchEvent(new MachineWish(wish));
  }

  #choose(work: () => Promise<void>): () => void {
    return () => {
      this.#close();
      void work();
    };
  }

  #close(): void {
    this.querySelector("details")?.removeAttribute("open");
  }

  #focusOut = (event: FocusEvent): void => {
    const menu = event.currentTarget as HTMLElement;
    if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) this.#close();
  };

  #keyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    this.#close();
    this.querySelector<HTMLElement>("summary")?.focus();
  };
}

customElements.define("pv-top-bar", PvTopBar);
