// Each page in both languages, light and dark, wide and narrow: axe finds nothing, no text overlaps or leaves its box, nothing scrolls
// sideways, nothing foreign is asked for, and the console is silent.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, Visitor } from "./lib/browser.mjs";
import { look } from "./lib/look.mjs";
import { PASSWORD, Stack } from "./lib/stack.mjs";
import { PAGES } from "./pages.mjs";
import { fill } from "./world.mjs";

const isWhole = process.env.GUERDON_BROWSER === "all";
const LANGUAGES = ["en", "zh-CN"];
const VIEWS = [
  { theme: "light", width: 1280 },
  { theme: "light", width: 360 },
  { theme: "dark", width: 360 },
  { theme: "dark", width: 1280 },
];
/** The smoke part sees each page once: every other one in Chinese, one in two of those dark, one in two narrow. */
function viewsOf(language, index) {
  if (isWhole) return VIEWS;
  const isEnglish = index % 2 === 0;
  return isEnglish === (language === "en") ? [VIEWS[index % 4]] : [];
}
const pages = PAGES.filter(({ name }) => !process.env.GUERDON_PAGE || name.startsWith(process.env.GUERDON_PAGE));

let stack, browser, world;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launch()]);
  world = await fill(stack);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** The browser profiles of the people, each signed in once. */
function profiles(options) {
  const made = new Map();
  const visitor = async (as) => {
    if (!made.has(as)) {
      const from = 150 + made.size + (options.language === "en" ? 0 : 30);
      const one = await Visitor.of(browser, stack, { ...options, from });
      if (as !== undefined) {
        const { email, password, home } = world.people[as];
        await one.signIn(email, password ?? PASSWORD, home);
      }
      made.set(as, one);
    }
    return made.get(as);
  };
  const close = async () => {
    for (const one of made.values()) await one.close();
  };
  return { visitor, close };
}

async function sweep(options, viewsAt) {
  const found = [];
  const { visitor, close } = profiles(options);
  for (const [at, { name, path, as, act }] of pages.entries()) {
    if (viewsAt(at).length === 0) continue;
    const one = await visitor(as);
    for (const [index, { theme, width }] of viewsAt(at).entries()) {
      await one.page.emulateMedia({ colorScheme: theme });
      await one.page.setViewportSize({ width, height: 800 });
      if (index === 0 || act !== undefined) {
        await one.open(typeof path === "function" ? path(world) : path);
        await act?.(one, world);
      }
      const { language, script = true } = options;
      found.push(...(await look(one.page, `${name}.${language}.${theme}.${width}${script ? "" : ".plain"}`, { script })));
    }
  }
  assert.deepEqual(found, []);
  await close();
}

test("every page", { concurrency: 2 }, async (context) => {
  const all = LANGUAGES.map((language) => [language, { language }, (at) => viewsOf(language, at)]);
  if (isWhole) all.push(["without script", { language: "zh-CN", script: false }, () => [VIEWS[1]]]);
  await Promise.all(all.map(([title, options, viewsAt]) => context.test(title, () => sweep(options, viewsAt))));
});

/** C4.1: what is chosen wins over what the device says. */
test("a chosen theme holds on a device of the other", async () => {
  const visitor = await Visitor.of(browser, stack, { theme: "light", from: 140 });
  await visitor.open("/sign-in");
  const paper = () => visitor.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await paper();
  await visitor.page.locator("a[href*='theme=dark']").click();
  await visitor.page.waitForLoadState();
  assert.notEqual(await paper(), light);
  assert.deepEqual(await look(visitor.page, "sign-in.chosen-dark"), []);
  await visitor.page.emulateMedia({ colorScheme: "dark" });
  await visitor.page.locator("a[href*='theme=light']").click();
  await visitor.page.waitForLoadState();
  assert.equal(await paper(), light);
  await visitor.close();
});
