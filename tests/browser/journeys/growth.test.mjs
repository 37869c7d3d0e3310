// Journeys 14 to 16: inviting, earning commission, redeeming codes.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { PASSWORD } from "../lib/stack.mjs";

const { journey } = begin();

journey("14: a code is made, copied and used, and the reward comes when the friend has paid enough", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  for (const area of ["payment", "referral"]) {
    await stack.settings(area, (settings) => {
      settings.enabled = true;
      if (area === "referral") settings.qualified.inviter_reward = "3";
    });
  }
  const ann = await stack.person(name("ann"), { from: from() });
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn(ann.email, PASSWORD);
  await visitor.follow("nav-invite");
  await visitor.at("/invite");
  await visitor.press("make-code");
  await visitor.reads(visitor.text("code-made"));
  const code = await page.inputValue("#code");
  assert.match(code, /^[0-9A-Z]{8}$/);
  const link = new URL(await page.inputValue("#link"));
  assert.equal(link.pathname + link.search, `/register?ref=${code}`);
  if (visitor.script) {
    await visitor.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator("button[data-copy=code]").click();
    await page.locator("#copied", { hasText: visitor.text("copied") }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), code);
    // Refused, the text stays selected and a note says how to copy it.
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
      document.execCommand = () => false;
    });
    await page.locator("button[data-copy=link]").click();
    await page.locator("#copied", { hasText: visitor.text("copy-by-hand") }).waitFor();
    assert.equal(await page.evaluate(() => getSelection().toString()), link.href);
  } else {
    assert.equal(await page.locator("button[data-copy]:visible").count(), 0, "the field can be selected");
  }
  const friend = await stack.person(name("bob"), { code, from: from() });
  const pay = async (amount) => {
    const order = await stack.ask("/v1/payment/orders", { token: friend.token, body: { amount, provider: "zpay" } });
    await stack.pay("zpay", order.id);
    await stack.ask("/_local/audit");
    await visitor.open("/invite");
  };
  await pay("5");
  await visitor.reads(visitor.text("to-go", { amount: "¥15.00" }));
  await pay("15");
  await visitor.reads(visitor.text("reward-granted"));
  const { balance } = await stack.ask("/v1/me", { token: ann.token });
  assert.equal(balance.amount, "3");
  await visitor.open("/invite/rewards");
  await visitor.reads(visitor.text("reward-inviter-qualified"));
});

journey("15: commission is earned by a second code and withdrawn to the balance and in cash", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  for (const area of ["payment", "affiliate"]) {
    await stack.settings(area, (settings) => {
      settings.enabled = true;
      if (area === "affiliate") settings.min_cash_withdrawal = "0.5";
    });
  }
  await stack.settings("referral", (settings) => (settings.enabled = false));
  const ann = await stack.person(name("ann"), { from: from() });
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn(ann.email, PASSWORD);
  await visitor.follow("nav-affiliate");
  await visitor.at("/affiliate");
  await visitor.fill({ label: "Blog" });
  await visitor.press("new-code");
  await visitor.reads(visitor.text("invite-code-made"));
  const row = page.locator("tr", { hasText: "Blog" });
  const code = (await row.locator("td").first().locator(".mono").textContent()).trim();
  const friend = await stack.person(name("bob"), { code, from: from() });
  const order = await stack.ask("/v1/payment/orders", { token: friend.token, body: { offer_id: "o100", provider: "zpay" } });
  await stack.pay("zpay", order.id);
  await stack.ask("/_local/audit");
  await visitor.open("/affiliate");
  assert.ok((await page.textContent("main")).replace(/\s/g, "").includes("1.38888888"), "10 % of the credit");
  const withdraw = async (to, amount) => {
    await visitor.open("/affiliate/withdraw");
    if (to !== undefined) await page.locator(`label:has(input[value="${to}"])`).click();
    await visitor.fill({ amount });
    await visitor.press("withdraw-next");
  };
  await withdraw(undefined, "99");
  await visitor.reads(visitor.text("field-amount-too-much"));
  await withdraw("balance", "0.8");
  await visitor.at("/affiliate/withdraw/confirm");
  assert.ok((await page.textContent("main")).replace(/\s/g, "").includes("0.58888888"), "what stays");
  await visitor.press("withdraw-balance-do");
  await visitor.reads(visitor.text("withdrawn-balance"));
  await withdraw("cash:bank", "0.5");
  await visitor.fill({ "payout-account": "DE0012345678" });
  await visitor.press("withdraw-cash-do");
  await visitor.reads(visitor.text("withdrawn-cash"));
  assert.ok(!(await page.textContent("main")).includes("DE0012345678"), "C4.9: masked");
  await visitor.press("cancel-it");
  await visitor.reads(visitor.text("withdrawal-was-cancelled"));
  const token = await stack.token(ann);
  assert.equal((await stack.ask("/v1/me", { token })).balance.amount, "0.8");
  const { items } = await stack.ask("/v1/affiliate/withdrawals", { token });
  assert.deepEqual(items.map((one) => one.state), ["cancelled", "done"]);
});

journey("16: codes bring plan time and credit, once, and guessing has an end", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  const plan = await stack.manage("/v1/admin/plans", { name: name("Pro"), quota: 0, on_sale: true });
  const batch = async (more) => (await stack.manage("/v1/admin/redemption/batches", { label: name("codes"), count: 1, total_uses: 1, ...more })).codes[0];
  const month = await batch({ plan_id: plan.id, unit: "month", quantity: 1 });
  const credit = await batch({ credit: "5" });
  const ann = await stack.person(name("ann"), { from: from() });
  const visitor = await world.visitor();
  const { page } = visitor;
  await visitor.signIn(ann.email, PASSWORD);
  await visitor.follow("nav-redeem");
  await visitor.at("/redeem");
  const redeem = async (code) => {
    await visitor.fill({ code });
    await visitor.press("redeem-do");
    await visitor.page.locator(".alert, [role=status]").first().waitFor();
  };
  await redeem(month.toLowerCase().replace(/(.{4})/g, "$1 "));
  await visitor.reads(visitor.text("redeemed"));
  await visitor.reads(name("Pro"));
  await redeem(credit);
  assert.ok((await page.textContent("#brought + *, section[aria-labelledby=brought]")).replace(/\s/g, "").includes("5USD"));
  await redeem(credit);
  await visitor.reads(visitor.text("refused-already-redeemed"));
  assert.equal((await stack.ask("/v1/me", { token: await stack.token(ann) })).balance.amount, "5");
  await redeem("AAAA-AAAA-AAAA-AAAA");
  await visitor.reads(visitor.text("refused-code-not-found"));
  // A mistyped code is no guess. One that was deleted is.
  const gone = await batch({ credit: "5" });
  await stack.manage("/v1/admin/redemption/codes/delete", { codes: [gone] });
  for (let tries = 0; tries < 20; tries += 1) {
    await stack.ask("/v1/redemptions", { token: ann.token, body: { code: gone }, status: 404 });
  }
  await redeem(gone);
  assert.ok((await page.textContent(".alert")).match(/\d+/), "how long to wait");
  assert.ok(!(await page.textContent(".alert")).includes(visitor.text("refused-code-not-found")));
});
