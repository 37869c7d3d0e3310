// Journeys 27 to 29: tabs, attacks, languages.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { begin } from "../lib/journey.mjs";
import { PASSWORD } from "../lib/stack.mjs";
import { PAGES } from "../pages.mjs";

const { journey } = begin();
const HOSTILE = `"><script>alert(1)</script>{{7*7}}\u202e<img src=x onerror=alert(1)>`;

journey("27: six tabs at once for an hour stay signed in, and signing out in one ends all", {}, async (world) => {
  const { stack, name, from } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  const visitor = await world.visitor();
  await visitor.signIn(ann.email, PASSWORD);
  const tabs = [visitor.page, ...(await Promise.all(Array.from({ length: 5 }, () => visitor.context.newPage())))];
  for (let tenth = 0; tenth < 6; tenth += 1) {
    await stack.advance({ minutes: 10 });
    // One more tab is closed while it loads.
    const lost = await visitor.context.newPage();
    const opening = lost.goto("/records", { waitUntil: "commit" }).catch(() => undefined);
    await Promise.all(tabs.map((tab, index) => tab.goto(index % 2 === 0 ? "/home" : "/records")));
    await lost.close();
    await opening;
    for (const tab of tabs) assert.match(tab.url(), /\/(home|records)$/);
  }
  await tabs[5].getByRole("banner").locator("summary").last().click();
  await tabs[5].getByRole("button", { name: visitor.text("sign-out") }).click();
  await tabs[5].waitForURL(/\/sign-in/);
  for (const tab of tabs.slice(0, 5)) {
    await tab.reload();
    assert.match(tab.url(), /\/sign-in\?next=/);
  }
});

/** The refusal of a form, or of the page to which it leads. */
const isRefused = (response) => response.request().isNavigationRequest() && response.status() === 403;

/** A server of another site: `localhost` is another than 127.0.0.1. */
async function elsewhere(page) {
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html; charset=utf-8").end(page)).listen(0, "localhost");
  await once(server, "listening");
  return [`http://localhost:${server.address().port}/`, () => server.close()];
}

/** C8.2: the operator's own site sends somebody here signed in. */
journey("a link on the operator's site signs in once and leads to its page", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  const { key } = await stack.manage("/v1/admin/service-keys", { name: name("shop"), scopes: ["sessions:create"] });
  const { url } = await stack.ask(`/v1/service/users/${ann.id}/sessions`, { token: key, body: { browser: true, page: "/account" } });
  const visitor = await world.visitor({ allowed: [/^asks http:\/\/localhost:/, /favicon/, /localhost:\d+\/: says/] });
  const [shop, close] = await elsewhere(`<a href="${url}">Account</a>`);
  try {
    await visitor.open(shop);
    await visitor.page.getByText("Account").click();
    await visitor.at("/account");
    await visitor.reads(ann.email);
    assert.equal(new URL(visitor.page.url()).search, "", "the code is not in the address");
    const other = await world.visitor();
    await other.open(url);
    await other.at("/sign-in");
    await other.reads(other.text("link-over"));
  } finally {
    close();
  }
});

journey("28: a form on another site changes nothing", {}, async (world) => {
  const { stack, name, from } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  const visitor = await world.visitor({ allowed: [/^asks http:\/\/localhost:/, /favicon/, /status of 403/] });
  await visitor.signIn(ann.email, PASSWORD);
  // Even with the hidden fields of the own page.
  const hidden = await visitor.page.locator("form[action='/forms/registration/sign-out']").last().locator("input").evaluateAll((all) => all.map((one) => one.outerHTML));
  const form = `<form method="post" action="${stack.base}/forms/registration/sign-out">${hidden.join("")}<button>Win</button></form>`;
  const [evil, close] = await elsewhere(form);
  try {
    await visitor.page.goto(evil);
    const [post] = await Promise.all([
      visitor.page.waitForRequest((request) => request.method() === "POST"),
      visitor.page.waitForResponse(isRefused),
      visitor.page.getByRole("button", { name: "Win" }).click(),
    ]);
    const headers = await post.allHeaders();
    assert.equal(headers["sec-fetch-site"], "cross-site");
    assert.ok(!(headers.cookie ?? "").includes("__Host-session"), "no cookie goes along");
  } finally {
    close();
  }
  await visitor.open("/home");
  await visitor.at("/home");
});

journey("28: no page of ours shows in a frame", {}, async (world) => {
  const { stack } = world;
  const said = [/^asks http:\/\/localhost:/, /frame-ancestors/, /favicon/];
  const visitor = await world.visitor({ allowed: said });
  const [evil, close] = await elsewhere(`<iframe src="${stack.base}/sign-in" width="400" height="400"></iframe>`);
  try {
    await visitor.page.goto(evil);
    const frame = visitor.page.frames()[1];
    assert.equal(await frame.locator("form").count(), 0);
  } finally {
    close();
  }
});

