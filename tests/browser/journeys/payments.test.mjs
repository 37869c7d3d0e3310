// Journeys 6 to 13: topping up.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { PASSWORD } from "../lib/stack.mjs";

const { journey } = begin();

/** A person who is signed in and may top up. */
async function payer(world, options) {
  const { stack, name, from } = world;
  for (const area of ["payment", "promotion"]) await stack.settings(area, (settings) => (settings.enabled = true));
  const person = await stack.person(name("bob"), { from: from() });
  const visitor = await world.visitor(options);
  await visitor.signIn(person.email, PASSWORD);
  const orders = async () => (await stack.ask("/v1/payment/orders", { token: await stack.token(person) })).items;
  const balance = async () => (await stack.ask("/v1/me", { token: await stack.token(person) })).balance.amount;
  return { person, visitor, orders, balance };
}

/** Chooses an amount and a way, and presses the button; answers the order's id. */
async function buy(visitor, { amount, way } = {}) {
  const { page } = visitor;
  await visitor.open("/top-up");
  if (amount !== undefined) await visitor.fill({ amount });
  if (way !== undefined) await page.locator("label.way", { hasText: visitor.text(way) }).click();
  await page.locator("[data-part=pay]").click();
  await page.waitForURL(/\/orders\/ord_/);
  await page.waitForLoadState();
  return new URL(page.url()).pathname.split("/").at(-1);
}

const digits = async (locator) => (await locator.textContent()).replace(/[^0-9.]/g, "");
const total = (page) => page.locator("dd.total").first();

/** Waits for the payment: the script looks by itself, without it somebody presses *Look again*. */
async function paid(visitor) {
  const { page } = visitor;
  const ok = page.locator("[role=status] .note.ok");
  if (visitor.script) return ok.waitFor();
  for (let look = 0; look < 20 && !(await ok.isVisible()); look += 1) await visitor.follow("look-again");
  return ok.waitFor();
}

journey("6: an offer is paid by QR code, and the page shows the result", { plain: true }, async (world) => {
  const { visitor, balance } = await payer(world);
  const { page } = visitor;
  await visitor.follow("nav-top-up");
  await visitor.at("/top-up");
  assert.equal(await page.locator(".ladder li").count(), 4);
  assert.match(await page.locator(".ladder li[aria-current]").textContent(), /30 ?%/);
  assert.equal(await digits(total(page)), "18.05555554", "R4.6: every digit");
  const id = await buy(visitor, { way: "way-alipay" });
  const box = await page.locator(".qr svg[role=img]").boundingBox();
  assert.ok(box.width >= 216 && box.height >= 216, "a phone can read it");
  assert.equal(await digits(total(page)), "18.05555554");
  let loads = 0;
  page.on("request", (request) => (loads += request.isNavigationRequest() ? 1 : 0));
  await world.stack.pay("zpay", id);
  await paid(visitor);
  if (visitor.script) assert.equal(loads, 1, "the change alone brings the page anew");
  assert.equal(await balance(), "18.05555554");
  await visitor.open("/records");
  assert.equal(await page.locator("tbody tr").count(), 2, "top-up and bonus");
});

journey("7: an own amount has its price before it is paid, and a wrong one is refused at its field", { plain: true }, async (world) => {
  const { visitor, orders } = await payer(world);
  const { page } = visitor;
  await visitor.open("/top-up");
  const shown = async (amount) => {
    await visitor.fill({ amount });
    if (!visitor.script) await visitor.press("show-price");
  };
  await shown("36");
  await page.getByRole("button", { name: visitor.text("pay-amount", { amount: "¥36.00" }) }).waitFor();
  assert.equal(await digits(total(page)), "6.5", "36 at 7.2, and 30 %");
  for (const amount of ["0.001", "99999", "abc"]) {
    await shown(amount);
    await page.locator("#amount-error:visible").waitFor();
    assert.equal(await page.getAttribute("#amount", "aria-invalid"), "true", amount);
    // Pressed all the same, it is refused by the route itself.
    await page.locator("[data-part=pay]").click();
    await page.locator(".alert").waitFor();
    await page.locator("#amount-error:visible").waitFor();
    assert.equal(await page.inputValue("#amount"), amount, "what was entered stays");
  }
  assert.equal((await orders()).length, 0);
});

