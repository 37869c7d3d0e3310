// The tour against the local stack: BASE and ADMIN_PASSWORD say where it is.
import assert from "node:assert/strict";
import { test } from "node:test";

import { GuerdonClient, compare } from "../dist/index.js";

const { BASE, ADMIN_PASSWORD } = process.env;
const skip = BASE === undefined ? "no local stack" : false;

async function local(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(BASE + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

test("sign up, order, pay, poll, redeem, refresh", { skip }, async () => {
  const admin = new GuerdonClient({ baseUrl: BASE });
  const signedIn = await admin.post("/v1/sessions", { body: { email: "admin@localhost", password: ADMIN_PASSWORD } });
  admin.signIn(signedIn.data);
  for (const area of ["payment", "promotion", "referral"]) {
    const { data, etag } = await admin.get("/v1/admin/settings/{area}", { path: { area } });
    const body = { ...data.settings, enabled: true };
    await admin.put("/v1/admin/settings/{area}", { path: { area }, body, ifMatch: etag });
  }
  const bob = new GuerdonClient({ baseUrl: BASE });
  const email = `bob-${crypto.randomUUID()}@example.com`;
  const { data: made } = await bob.post("/v1/registrations", { body: { email, password: "correct horse battery" } });
  bob.signIn(made.session);
  const ask = { idempotencyKey: crypto.randomUUID(), body: { offer_id: "o100", provider: "zpay" } };
  const { data: order } = await bob.post("/v1/payment/orders", ask);
  const again = await bob.post("/v1/payment/orders", ask);
  assert.deepEqual([again.data.id, again.replayed], [order.id, true]);
  await local("/_sim/pay", { provider: "zpay", order_id: order.id, action: "pay", notify: "twice" });
  let paid = order;
  for (let poll = 0; poll < 100 && paid.status !== "paid"; poll += 1) {
    ({ data: paid } = await bob.get("/v1/payment/orders/{id}", { path: { id: order.id } }));
  }
  assert.equal(paid.status, "paid");
  const batch = { label: "tour", count: 1, credit: "5", total_uses: 1 };
  const { data: codes } = await admin.post("/v1/admin/redemption/batches", { body: batch });
  await bob.post("/v1/redemptions", { body: { code: codes.codes[0] } });
  await assert.rejects(bob.post("/v1/redemptions", { body: { code: codes.codes[0] } }), { code: "already_redeemed" });
  await local("/_local/clock", { advance_seconds: 16 * 60 });
  const all = await Promise.all(Array.from({ length: 5 }, () => bob.get("/v1/me")));
  assert.ok(all.every(({ data }) => data.id === made.user.id && compare(data.balance, paid.total) > 0));
  const { data: list } = await bob.get("/v1/payment/orders", { query: { limit: 1, status: "paid" } });
  assert.deepEqual(list.items.map((item) => item.id), [order.id]);
});
