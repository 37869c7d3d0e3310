// A world in which no page is empty: the people of the table of pages, and what they have done.

/** Fills a stack; answers the people by name, and what paths are made of. */
export async function fill(stack) {
  const world = { people: {} };
  for (const area of ["payment", "promotion", "referral", "affiliate", "redemption"]) {
    await stack.settings(area, (settings) => (settings.enabled = true));
  }
  await stack.settings("referral", (settings) => {
    settings.registration.invitee_reward = "1";
    settings.qualified.inviter_reward = "3";
  });
  const person = async (name, options) => (world.people[name] = await stack.person(name, { from: Object.keys(world.people).length + 100, ...options }));
  const ann = await person("ann");
  world.code = await stack.code(ann);
  const bob = await person("bob", { code: world.code });
  await person("newcomer");
  const debtor = await person("debtor");
  const busy = await person("busy");

  const order = await stack.ask("/v1/payment/orders", { token: bob.token, body: { offer_id: "o100", provider: "zpay" } });
  await stack.pay("zpay", order.id);
  world.paid = order.id;
  const adjust = (who, amount, remark) => stack.manage(`/v1/admin/users/${who.id}/adjustments`, { amount, remark });
  await adjust(bob, "1234567.5", `A gift "with" <marks> & 标点，and a reference-that-is-one-long-word-${"x".repeat(60)}`);
  await adjust(bob, "-2.25", "Usage of May");
  await adjust(debtor, "2", "A gift");
  await owe(stack, debtor);
  const token = await stack.admin();
  for (let count = 1; count <= 23; count += 1) {
    await stack.ask(`/v1/admin/users/${busy.id}/adjustments`, { token, body: { amount: `${count}.00000001`, remark: `Gift ${count}` } });
  }
  await stack.ask("/_local/audit");
  return world;
}

/** Somebody who spends what was credited, and whose payment comes back. */
async function owe(stack, who) {
  const order = await stack.ask("/v1/payment/orders", { token: who.token, body: { offer_id: "o50", provider: "zpay" } });
  await stack.pay("zpay", order.id);
  await stack.ask("/_local/audit");
  const { balance } = await stack.ask("/v1/me", { token: who.token });
  await stack.manage(`/v1/admin/users/${who.id}/adjustments`, { amount: `-${balance.amount}`, remark: "Spent" });
  await stack.manage(`/v1/admin/payment/orders/${order.id}/refunds`, { amount: "50", reason: "goodwill" });
}