journey("28: what people enter is text everywhere", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  await stack.manage(`/v1/admin/users/${ann.id}/adjustments`, { amount: "5", remark: HOSTILE });
  const visitor = await world.visitor();
  const page = visitor.page;
  page.on("dialog", () => visitor.found.push("a script ran"));
  await visitor.signIn(ann.email, PASSWORD);
  for (const path of ["/home", "/records"]) {
    await visitor.open(path);
    assert.ok((await page.textContent("main")).includes(HOSTILE), path);
    assert.equal(await page.locator("main script, main img").count(), 0, path);
  }
  // Labels and names that she and the operator's people wrote.
  for (const area of ["affiliate", "redemption", "payment"]) await stack.settings(area, (settings) => (settings.enabled = true));
  const token = await stack.token(ann);
  await stack.ask("/v1/affiliate/codes", { token, body: { label: HOSTILE } });
  const plan = await stack.manage("/v1/admin/plans", { name: HOSTILE, quota: 0, on_sale: true });
  const batch = { label: HOSTILE, count: 1, total_uses: 1, plan_id: plan.id, unit: "month", quantity: 1 };
  const { codes } = await stack.manage("/v1/admin/redemption/batches", batch);
  await stack.ask("/v1/redemptions", { token, body: { code: codes[0] } });
  await stack.settings("payment", (settings) => (settings.offers[0].label = HOSTILE.slice(0, 50)));
  for (const [path, text] of [["/home", HOSTILE], ["/affiliate", HOSTILE], ["/redeem", HOSTILE], ["/top-up", HOSTILE.slice(0, 50)]]) {
    await visitor.open(path);
    assert.ok((await page.textContent("main")).includes(text), path);
    assert.equal(await page.locator("main script, main img").count(), 0, path);
  }
  await stack.settings("payment", (settings) => (settings.offers[0].label = ""));
  await visitor.open(`/register?ref=${encodeURIComponent(HOSTILE)}`);
  await visitor.open(`/records?type=${encodeURIComponent(HOSTILE)}&account=${encodeURIComponent(HOSTILE)}`);
  assert.equal(await page.locator("main script, main img").count(), 0);
});

journey("28: a form field of another session is refused", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  const [ann, bob] = [await stack.person(name("ann"), { from: from() }), await stack.person(name("bob"), { from: from() })];
  const [hers, his] = [await world.visitor(), await world.visitor()];
  await hers.signIn(ann.email, PASSWORD);
  await his.signIn(bob.email, PASSWORD);
  const field = "form[action='/forms/registration/sign-out'] input[name=form]";
  const stolen = await hers.page.locator(field).last().inputValue();
  await his.page.locator(field).last().evaluate((input, value) => (input.value = value), stolen);
  await his.page.getByRole("banner").locator("summary").last().click();
  await Promise.all([his.page.waitForResponse(isRefused), his.press("sign-out")]);
  for (const one of [hers, his]) {
    await one.open("/home");
    await one.at("/home");
  }
});

journey("28: a forged message is not shown", { plain: true }, async (world) => {
  const visitor = await world.visitor();
  const { context, page, stack } = visitor;
  await visitor.open("/sign-in");
  await visitor.fill({ email: "nobody@example.com", password: "not the password" });
  await visitor.press("sign-in");
  await visitor.reads(visitor.text("refused-bad-credentials"));
  for (const value of ["eyJjb2RlIjoid2VsY29tZSJ9", "welcome", "a.b.c"]) {
    await context.addCookies([{ name: "__Host-flash", value, url: stack.base.replace("http:", "https:"), secure: true, httpOnly: true }]);
    await visitor.open("/register");
    assert.equal(await page.locator(".alert, [role=status]").count(), 0, value);
  }
});

journey("29: the other language is one link away on every page, and keeps the place", { plain: true }, async (world) => {
  const { stack, name, from, way } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  const [mine, other] = way.language === "en" ? ["en", "zh-CN"] : ["zh-CN", "en"];
  const link = { en: "English", "zh-CN": "中文" }[other];
  const [stranger, member] = [await world.visitor(), await world.visitor()];
  await member.signIn(ann.email, PASSWORD);
  for (const { path, as, act } of PAGES) {
    if (typeof path !== "string" || act !== undefined) continue;
    const visitor = as === undefined ? stranger : member;
    await visitor.open(path);
    const before = visitor.page.url();
    assert.equal(await visitor.page.getAttribute("html", "lang"), mine, path);
    await visitor.page.getByRole("link", { name: link }).click();
    await visitor.page.waitForLoadState();
    assert.equal(await visitor.page.getAttribute("html", "lang"), other, path);
    assert.equal(visitor.page.url(), before, "the place is kept");
    await visitor.context.clearCookies({ name: "lang" });
  }
});

journey("29: a browser begins in its own language, and English is for all others", { plain: true }, async (world) => {
  for (const [locale, lang] of [["zh-TW", "zh-CN"], ["zh-Hans-CN", "zh-CN"], ["de-DE", "en"], ["en-US", "en"]]) {
    const visitor = await world.visitor({ locale });
    await visitor.open("/");
    await visitor.at("/sign-in");
    assert.equal(await visitor.page.getAttribute("html", "lang"), lang, locale);
  }
});
