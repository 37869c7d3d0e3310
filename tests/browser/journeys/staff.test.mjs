// Journeys 18 to 21 and 26: orders of staff, refunds, reviews, withdrawals, and who may do what.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { ADMIN, PASSWORD } from "../lib/stack.mjs";

const { journey } = begin();

/** Programmes on, and Bob with a paid order of ¥100. */
async function paid({ stack, name, from }, amount) {
  for (const area of ["payment", "affiliate"]) {
    await stack.settings(area, (settings) => {
      settings.enabled = true;
      if (area === "affiliate") settings.min_cash_withdrawal = "0.5";
    });
  }
  const ann = await stack.person(name("ann"), { from: from() });
  const bob = await stack.person(name("bob"), { code: await stack.code(ann), from: from() });
  const order = await stack.ask("/v1/payment/orders", { token: bob.token, body: { offer_id: "o100", provider: "zpay" } });
  await stack.pay("zpay", order.id, "now", amount === undefined ? {} : { amount });
  await stack.ask("/_local/audit");
  return { ann, bob, order: order.id };
}

const plainText = async (page) => (await page.textContent("main")).replace(/\s/g, "");

journey("18: the list shows paid orders of the week, chips take filters away, the file is there", { plain: true }, async (world) => {
  const { order, bob } = await paid(world);
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  await visitor.follow("staff-orders");
  await visitor.at("/admin/orders");
  await page.locator(`a[title="${order}"]`).waitFor();
  const chips = page.locator(".chips a");
  const before = await chips.count();
  await chips.first().click();
  await visitor.at("/admin/orders");
  assert.equal(await page.locator(".chips a").count(), before - 1);
  await page.fill("#f-email", bob.email);
  await visitor.press("filter");
  await page.locator(`a[title="${order}"]`).waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), visitor.follow("as-csv")]);
  assert.match(file.suggestedFilename(), /^orders-.*\.csv$/);
});

journey("19: a refund books what its confirmation says", { plain: true }, async (world) => {
  const { order, bob } = await paid(world);
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  await page.fill("#find", order);
  await page.press("#find", "Enter");
  await visitor.at(`/admin/orders/${order}`);
  await visitor.follow("refund-it");
  await visitor.fill({ amount: "30" });
  await visitor.press("refund-next");
  const said = (await page.locator("table tbody tr").first().locator("td").last().textContent()).match(/[\d.]+/)[0];
  await visitor.fill({ reason: "an outage" });
  await visitor.press("refund-do", { amount: "¥30.00" });
  await visitor.at(`/admin/orders/${order}`);
  await visitor.reads(visitor.text("refund-asked"));
  await world.stack.ask("/_local/audit");
  const { balance } = await world.stack.ask("/v1/me", { token: await world.stack.token(bob) });
  assert.equal(balance.amount, said);
});

journey("20: a wrong amount is credited from review", { plain: true }, async (world) => {
  const { order, bob } = await paid(world, "60.00");
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  await page.locator("nav.side a[href='/admin/reviews']").click();
  await page.locator("tbody a.id").first().click();
  await visitor.follow("review-credit");
  assert.equal(await page.inputValue("#order_id"), order, "the order that it names");
  await visitor.press("refund-next");
  await page.getByText(bob.email).waitFor();
  await visitor.fill({ reason: "it was them" });
  await visitor.press("review-credit");
  await visitor.reads(visitor.text("review-resolved"));
  const { balance } = await world.stack.ask("/v1/me", { token: await world.stack.token(bob) });
  assert.equal(balance.amount, "8.33333333");
});

journey("21: one withdrawal is paid and one rejected; the user sees both", { plain: true }, async (world) => {
  const { ann } = await paid(world);
  const token = await world.stack.token(ann);
  const cash = async (amount) =>
    (await world.stack.ask("/v1/affiliate/withdrawals", { token, body: { amount, to: "cash", payout: { method: "bank", account: "DE0012345678" } } })).id;
  const [first, second] = [await cash("0.5"), await cash("0.6")];
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  await page.locator("nav.side a[href='/admin/withdrawals']").click();
  assert.ok(!(await page.content()).includes("DE0012345678"), "C4.9: masked");
  await visitor.open(`/admin/withdrawals/${first}`);
  await page.getByText("DE0012345678").waitFor();
  await visitor.follow("say-paid");
  await visitor.fill({ reference: "TX 17" });
  await visitor.press("say-paid");
  await visitor.reads(visitor.text("withdrawal-was-paid"));
  await visitor.open(`/admin/withdrawals/${second}`);
  await visitor.follow("reject");
  await visitor.fill({ reason: "wrong account" });
  await visitor.press("reject");
  await visitor.reads(visitor.text("withdrawal-was-rejected"));
  const owner = await world.visitor();
  await owner.signIn(ann.email, PASSWORD);
  await owner.open("/affiliate/withdrawals");
  assert.match(await plainText(owner.page), /TX17/);
  assert.match(await plainText(owner.page), /wrongaccount/);
});

journey("26: a clerk sees orders and nothing else", { plain: true }, async (world) => {
  const { order } = await paid(world);
  const clerk = await world.stack.person(world.name("clerk"), { from: world.from() });
  await world.stack.manage(`/v1/admin/users/${clerk.id}/role`, { role: "admin", scopes: ["orders:read"] }, "PUT");
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn(clerk.email, PASSWORD, "/admin/orders");
  assert.equal(await page.locator("nav.side ul a").count(), 4, "orders, reviews, reconciliation, coupons");
  await visitor.open(`/admin/orders/${order}`);
  assert.equal(await page.getByRole("link", { name: visitor.text("refund-it") }).count(), 0);
  await visitor.open(`/admin/orders/${order}/refund`);
  await visitor.reads(visitor.text("only-with-scope", { scope: "orders:refund" }));
});
