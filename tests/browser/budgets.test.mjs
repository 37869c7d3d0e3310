// C2.6 and C2.7: what a page costs the browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { launch, Visitor } from "./lib/browser.mjs";
import { PASSWORD, Stack } from "./lib/stack.mjs";
import { PAGES } from "./pages.mjs";
import { fill } from "./world.mjs";

const LOADS = 5;
/** Most milliseconds from asking for a page's HTML to having it; 15 of a release build on a quiet machine. Without, it is only told. */
const HTML_MS = Number(process.env.GUERDON_HTML_MS ?? Infinity);

let stack, browser, world;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launch()]);
  world = await fill(stack);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** What the browser measured of the page that is open. */
function measured() {
  const last = (type) => new Promise((resolve) => {
    const entries = [];
    new PerformanceObserver((list) => entries.push(...list.getEntries())).observe({ type, buffered: true });
    setTimeout(() => resolve(entries), 100);
  });
  return Promise.all([last("largest-contentful-paint"), last("layout-shift")]).then(([paints, shifts]) => ({
    lcp: paints.at(-1)?.startTime ?? Infinity,
    cls: shifts.filter((one) => !one.hadRecentInput).reduce((sum, one) => sum + one.value, 0),
  }));
}

test("a first page takes few requests and few bytes", async () => {
  const visitor = await Visitor.of(browser, stack, { from: 201 });
  const seen = [];
  visitor.page.on("response", (response) => seen.push(response));
  await visitor.open("/register");
  await visitor.page.waitForLoadState("networkidle");
  assert.ok(seen.length <= 4, seen.map((one) => one.url()).join("\n"));
  const sizes = await Promise.all(seen.map(async (one) => [new URL(one.url()).pathname, (await one.request().sizes()).responseBodySize]));
  assert.equal(await seen[0].headerValue("content-encoding"), "gzip");
  const files = sizes.filter(([path]) => path.startsWith("/static/")).reduce((sum, [, size]) => sum + size, 0);
  assert.ok(files > 0 && files <= 12 * 1024, `static files: ${files} bytes`);
  await visitor.close();
});

// The least of several loads: a budget is about what the page needs, not about what else the machine does.
test("each page is small, shows at once and does not jump", async () => {
  const found = [];
  const visitors = new Map();
  for (const { name, path, as, act } of PAGES) {
    if (act !== undefined) continue;
    if (!visitors.has(as)) {
      const made = await Visitor.of(browser, stack, { from: 202 + visitors.size });
      if (as !== undefined) {
        const { email, password, home } = world.people[as];
        await made.signIn(email, password ?? PASSWORD, home);
      }
      visitors.set(as, made);
    }
    const visitor = visitors.get(as);
    const asked = [];
    const watch = (request) => asked.push(request.url());
    visitor.page.on("request", watch);
    const loads = [];
    let took = Infinity;
    for (let load = 0; load < LOADS; load += 1) {
      const answer = await visitor.open(typeof path === "function" ? path(world) : path);
      if (load === 0) {
        const bytes = gzipSync(await answer.body()).length;
        if (bytes > 30 * 1024) found.push(`${name}: ${bytes} bytes gzipped`);
        // Neither what led to the page nor what the page before it asked for late is its own.
        const own = new Set(asked.filter((url) => url.includes("/static/") || url === visitor.page.url()));
        if (own.size > 4) found.push(`${name}: ${[...own].join(" ")}`);
      }
      const { requestStart, responseEnd } = answer.request().timing();
      took = Math.min(took, responseEnd - requestStart);
      loads.push(await visitor.page.evaluate(measured));
    }
    const lcp = Math.min(...loads.map((one) => one.lcp));
    const cls = Math.max(...loads.map((one) => one.cls));
    console.log(`${name}: HTML ${took.toFixed(1)} ms, LCP ${lcp.toFixed(0)} ms, CLS ${cls.toFixed(3)}`);
    if (lcp > 300) found.push(`${name}: LCP ${lcp} ms`);
    if (cls > 0.02) found.push(`${name}: CLS ${cls}`);
    if (took > HTML_MS) found.push(`${name}: HTML ${took} ms`);
    visitor.page.off("request", watch);
  }
  for (const visitor of visitors.values()) await visitor.close();
  assert.deepEqual(found, []);
});
