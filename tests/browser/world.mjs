// A world in which no page is empty: the people of the table of pages, and what they have done.
import { ADMIN } from "./lib/stack.mjs";

/** Fills a stack; answers the people by name, and what paths are made of. */
export async function fill(stack) {
  const world = { people: {}, orders: {} };
  for (const area of ["payment", "promotion", "referral", "affiliate", "redemption"]) {
    await stack.settings(area, (settings) => (settings.enabled = true));
  }
  await stack.settings("payment", (settings) => (settings.max_orders_per_minute = 100));
  await stack.settings("affiliate", (settings) => (settings.min_cash_withdrawal = "0.1"));
  await stack.settings("referral", (settings) => {
    settings.registration.invitee_reward = "1";
    settings.qualified.inviter_reward = "3";
  });
  const { people } = world;
  const person = async (name, options) => (people[name] = await stack.person(name, { from: Object.keys(people).length + 100, ...options }));
  const ann = await person("ann");
  world.code = await stack.code(ann);
  await person("bob", { code: world.code });
  await person("friend", { code: world.code });
  await person("busy");
  await person("debtor");
  people.admin = { email: "admin@localhost", password: ADMIN, home: "/admin" };
  await pay(stack, world);
  await redeem(stack, world);
  await withdraw(stack, world);
  await stack.ask("/_local/audit");
  world.review = (await stack.manage("/v1/admin/payment/reviews")).items[0].id;
  world.withdrawal = (await stack.manage("/v1/admin/withdrawals?state=requested")).items[0].id;
  world.payout = await gather(stack, world);
  await configure(stack, world);
  for (const name of ["agent", "subagent", "beginner"]) people[name] = { ...(await person(name)), home: "/shop" };
  await sell(stack, world);

  const adjust = (who, amount, remark) => stack.manage(`/v1/admin/users/${who.id}/adjustments`, { amount, remark });
  await adjust(people.bob, "1234567.5", `A gift "with" <marks> & 标点，and a reference-that-is-one-long-word-${"x".repeat(60)}`);
  await adjust(people.bob, "-2.25", "Usage of May");
  await adjust(people.debtor, "2", "A gift");
  await owe(stack, people.debtor);
  const token = await stack.admin();
  for (let count = 1; count <= 23; count += 1) {
    await stack.ask(`/v1/admin/users/${people.busy.id}/adjustments`, { token, body: { amount: `${count}.00000001`, remark: `Gift ${count}` } });
  }
  // Last, so that the bonus is at its first step.
  await person("newcomer");
  await stack.ask("/_local/audit");
  return world;
}

async function order(stack, who, body) {
  return (await stack.ask("/v1/payment/orders", { token: await stack.token(who), body })).id;
}

/** Orders of Bob in every state; Ann's other friend pays a part of the threshold. */
async function pay(stack, { people: { bob, friend }, orders }) {
  const alipay = { provider: "zpay", method: "alipay" };
  orders.paid = await order(stack, bob, { offer_id: "o100", ...alipay });
  await stack.pay("zpay", orders.paid);
  orders.refunded = await order(stack, bob, { amount: "30", provider: "stripe" });
  await stack.pay("stripe", orders.refunded);
  await stack.pay("zpay", await order(stack, friend, { amount: "5", ...alipay }));
  await stack.ask("/_local/audit");
  await stack.manage(`/v1/admin/payment/orders/${orders.refunded}/refunds`, { amount: "10", reason: "goodwill" });
  const short = await order(stack, friend, { offer_id: "o100", ...alipay });
  await stack.pay("zpay", short, "now", { amount: "60.00" });
  orders.expired = await order(stack, bob, { offer_id: "o10", ...alipay });
  await stack.advance({ minutes: 31 });
  await stack.ask("/_local/run/expire-orders", { method: "POST" });
  orders.cancelled = await order(stack, bob, { offer_id: "o50", ...alipay });
  await stack.ask(`/v1/payment/orders/${orders.cancelled}/cancel`, { method: "POST", token: await stack.token(bob) });
  // The clock has moved, so schedules ask providers, too: more faults than the order needs.
  for (let call = 0; call < 40; call += 1) await stack.ask("/_local/faults", { body: { operation: "Provider", nth: 0, fault: "refused" } });
  orders.failed = await order(stack, bob, { offer_id: "o50", provider: "stripe" });
  await stack.ask("/_local/faults", { body: {} });
  orders.card = await order(stack, bob, { offer_id: "o500", provider: "stripe" });
  orders.pending = await order(stack, bob, { offer_id: "o100", ...alipay });
}

async function redeem(stack, world) {
  const plan = await stack.manage("/v1/admin/plans", { name: "Pro", quota: 0, on_sale: true, traffic_bytes: 1_000_000_000 });
  world.plan = plan.id;
  const token = await stack.token(world.people.bob);
  for (const more of [{ credit: "5" }, { plan_id: plan.id, unit: "month", quantity: 1 }]) {
    const { codes } = await stack.manage("/v1/admin/redemption/batches", { label: "world", count: 1, total_uses: 1, ...more });
    world.redemption = (await stack.ask("/v1/redemptions", { token, body: { code: codes[0] } })).id;
  }
}

/** A payout batch of one withdrawal; the one that waits is left out of it, by its way of payout. */
async function gather(stack, world) {
  const { id } = await stack.manage("/v1/me");
  await stack.manage("/v1/admin/commissions", { user_id: id, amount: "5", reason: "A campaign" });
  const token = await stack.admin();
  const payout = { method: "paypal", account: "admin@example.com", name: "Ada Admin" };
  await stack.ask("/v1/affiliate/withdrawals", { token, body: { amount: "1.5", to: "cash", payout } });
  return (await stack.manage("/v1/admin/payout-batches", { method: "paypal" })).id;
}

