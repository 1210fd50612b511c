import axeCore, { type AxeResults } from "axe-core";
import { type Page } from "playwright-core";
import { expect } from "vitest";

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Fails when axe finds a breach of WCAG 2.2 A or AA in a page. What waits for an answer is dimmed: that is waited for, unless it never comes. */
export async function axe(page: Page): Promise<void> {
  const still = () => !document.querySelector('[aria-busy="true"]') && document.getAnimations().length === 0;
  await page.waitForFunction(still, undefined, { timeout: 3000 }).catch(() => {});
  await page.evaluate(axeCore.source); // evaluated by the debugger, to which the page's policy does not apply
  const found = await page.evaluate<AxeResults, string[]>((values) => {
    const { axe } = globalThis as unknown as { axe: typeof axeCore };
    return axe.run({ runOnly: { type: "tag", values } });
  }, rules);
  const breaches = found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}\n${n.failureSummary}\n${n.html}`));
  expect(breaches, `axe on ${page.url()}`).toEqual([]);
}
