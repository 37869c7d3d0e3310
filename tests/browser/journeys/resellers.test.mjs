// Journey 24: an agency of staff's making: shops, a tiered series, grants under their ceilings, a sale and its chain, a parent lowered.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { ADMIN } from "../lib/stack.mjs";

const { journey } = begin();

const plainText = async (page) => (await page.textContent("main")).replace(/\s/g, "");

journey("24 by staff: two shops, a tiered series, a sale by wallet; the parent is lowered and those below with it", { plain: true }, async (world) => {
  await world.stack.settings("agency", (settings) => (settings.enabled = true));
  const visitor = await world.visitor();
  const { page } = visitor;
  const last = () => new URL(page.url()).pathname.split("/").pop();
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  await page.locator("nav.side a[href='/admin/shops']").click();
  await visitor.follow("tree-shop-new");
  await visitor.fill({ name: world.name("North") });
  await visitor.press("tree-shop-make");
  await visitor.reads(visitor.text("said-shop-made"));
  const north = last();
  await visitor.follow("tree-shop-new-below");
  await visitor.fill({ name: world.name("South") });
  await page.selectOption("#parent_id", north);
  await visitor.press("tree-shop-make");
  await visitor.reads(visitor.text("said-shop-made"));
  const south = last();

  await visitor.open("/admin/series/new");
  await visitor.fill({ name: "Cards", code: world.name("CARDS"), "trigger-threshold": "100" });
  await page.selectOption("#commission-type", "tiered");
  await visitor.fill({ "commission-tiers-0-threshold": "100", "commission-tiers-0-amount": "100" });
  await visitor.fill({ "commission-tiers-1-threshold": "150", "commission-tiers-1-amount": "150" });
  await visitor.press("tree-series-make");
  await visitor.reads(visitor.text("said-series-made"));
  const series = last();
  await visitor.follow("tree-package-new");
  await visitor.fill({ name: "Monthly", code: "M", price: "300", cost_price: "20" });
  await visitor.press("tree-package-make");
  await visitor.reads(visitor.text("said-package-made"));

  await visitor.open(`/admin/grants/new?shop=${north}&series=${series}`);
  await visitor.fill({ "commission_tiers-0-amount": "80", "commission_tiers-1-amount": "120", "packages-0-cost_price": "30" });
  await visitor.press("tree-grant-make");
  await visitor.reads(visitor.text("said-grant-made"));
  const first = page.url();
  await visitor.open(`/admin/grants/new?shop=${south}&series=${series}`);
  await visitor.fill({ "commission_tiers-0-amount": "90", "commission_tiers-1-amount": "100", "packages-0-cost_price": "40" });
  await visitor.press("tree-grant-make");
  await page.locator("#commission_tiers-0-amount[aria-invalid=true]").waitFor();
  await visitor.fill({ "commission_tiers-0-amount": "50" });
  await visitor.press("tree-grant-make");
  await visitor.reads(visitor.text("said-grant-made"));

  await visitor.open(`/admin/shops/${south}/adjust`);
  await visitor.fill({ amount: "500", remark: "paid in" });
  await visitor.press("person-adjust-next");
  await page.locator("button.solid").click();
  await visitor.reads(visitor.text("said-shop-adjusted"));
  await visitor.open("/admin/assets/new");
  await visitor.fill({ identifier: world.name("CARD-0") });
  await page.selectOption("#shop_id", south);
  await page.selectOption("#series_id", series);
  await visitor.press("tree-asset-make");
  await visitor.follow("tree-sell");
  await visitor.fill({ amount: "160" });
  await visitor.press("tree-sell-check-amount");
  await visitor.press("tree-sell-do");
  await visitor.reads(visitor.text("said-sale-made"));
  await world.stack.ask("/_local/audit");
  await page.reload();
  const chain = await page.locator("#chain").locator("xpath=../..").locator("tbody tr").allTextContents();
  assert.match(chain[0].replace(/\s/g, ""), /100CNY/, "the seller's part");
  assert.match(chain[1].replace(/\s/g, ""), /20CNY/, "the parent's part");
  assert.match(chain[2].replace(/\s/g, ""), /30CNY/, "the platform's part");

  await page.goto(first);
  await visitor.fill({ "commission_tiers-1-amount": "90" });
  await visitor.press("tree-save");
  await visitor.reads(visitor.text("tree-affected"));
  await visitor.press("tree-move-too");
  await visitor.reads(visitor.text("said-grant-saved"));
  await visitor.open(`/admin/series/${series}`);
  assert.match(await plainText(page), /100→50·150→90/, "moved with its parent");
});