async function withdraw(stack, world) {
  const token = await stack.token(world.people.ann);
  world.label = (await stack.ask("/v1/affiliate/codes", { token, body: { label: "Blog of May" } })).code;
  const ask = (body) => stack.ask("/v1/affiliate/withdrawals", { token, body });
  await ask({ amount: "0.25", to: "balance" });
  await ask({ amount: "0.3", to: "cash", payout: { method: "bank", account: "DE0012345678" } });
}

/** What staff have made: a stopped batch, a key, a webhook with deliveries, a change of settings. */
async function configure(stack, world) {
  const batches = "/v1/admin/redemption/batches";
  const made = await stack.manage(batches, { label: "Spring & <summer> sale", count: 12, total_uses: 3, plan_id: world.plan, unit: "half_year", quantity: 1 });
  world.batch = made.id;
  world.voucher = made.codes[0].replaceAll("-", "");
  await stack.manage(batches, { label: "many", count: 500, credit: "1.00000001", total_uses: 0 });
  world.key = (await stack.manage("/v1/admin/service-keys", { name: "billing of the shop", scopes: ["users:read", "ledger:write"] })).id;
  const url = `${stack.base}/_sim/webhook`;
  world.hook = (await stack.manage("/v1/admin/webhook-endpoints", { url, events: ["order.*", "user.registered"] })).id;
  world.share = (await stack.manage("/v1/admin/commissions")).items[0].id;
  await stack.settings("promotion", (settings) => (settings.tiers[0].percent = "30"));
  await stack.settings("console", (settings) => (settings.support_url = "https://example.com/help"));
}

/** A tree of shops that sells: an agent with a tiered series, a shop below, cards, sales, a withdrawal; and a shop with nothing. */
async function sell(stack, world) {
  const { agent, subagent, beginner } = world.people;
  await stack.settings("agency", (settings) => (settings.enabled = true));
  const shop = async (name, parent_id, user) => (await stack.manage("/v1/shops", { name, parent_id, user_id: user?.id })).id;
  const top = await shop("North Star Communications", null, agent);
  const below = await shop("Corner shop <of> 李雷", top, subagent);
  await shop("Without anybody", below);
  await shop("Beginner", null, beginner);
  const tier = (threshold, amount, dimension, scope) => ({ threshold, amount, dimension, scope });
  const tiers = [tier("3", "60", "sales_count", "self"), tier("150", "150.5", "sales_amount", "self_and_sub")];
  const trigger = { type: "accumulated_recharge", threshold: "10" };
  const series = (await stack.manage("/v1/series", { name: "Travel cards", code: "TRAVEL", commission: { type: "tiered", tiers }, trigger })).id;
  const forced_recharge = { enabled: true, amount: "100" };
  const first = (await stack.manage("/v1/series", { name: "First cards", code: "FIRST", commission: { type: "fixed", amount: "30" }, trigger: { type: "first_recharge", threshold: "50" }, forced_recharge })).id;
  const packages = [];
  for (const [name, code, price, cost_price] of [["30 days, 10 GB", "M10", "50", "10"], ["One year, unlimited & worldwide", "Y-ALL", "1234.56", "480.25"]]) {
    packages.push((await stack.manage(`/v1/series/${series}/packages`, { name, code, price, cost_price })).id);
  }
  const grant = async (shop_id, series_id, more) => (await stack.manage("/v1/shop-series-grants", { shop_id, series_id, ...more })).id;
  const own = (low, high) => ({ commission_tiers: [{ threshold: "3", amount: low }, { threshold: "150", amount: high }] });
  const at = (...costs) => ({ packages: costs.map((cost_price, place) => ({ package_id: packages[place], cost_price })) });
  const held = await grant(top, series, { ...own("50", "120"), ...at("12", "500") });
  await grant(top, first, { commission_amount: "20" });
  const given = await grant(below, series, { ...own("30", "100"), ...at("20") });
  const asset = async (identifier, shop_id, series_id = series) => (await stack.manage("/v1/assets", { kind: "card", identifier, shop_id, series_id })).id;
  const card = await asset("8986-0012-3456-7890-1234", below);
  const forced = await asset("FIRST-0001", top, first);
  await asset("IMEI:35-209900-176148-1", top);
  for (const one of [top, below]) await stack.manage(`/v1/admin/shops/${one}/adjustments`, { amount: "2500", remark: "Paid in" });
  const token = await stack.token(subagent);
  const order = (body) => stack.ask("/v1/agency/orders", { token, body: { asset_id: card, ...body } });
  const sale = (await order({ kind: "purchase", package_ids: [packages[0]], payment: "wallet" })).id;
  await order({ kind: "recharge", amount: "200.5", payment: "wallet" });
  const waiting = (await order({ kind: "recharge", amount: "75", payment: "online", provider: "zpay", method: "alipay" })).id;
  await stack.ask("/_local/audit");
  await stack.ask("/v1/agency/wallet/withdrawals", { token, body: { amount: "20", payout: { method: "bank", account: "DE0012345678" } } });
  world.agency = { top, below, series, first, packages, held, given, card, forced, sale, waiting };
}

/** Somebody who spends what was credited, and whose payment comes back. */
async function owe(stack, who) {
  const id = await order(stack, who, { offer_id: "o50", provider: "zpay" });
  await stack.pay("zpay", id);
  await stack.ask("/_local/audit");
  const { balance } = await stack.ask("/v1/me", { token: await stack.token(who) });
  await stack.manage(`/v1/admin/users/${who.id}/adjustments`, { amount: `-${balance.amount}`, remark: "Spent" });
  await stack.manage(`/v1/admin/payment/orders/${id}/refunds`, { amount: "50", reason: "goodwill" });
}
