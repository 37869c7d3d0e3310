// Issue 17: a page of `http://localhost:5173` uses the API with the TypeScript client; no check of the browser is off.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { after, before, test } from "node:test";

import { launch } from "./lib/browser.mjs";
import { PASSWORD, Stack } from "./lib/stack.mjs";

const SHOP = "http://localhost:5173";
const here = import.meta.dirname;
const TYPES = { html: "text/html", mjs: "text/javascript", js: "text/javascript" };

let stack, browser, server;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launch()]);
  server = createServer((request, answer) => {
    const path = normalize(new URL(request.url, SHOP).pathname);
    const file = path.startsWith("/client/") ? join(process.env.GUERDON_CLIENT, path.slice(8)) : join(here, "shop", path === "/" ? "index.html" : path);
    try {
      const content = readFileSync(file);
      answer.setHeader("content-type", TYPES[file.split(".").at(-1)]).end(content);
    } catch {
      answer.writeHead(404).end();
    }
  }).listen(5173, "localhost");
  await once(server, "listening");
});
after(async () => {
  server?.close();
  await browser?.close();
  await stack?.stop();
});

/** Preflights as Chromium sends them; Playwright itself hides them. */
async function preflights(context, page) {
  const asked = new Map();
  const all = [];
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.requestWillBeSent", ({ requestId, request, initiator }) => {
    if (initiator.type === "preflight") asked.set(requestId, request);
  });
  session.on("Network.responseReceived", ({ requestId, response }) => {
    const request = asked.get(requestId);
    if (request !== undefined) all.push({ url: request.url, method: request.method, status: response.status, headers: response.headers });
  });
  return all;
}

test("a page on another origin signs up, orders, pays, polls, redeems and refreshes its token", async () => {
  for (const area of ["payment", "redemption"]) await stack.settings(area, (settings) => (settings.enabled = true));
  const batch = { label: "shop", count: 1, credit: "5", total_uses: 1 };
  const { codes: [code] } = await stack.manage("/v1/admin/redemption/batches", batch);
  const context = await browser.newContext();
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  const seen = await preflights(context, page);
  await page.goto(`${SHOP}/?api=${stack.base}`);
  await page.getByText("Status: ready").waitFor();

  const id = await page.evaluate((password) => window.shop.signUp("shop@example.com", password), PASSWORD);
  assert.match(id, /^usr_/);
  const order = await page.evaluate(() => window.shop.order());
  assert.deepEqual([order.same, order.replayed], [true, true], "Idempotency-Replayed can be read");
  const [till] = await Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Pay CN¥100.00" }).click()]);
  await till.getByRole("button", { name: "Pay", exact: true }).click();
  await till.waitForURL(/\/payment\/result\?/);
  const paid = await page.evaluate((id) => window.shop.poll(id), order.id);
  assert.deepEqual([paid.status, paid.credit.amount], ["paid", "13.88888888"]);
  await page.evaluate((code) => window.shop.redeem(code), code);
  assert.deepEqual(await page.evaluate((code) => window.shop.refused(code), code), { status: 409, code: "already_redeemed" });

  await stack.advance({ minutes: 16 });
  const refreshed = await page.evaluate(() => window.shop.refresh());
  assert.deepEqual(refreshed, { ids: [id], refreshes: 1, isNew: true });
  const settings = await page.evaluate(() => window.shop.settings());
  assert.equal(settings.status, 200);

  assert.ok(seen.length >= 5, `each kind of request is asked for first: ${JSON.stringify(seen)}`);
  for (const { url, method, status, headers } of seen) {
    assert.deepEqual([method, status, headers["access-control-allow-origin"]], ["OPTIONS", 204, SHOP], url);
    assert.match(headers["access-control-allow-headers"], /idempotency-key/, url);
  }
  // Two refusals: the code that is redeemed, and the tokens that are expired.
  const refusals = said.filter((text) => !/status of (401|409)/.test(text));
  assert.deepEqual(refusals, []);
  await context.close();
});

/** Chromium keeps a page of an origin that is not allowed from reading anything, and from changing anything that needs a token. */
test("a page of an origin that is not allowed reads nothing", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto("data:text/html,<title>x</title>");
  const answer = await page.evaluate(
    (base) => Promise.all([fetch(`${base}/v1/settings/public`), fetch(`${base}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })].map((one) => one.then(() => "read", () => "kept away"))),
    stack.base,
  );
  assert.deepEqual(answer, ["kept away", "kept away"]);
  // The simulators and the clock are for pages of this machine only.
  for (const path of ["/_sim/pay", "/_local/clock"]) {
    const refused = await fetch(stack.base + path, { method: "POST", headers: { origin: SHOP }, body: "{}" });
    assert.equal(refused.status, 403, path);
  }
  await context.close();
});
