/** axe over a page as it is at this moment: what a person with an assistive technology would stumble over. */
import axe from "axe-core";
import type { Page } from "playwright";

type Axe = typeof axe;

/** WCAG 2.2, A and AA, as axe tags its rules; and what it calls good practice. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

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