journey("8: a card is paid at the provider, and coming back credits nothing by itself", { plain: true }, async (world) => {
  const { visitor, balance } = await payer(world);
  const { page } = visitor;
  const id = await buy(visitor, { amount: "50", way: "way-card" });
  assert.equal(await page.locator(".qr").count(), 0, "a card scans no code");
  await visitor.open(`/payment/result?order=${id}&status=paid&trade_status=TRADE_SUCCESS`);
  await visitor.at(`/orders/${id}`);
  await visitor.reads(visitor.text("status-pending"));
  assert.equal(await balance(), "0", "the query is not believed");
  await visitor.follow("open-payment");
  await page.getByRole("button", { name: "Pay", exact: true }).click();
  await visitor.at(`/orders/${id}`);
  await paid(visitor);
  const stranger = await world.visitor();
  await stranger.open(`/payment/result?order=${id}`);
  await stranger.reads(stranger.text("result-stranger-todo"));
});

journey("9: pressing twice makes one order, and a changed form that was sent none", {}, async (world) => {
  const { visitor, orders } = await payer(world);
  const { page } = visitor;
  await visitor.open("/top-up");
  // Seals what is asked for, and the value of the press.
  const seal = page.locator("[data-part=pay]");
  const sent = await seal.getAttribute("value");
  await page.locator("[data-part=pay]").dblclick({ noWaitAfter: true });
  await page.waitForURL(/\/orders\/ord_/);
  assert.equal((await orders()).length, 1);
  // Nothing of a page is kept, so *Back* brings a new form; one that a browser kept is the form that was sent.
  await page.goBack();
  await visitor.at("/top-up");
  assert.notEqual(await seal.getAttribute("value"), sent);
  await seal.evaluate((button, kept) => (button.value = kept), sent);
  await visitor.fill({ amount: "50" });
  await page.getByRole("button", { name: visitor.text("pay-amount", { amount: "¥50.00" }) }).click();
  await page.locator(".alert").waitFor();
  assert.ok((await page.textContent(".alert")).includes(visitor.text("refused-idempotency-key-reused")));
  assert.equal((await orders()).length, 1);
});

journey("10: I have paid credits what no webhook told", { plain: true }, async (world) => {
  const { stack } = world;
  const { visitor, balance } = await payer(world);
  const id = await buy(visitor, { way: "way-alipay" });
  await visitor.press("i-have-paid");
  await visitor.reads(visitor.text("looked-nothing"));
  await stack.pay("zpay", id, "never");
  await visitor.press("i-have-paid");
  await visitor.page.locator("[role=status] .note.ok").waitFor();
  assert.equal(await balance(), "18.05555554");
});

journey("11: an order that ran out or was cancelled is credited as late, and one that ran out leaves the bonus", { plain: true }, async (world) => {
  const { stack } = world;
  const { person, visitor, balance } = await payer(world);
  const { page } = visitor;
  const bonus = async () => (await stack.ask("/v1/promotion", { token: await stack.token(person) })).status;
  const first = await buy(visitor, { amount: "72", way: "way-alipay" });
  await stack.advance({ minutes: 31 });
  await stack.ask("/_local/run/expire-orders", { method: "POST" });
  await page.reload();
  await visitor.reads(visitor.text("expired-note"));
  assert.equal(await bonus(), "active", "R5.6");
  await stack.pay("zpay", first);
  await stack.ask("/_local/audit");
  await page.reload();
  await visitor.reads(visitor.text("paid-late"));
  assert.deepEqual([await balance(), await bonus()], ["13", "used"], "R5.2: the step at the time of the payment");
  const second = await buy(visitor, { amount: "72", way: "way-alipay" });
  await visitor.follow("cancel-order");
  await visitor.at(`/orders/${second}/cancel`);
  await visitor.press("cancel-do");
  await visitor.reads(visitor.text("cancelled-note"));
  await stack.pay("zpay", second);
  await stack.ask("/_local/audit");
  await page.reload();
  await visitor.reads(visitor.text("paid-late"));
  assert.equal(await balance(), "23", "the bonus is used once");
});

