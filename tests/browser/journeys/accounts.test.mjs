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
  assert.ok((await bob.page.textContent("main")).includes(bob.text("invited-with", { code })));
  assert.ok((await bob.page.textContent("main")).includes(bob.text("yours-sign-up", { amount: "1.5 USD" })));
  if (world.way.script) {
    // Whether a code is in use is said when its field is left, and hinders nobody.
    for (const [entered, said] of [["NOSUCHCO", "code-unknown"], [code, "code-fine"]]) {
      await bob.fill({ referral_code: entered });
      await bob.page.press("#referral_code", "Tab");
      await bob.reads(bob.text(said));
    }
  }
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

const LONG_CODE = /\b[0-9A-Z]{5}-[0-9A-Z]{5}\b/;

journey("4: after ten wrong passwords from elsewhere a mailed code is asked for, but not on a known device", { plain: true }, async (world) => {
  const { stack, name, from } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  const known = await world.visitor();
  await known.signIn(ann.email, PASSWORD);
  await known.context.clearCookies({ name: "__Host-session" });
  const wrong = { email: ann.email, password: "not the password" };
  for (let tries = 0; tries < 11; tries += 1) await stack.ask("/v1/sessions", { body: wrong, from: from(), status: 401 });
  await known.signIn(ann.email, PASSWORD);
  for (let tries = 0; tries < 11; tries += 1) await stack.ask("/v1/sessions", { body: wrong, from: from(), status: 401 });
  const stranger = await world.visitor();
  await stranger.open("/sign-in?next=%2Frecords");
  assert.equal(await stranger.page.locator("#challenge_code").count(), 0);
  await stranger.fill({ email: ann.email, password: PASSWORD });
  await stranger.press("sign-in");
  await stranger.page.locator("#challenge_code").waitFor();
  const code = (await stack.mail(ann.email)).text.match(LONG_CODE)[0];
  await stranger.fill({ password: PASSWORD, challenge_code: code });
  await stranger.press("sign-in");
  await stranger.at("/records");
});

journey("5: a reset password signs out every browser, by the code and by the link", { plain: true }, async (world) => {
  const { stack, name, from, way } = world;
  const ann = await stack.person(name("ann"), { from: from() });
  const [first, second] = [await world.visitor(), await world.visitor()];
  for (const one of [first, second]) await one.signIn(ann.email, PASSWORD);
  const reset = async (visitor, email) => {
    await visitor.open("/sign-in");
    await visitor.follow("forgot-password");
    await visitor.at("/reset");
    await visitor.fill({ email });
    await visitor.press("reset-ask");
    await visitor.reads(visitor.text("reset-mailed"));
  };
  const visitor = await world.visitor();
  await reset(visitor, "nobody@example.com");
  await reset(visitor, ann.email);
  assert.equal(await visitor.page.inputValue("#email"), ann.email, "it need not be typed again");
  const code = (await stack.mail(ann.email)).text.match(LONG_CODE)[0];
  await visitor.fill({ code: code.toLowerCase().replace("-", " "), password: "a better password" });
  await visitor.press("reset-set");
  await visitor.at("/sign-in");
  await visitor.reads(visitor.text("reset-done"));
  for (const one of [first, second]) {
    await one.open("/home");
    await one.at("/sign-in");
  }
  await first.signIn(ann.email, "a better password");
  if (!way.script) return;
  await reset(visitor, ann.email);
  const link = (await stack.mail(ann.email, 2)).text.match(/https?:\/\/\S+#token=\S+/)[0];
  const other = await world.visitor();
  await other.page.goto(link);
  await other.page.locator("form[data-token] #password:visible, #password:visible").first().fill("the best password");
  assert.ok(!other.page.url().includes("token"), "the token leaves the address");
  await other.press("reset-set");
  await other.at("/sign-in");
  await first.open("/home");
  await first.at("/sign-in");
  await other.signIn(ann.email, "the best password");
});
