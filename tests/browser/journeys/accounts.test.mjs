// Journeys 1 to 5: registering, verifying, signing in.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { PASSWORD } from "../lib/stack.mjs";

const { journey } = begin();

async function inviting(stack) {
  await stack.settings("referral", (settings) => {
    settings.enabled = true;
    settings.registration.invitee_reward = "1.5";
  });
}

async function register(visitor, path, email) {
  await visitor.open(path);
  await visitor.fill({ email, password: PASSWORD });
  await visitor.press("create-account-do");
}

journey("1: who follows an invitation finds the code filled in, and the reward at the end", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  await inviting(stack);
  const ann = await stack.person(name("ann"), { from: from() });
  const code = await stack.code(ann);
  const bob = await world.visitor();
  await bob.open(`/register?ref=${code.toLowerCase()}`);
  assert.equal(await bob.page.inputValue("#referral_code"), code);
  assert.ok((await bob.page.textContent("main")).includes(`${bob.text("invited-with")} ${code}`));
  await bob.fill({ email: `${name("bob")}@example.com`, password: PASSWORD });
  await bob.press("create-account-do");
  await bob.at("/home");
  await bob.reads(bob.text("welcome-reward", { amount: "1.5", currency: "USD" }));
  assert.equal((await bob.page.textContent("header .purse .money")).replace(/\s/g, ""), "1.5USD");
  await bob.page.reload();
  assert.equal(await bob.page.getByRole("status").count(), 0, "said once");
  const { items } = await stack.ask("/v1/referral/invitees", { token: await stack.token(ann) });
  assert.equal(items.length, 1);
});

journey("2: a bad code is told and hinders nobody", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  await inviting(stack);
  const blocked = await stack.person(name("blocked"), { from: from() });
  const full = await stack.person(name("full"), { from: from() });
  const codes = { unknown: "NOSUCHCO", "inviter-blocked": await stack.code(blocked), limit: await stack.code(full) };
  await stack.manage(`/v1/admin/users/${blocked.id}/status`, { status: "blocked", reason: "a journey" }, "PUT");
  // The limit counts the friends that were made under it.
  await stack.settings("referral", (settings) => (settings.max_invitees_per_user = 1));
  await stack.person(name("first"), { code: codes.limit, from: from() });
  for (const [reason, code] of Object.entries(codes)) {
    const visitor = await world.visitor();
    await register(visitor, `/register?ref=${code}`, `${name(reason)}@example.com`);
    await visitor.at("/home");
    await visitor.reads(visitor.text(`not-applied-${reason}`));
  }
  await stack.settings("referral", (settings) => (settings.max_invitees_per_user = 0));
});

journey("3: a mailed code finishes the registration, and the invitation survives to there", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  await inviting(stack);
  const ann = await stack.person(name("ann"), { from: from() });
  const code = await stack.code(ann);
  await stack.settings("identity", (settings) => (settings.email_verification = true));
  try {
    const bob = await world.visitor();
    const email = `${name("bob")}@example.com`;
    await register(bob, `/register?ref=${code}`, email);
    await bob.at("/verify");
    assert.ok(!bob.page.url().includes("example.com"), "the address is in no URL");
    const first = await stack.mailedCode(email);
    await bob.fill({ code: first === "000000" ? "000001" : "000000" });
    await bob.press("verify-do");
    await bob.reads(bob.text("field-wrong-code"));
    assert.match(await bob.page.title(), new RegExp(`^${bob.text("error-title", { title: "" })}`));
    await bob.press("resend");
    await bob.reads(bob.text("resent"));
    const second = await stack.mailedCode(email, 2);
    await bob.fill({ code: ` ${second.slice(0, 3)} ${second.slice(3)} ` });
    await bob.press("verify-do");
    await bob.at("/home");
    await bob.reads(bob.text("welcome-reward", { amount: "1.5", currency: "USD" }));
  } finally {
    await stack.settings("identity", (settings) => (settings.email_verification = false));
  }
  const { items } = await stack.ask("/v1/referral/invitees", { token: await stack.token(ann) });
  assert.equal(items.length, 1);
});

journey("4: who signs in comes to the page that was asked for, if it is one of ours", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  const visitor = await world.visitor();
  await visitor.open("/records?account=commission");
  await visitor.at("/sign-in");
  await visitor.fill({ email: ann.email, password: "not the password" });
  await visitor.press("sign-in");
  await visitor.reads(visitor.text("refused-bad-credentials"));
  assert.equal(await visitor.page.inputValue("#email"), ann.email, "what was entered stays");
  assert.equal(await visitor.page.inputValue("#password"), "", "a password does not");
  await visitor.fill({ password: PASSWORD });
  await visitor.press("sign-in");
  await visitor.at("/records");
  assert.equal(new URL(visitor.page.url()).search, "?account=commission");
  for (const evil of ["//evil.example", "/\\evil.example", "https://evil.example/home", "/forms/registration/sign-out"]) {
    const other = await world.visitor();
    await other.open(`/sign-in?next=${encodeURIComponent(evil)}`);
    await other.fill({ email: ann.email, password: PASSWORD });
    await other.press("sign-in");
    await other.at("/home");
  }
});
