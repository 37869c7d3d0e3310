// What holds for every page, however one came to it.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";

import { geometry } from "./geometry.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const folder = process.env.GUERDON_SCREENSHOTS;
mkdirSync(folder, { recursive: true });

/** What is wrong with a page as it is now; keeps a screenshot under the name. `script`: the page's browser runs scripts, as axe needs. */
export async function look(page, name, { script = true } = {}) {
  const found = [];
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (sideways > 0) found.push(`${sideways} px sideways`);
  found.push(...(await page.evaluate(geometry)));
  // Without frames of other origins the page itself can put the results together: no second page is opened for it.
  const { violations } = script ? await new AxeBuilder({ page }).setLegacyMode().withTags(TAGS).analyze() : { violations: [] };
  for (const { id, help, nodes } of violations) found.push(`${id} (${help}) at ${nodes.map((node) => node.target).join(", ")}`);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  return found.map((what) => `${name}: ${what}`);
}
