// Journey 24: agents run their shops.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { PASSWORD } from "../lib/stack.mjs";

const { journey } = begin();

/** A shop for each name below the one before, each with its agent, and a tiered series that the first of them holds. */
async function tree({ stack, name, from }) {
  await stack.settings("agency", (settings) => (settings.enabled = true));
  const ann = await stack.person(name("ann"), { from: from() });
  const bob = await stack.person(name("bob"), { from: from() });
  const shop = (await stack.manage("/v1/shops", { name: name("North"), parent_id: null, user_id: ann.id })).id;
  const tier = (threshold, amount) => ({ threshold, amount, dimension: "sales_amount", scope: "self_and_sub" });
  const trigger = { type: "accumulated_recharge", threshold: "10" };
  const commission = { type: "tiered", tiers: [tier("100", "100"), tier("150", "150")] };
  const series = (await stack.manage("/v1/series", { name: name("Cards"), code: name("CARDS"), commission, trigger })).id;
  const month = (await stack.manage(`/v1/series/${series}/packages`, { name: "30 days", code: "M", price: "200", cost_price: "10" })).id;
  const commission_tiers = [{ threshold: "100", amount: "80" }, { threshold: "150", amount: "120" }];
  await stack.manage("/v1/shop-series-grants", { shop_id: shop, series_id: series, commission_tiers, packages: [{ package_id: month, cost_price: "12" }] });
  return { ann, bob, shop, series };
}

/** Digits of the row with this text, without what divides them. */
const row = async (page, card, text) => (await page.locator(`section[aria-labelledby=${card}] tr`, { hasText: text }).first().textContent()).replace(/\s/g, "");

journey("24: a series is granted below, sold, its chain read, lowered, and what was granted further moved", { plain: true }, async (world) => {
  const { stack, name } = world;
  const { ann, bob, shop } = await tree(world);
  const north = await world.visitor();
  await north.signIn(ann.email, PASSWORD, "/shop");
  // A shop for Bob, who finds his account number on his own page.
  const south = await world.visitor();
  await south.signIn(bob.email, PASSWORD);
  await south.open("/account");
  const number = (await south.page.textContent("main")).match(/usr_[0-9a-z]{26}/)[0];
  await north.follow("shop-shops");
  await north.at("/shop/shops");
  await north.follow("shop-new-below");
  await north.fill({ name: name("South"), user_id: "usr_nobody" });
  await north.press("shop-make");
  await north.reads(north.text("field-agent-id"));
  await north.fill({ user_id: number });
  await north.press("shop-make");
  await north.reads(north.text("said-shop-made"));
  await north.follow("shop-grant-to-it");
  await north.press("withdraw-next");
  // Above the ceiling at the second tier.
  const terms = (low, high) => ({ "commission_tiers-0-amount": low, "commission_tiers-1-amount": high });
  await north.fill({ ...terms("50", "121"), "packages-0-cost_price": "20" });
  await north.press("shop-grant-do");
  await north.reads(north.text("field-above", { most: "120 CNY" }));
  if (north.script) assert.equal(await north.page.evaluate(() => document.activeElement.getAttribute("role")), "alert", "the summary has the focus");
  await north.fill(terms("50", "100"));
  await north.press("shop-grant-do");
  await north.reads(north.text("said-grant-made"));
  const grant = new URL(north.page.url()).pathname;
  // Bob is an agent now, takes a card in and sells for it from his wallet.
  const shops = await stack.manage("/v1/shops");
  const below = shops.items.find((one) => one.parent_id === shop).id;
  await stack.manage(`/v1/admin/shops/${below}/adjustments`, { amount: "500", remark: "Paid in" });
  await south.signIn(bob.email, PASSWORD, "/shop");
  await south.follow("shop-assets");
  await south.follow("shop-take-in");
  await south.fill({ identifier: name("sim 8986") });
  await south.press("shop-take-in");
  await south.reads(south.text("said-asset-made"));
  await south.page.locator("main").getByRole("link", { name: south.text("shop-sell"), exact: true }).click();
  await south.page.getByRole("checkbox").first().check();
  await south.press("shop-check-purchase");
  assert.match(await row(south.page, "earn", name("South")), /100CNY180CNY$/, "before it is sold");
  await south.press("shop-sell-do");
  await south.reads(south.text("said-sale-made"));
  const sale = new URL(south.page.url()).pathname;
  await stack.ask("/_local/audit");
  await north.open(sale);
  assert.match(await row(north.page, "chain", name("South")), /150100CNY180CNY$/);
  assert.match(await row(north.page, "chain", name("North")), /15020CNY8CNY$/, "120 less 100, and 20 less 12");
  // A third level; then the second is lowered below it.
  await south.open("/shop/shops/new");
  await south.fill({ name: name("Third") });
  await south.press("shop-make");
  await south.follow("shop-grant-to-it");
  await south.press("withdraw-next");
  await south.fill({ ...terms("30", "85"), "packages-0-cost_price": "" });
  await south.press("shop-grant-do");
  await south.reads(south.text("said-grant-made"));
  const third = new URL(south.page.url()).pathname;
  await north.open(`${grant}/terms`);
  await north.fill(terms("50", "60"));
  await north.press("shop-save");
  await north.reads(north.text("refused-children-above"));
  assert.match(await row(north.page, "affected-title", name("Third")), /85CNY.*60CNY/);
  await north.press("shop-move-them");
  await north.reads(north.text("said-grant-saved"));
  await south.open(third);
  assert.match((await south.page.textContent("section[aria-labelledby=part]")).replace(/\s/g, ""), /150.*60CNY/);
  // Commission is moved and spent, and some is asked for in cash.
  await south.follow("shop-wallet");
  await south.fill({ amount: "280.01" });
  await south.press("shop-transfer-do");
  await south.reads(south.text("field-commission-short"));
  await south.fill({ amount: "100" });
  await south.press("shop-transfer-do");
  await south.reads(south.text("said-commission-moved"));
  await south.follow("shop-cash-do");
  await south.fill({ amount: "50", "payout-account": "DE0012345678" });
  await south.press("withdraw-cash-do");
  await south.reads(south.text("withdrawn-cash"));
  assert.ok(!(await south.page.textContent("main")).includes("DE0012345678"), "C4.9: masked");
  const wallet = await stack.manage(`/v1/agency/wallet?shop_id=${below}`);
  assert.deepEqual([wallet.main.amount, wallet.commission.amount, wallet.held.amount], ["400", "130", "50"]);
});