journey("12: an order that failed is tried again", { plain: true }, async (world) => {
  const { stack } = world;
  const { visitor, orders } = await payer(world);
  const { page } = visitor;
  for (let call = 0; call < 6; call += 1) await stack.ask("/_local/faults", { body: { operation: "Provider", nth: 0, fault: "refused" } });
  const failed = await buy(visitor, { way: "way-card" });
  await visitor.reads(visitor.text("status-failed"));
  await stack.ask("/_local/faults", { body: {} });
  await visitor.press("try-again");
  await page.waitForURL((url) => url.pathname.startsWith("/orders/ord_") && !url.pathname.endsWith(failed));
  await visitor.reads(visitor.text("status-pending"));
  assert.deepEqual((await orders()).map((order) => order.status), ["pending", "failed"]);
});

journey("13: when a step of the bonus ends, ladder and price are the next one's", {}, async (world) => {
  const { stack } = world;
  const { visitor } = await payer(world);
  const { page } = visitor;
  await stack.advance({ hours: 23, minutes: 59, seconds: 40 });
  await visitor.open("/top-up");
  const current = page.locator(".ladder li[aria-current]");
  assert.match(await current.textContent(), /30 ?%/);
  await stack.advance({ seconds: 10 });
  // The page counts by itself, from what it was told; it is told anew.
  await visitor.open("/top-up");
  await page.locator(".ladder li[aria-current]", { hasText: /20 ?%/ }).waitFor({ timeout: 40_000 });
  assert.equal(await digits(total(page)), "16.66666665");
});

/** C9.2: tab order and focus by keyboard alone. */
journey("a top-up by keyboard alone", { plain: true }, async (world) => {
  const { visitor } = await payer(world);
  const { page } = visitor;
  await visitor.open("/top-up");
  const focus = () => page.evaluate(() => {
    const element = document.activeElement;
    const outlined = (one) => one !== null && getComputedStyle(one).outlineStyle !== "none" && parseFloat(getComputedStyle(one).outlineWidth) >= 2;
    const near = [element, element.nextElementSibling, element.closest(".affix, .copy, label")];
    const box = (element.type === "radio" ? element.closest("label") : element).getBoundingClientRect();
    const isSeen = box.top >= 0 && box.bottom <= innerHeight + 1;
    return { id: element.id, name: element.name ?? "", part: element.dataset?.part ?? "", isVisible: near.some(outlined), isSeen, tag: element.localName };
  });
  const stops = [];
  const next = async (is) => {
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press("Tab");
      const at = await focus();
      assert.ok(at.isVisible, `the focus is not seen: ${JSON.stringify(at)}`);
      assert.ok(at.isSeen, `what has the focus is out of sight: ${JSON.stringify(at)}`);
      stops.push(at);
      if (is(at)) return;
    }
    assert.fail(`never reached: ${JSON.stringify(stops)}`);
  };
  await page.keyboard.press("Tab");
  assert.ok((await focus()).isVisible);
  await page.keyboard.press("Enter");
  // Past the menu: the skip link leads to the content.
  await next((at) => at.name.startsWith("offer_id"));
  await page.keyboard.press("ArrowRight");
  await next((at) => at.id === "amount");
  await next((at) => at.name === "provider/method");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await next((at) => at.part === "pay");
  assert.ok(stops.length <= 6, `few stops: ${JSON.stringify(stops)}`);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/orders\/ord_/);
  assert.ok((await page.textContent("h1")).includes("¥500.00"));
  assert.ok((await page.textContent("main")).includes(visitor.text("way-card")));
  await next((at) => at.tag === "a");
});
