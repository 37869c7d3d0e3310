// An operator's morning: yesterday's report, three reviews, two withdrawals, one angry user's order, a batch of 500 codes, a setting that a
// colleague changes meanwhile, a failed webhook. Each place is looked at, in both languages.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { look } from "../lib/look.mjs";
import { ADMIN } from "../lib/stack.mjs";

const { journey } = begin();

const plainText = async (page) => (await page.textContent("main")).replace(/\s/g, "");

/** The day before: payments that do not fit, withdrawals, a webhook whose receiver was down. */
async function yesterday({ stack, name, from }) {
  for (const area of ["payment", "affiliate", "referral", "promotion"]) await stack.settings(area, (settings) => (settings.enabled = true));
  await stack.settings("affiliate", (settings) => (settings.min_cash_withdrawal = "0.1"));
  const ann = await stack.person(name("ann"), { from: from() });
  const code = await stack.code(ann);
  const order = async (who, offer_id) => (await stack.ask("/v1/payment/orders", { token: who.token, body: { offer_id, provider: "zpay" } })).id;
  const bob = await stack.person(name("bob"), { code, from: from() });
  const angry = { ...bob, order: await order(bob, "o100") };
  await stack.pay("zpay", angry.order);
  for (const [index, amount] of ["60.00", "99.00", "10.00"].entries()) {
    const one = await stack.person(name(`short${index}`), { from: from() });
    await stack.pay("zpay", await order(one, "o100"), "now", { amount });
  }
  const hook = await stack.manage("/v1/admin/webhook-endpoints", { url: `${stack.base}/_sim/webhook`, events: ["user.registered"] });
  await stack.ask("/_sim/webhook", { method: "PUT", body: { status: 503, times: 50 } });
  await stack.person(name("eve"), { from: from() });
  await stack.ask("/_local/audit");
  const token = await stack.token(ann);
  for (const amount of ["0.5", "0.6"]) {
    const payout = { method: "bank", account: "DE0012345678" };
    await stack.ask("/v1/affiliate/withdrawals", { token, body: { amount, to: "cash", payout } });
  }
  await stack.advance({ days: 1 });
  await stack.ask("/_local/run/reconcile", { method: "POST" });
  await stack.ask("/_local/audit");
  return { angry, hook: hook.id };
}

journey("an operator's morning", { plain: true }, async (world) => {
  const { angry, hook } = await yesterday(world);
  // A picture of the whole page resizes the window, which ends a transition.
  const visitor = await world.visitor({ allowed: [/Transition was aborted/] });
  const { page } = visitor;
  const { script, language } = world.way;
  const found = [];
  const seen = async (what) => found.push(...(await look(page, `morning-${what}-${language}`, { script })));
  const wide = (list) => page.locator(`nav.side a[href='${list}']`).click();
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  await seen("1-overview");

  await page.locator(".todo a[href^='/admin/reconciliations/']").click();
  await page.locator("h1").waitFor();
  await seen("2-report");

  await wide("/admin/reviews");
  await visitor.at("/admin/reviews");
  const short = page.locator("tbody tr", { hasText: visitor.text("review-amount-mismatch") });
  assert.equal(await short.count(), 3, "three payments of another amount");
  await seen("3-reviews");
  for (const decision of ["credit", "refund-due", "ignore"]) {
    await visitor.open("/admin/reviews");
    await short.first().locator("a.id").first().click();
    await visitor.follow(`review-${decision}`);
    if (decision === "credit") await visitor.press("refund-next");
    await visitor.fill({ reason: `looked at: ${decision}` });
    await seen(`4-${decision}`);
    await page.locator("button.solid").click();
    await visitor.reads(visitor.text("review-resolved"));
  }
  await visitor.open("/admin/reviews");
  assert.equal(await short.count(), 0, "what was decided waits no more");

  await wide("/admin/withdrawals");
  await visitor.at("/admin/withdrawals");
  await seen("5-withdrawals");
  for (const [key, field, value, said] of [
    ["say-paid", "reference", "TX 17", "withdrawal-was-paid"],
    ["reject", "reason", "The account is closed", "withdrawal-was-rejected"],
  ]) {
    await visitor.open("/admin/withdrawals");
    await page.locator("tbody a.id").first().click();
    await visitor.follow(key);
    await visitor.fill({ [field]: value });
    await visitor.press(key);
    await visitor.reads(visitor.text(said));
  }
  await seen("6-rejected");

  await page.fill("#find", angry.email);
  await page.press("#find", "Enter");
  await visitor.at(`/admin/users/${angry.id}`);
  await seen("7-angry-user");
  await page.locator(`a[title="${angry.order}"]`).first().click();
  await visitor.at(`/admin/orders/${angry.order}`);
  await visitor.reads(visitor.text("why-subject-bonus"));
  await seen("8-why");

  await visitor.open("/admin/batches/new");
  await visitor.fill({ label: "November", count: "500", credit: "5" });
  await visitor.press("batch-make");
  await visitor.reads(visitor.text("batch-was-made"));
  await world.stack.ask("/_local/audit");
  // With script the page looks every two seconds whether more of the batch is there.
  await (script ? page.locator("progress").waitFor({ state: "detached" }) : page.reload());
  await seen("9-batch");
  const [file] = await Promise.all([page.waitForEvent("download"), visitor.follow("batch-export")]);
  assert.match(file.suggestedFilename(), /\.csv$/);

  await visitor.open("/admin/settings/payment");
  await world.stack.settings("payment", (settings) => (settings.discount_rate = settings.discount_rate === "0.95" ? "0.96" : "0.95"));
  await visitor.fill({ exchange_rate: "7.1" });
  await visitor.press("settings-save");
  await visitor.reads(visitor.text("settings-save-mine"));
  await seen("10-meanwhile");
  await visitor.press("settings-save-mine");
  await visitor.reads(visitor.text("settings-saved"));

  await visitor.open(`/admin/webhooks/${hook}`);
  assert.match(await plainText(page), /503/);
  await seen("11-webhook");
  await world.stack.ask("/_sim/webhook", { method: "PUT", body: { status: 200, times: 0 } });
  await visitor.press("hook-replay");
  await visitor.reads(visitor.text("hook-replayed"));
  await world.stack.ask("/_local/audit");
  await visitor.open("/admin");
  await seen("12-done");
  assert.deepEqual(found, []);
});
