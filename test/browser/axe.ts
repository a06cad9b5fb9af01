/** axe over a page as it is at this moment: what a person with an assistive technology would stumble over. */
import axe from "axe-core";
import type { Page } from "playwright";

type Axe = typeof axe;

/** WCAG 2.2, A and AA, as axe tags its rules; and what it calls good practice. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const STOPS_MAX = 80;

/** One line for each serious or critical finding: the rule, and where. */
export async function axeFindings(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  return page.evaluate(async (values) => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes.map(
          ({ target, failureSummary }) =>
            `${id}: ${target.flat().join(" ")} ${failureSummary?.replaceAll(/\s+/g, " ")}`,
        ),
      );
  }, RULES);
}

/** Goes once through the page by Tab: how many stops there are, and one line for each whose focus is not seen. */
export async function focusStops(page: Page): Promise<{ readonly count: number; readonly unseen: readonly string[] }> {
  const found = new Set<string>();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const seen = new Set<string>();
  for (let presses = 0; presses < STOPS_MAX; presses++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      if (!element || element === document.body) return undefined;
      // A hidden file input shows its focus on its label.
      const shown = element.matches(".visually-hidden") ? (element.closest("label") ?? element) : element;
      const { outlineStyle, outlineWidth } = getComputedStyle(shown);
      const name = element.getAttribute("aria-label") ?? element.textContent?.trim() ?? "";
      return {
        name: `${element.localName}.${element.className} ${name}`.slice(0, 120),
        isSeen: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
        isTerminal: element.matches(".xterm-helper-textarea"),
      };
    });
    if (stop === undefined) break;
    // Tab is the shell's there; F6 leads out.
    if (stop.isTerminal) await page.keyboard.press("F6");
    else if (!stop.isSeen) found.add(stop.name);
    if (seen.has(stop.name) && seen.size > 3 && [...seen][0] === stop.name) break;
    seen.add(stop.name);
  }
  return { count: seen.size, unseen: [...found] };
}
