// Journeys 17, 22, 23 and 25: settings, codes, accounts, webhooks and keys.
import assert from "node:assert/strict";

import { begin } from "../lib/journey.mjs";
import { ADMIN, PASSWORD } from "../lib/stack.mjs";

const { journey } = begin();

async function staff(world) {
  const visitor = await world.visitor();
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  return visitor;
}

const plainText = async (page) => (await page.textContent("main")).replace(/\s/g, "");

journey("17: programmes are switched on; of two admins who edit one area the second decides", { plain: true }, async (world) => {
  const [ann, bob] = [await staff(world), await staff(world)];
  for (const area of ["referral", "promotion", "affiliate"]) {
    await ann.open(`/admin/settings/${area}`);
    await ann.page.check("#enabled");
    await ann.press("settings-save");
    await ann.reads(ann.text("settings-saved"));
    assert.equal(await ann.page.isChecked("#enabled"), true);
  }
  for (const visitor of [ann, bob]) await visitor.open("/admin/settings/payment");
  await bob.page.check("#enabled");
  await bob.fill({ exchange_rate: "7.3" });
  await bob.press("settings-save");
  await bob.reads(bob.text("settings-saved"));
  await ann.fill({ exchange_rate: "7.4" });
  await ann.press("settings-save");
  await ann.reads(ann.text("settings-meanwhile", { who: "admin@localhost" }));
  assert.equal(await ann.page.inputValue("#exchange_rate"), "7.4");
  assert.match(await plainText(ann.page), /7\.37\.4/);
  await ann.press("settings-save-mine");
  await ann.reads(ann.text("settings-saved"));
  const stored = await world.stack.manage("/v1/admin/settings/payment");
  assert.equal(stored.settings.exchange_rate, "7.4");
  await ann.fill({ exchange_rate: "8" });
  await ann.press("settings-preview");
  await ann.reads(ann.text("settings-would-change"));
  assert.match(await plainText(ann.page), /12\.5USD/);
  await world.stack.settings("payment", (settings) => (settings.exchange_rate = "7.2"));
});

journey("22: a batch of 3 shows its codes, one of 500 its progress; selected codes are deleted", { plain: true }, async (world) => {
  const visitor = await staff(world);
  const { page } = visitor;
  const make = async (count, label) => {
    await visitor.open("/admin/batches/new");
    await visitor.fill({ label, count: String(count), credit: "5" });
    await visitor.press("batch-make");
    await visitor.reads(visitor.text("batch-was-made"));
  };
  await make(3, "three");
  assert.equal(await page.locator("main li.mono").count(), 3);
  const codes = await page.locator("main li.mono").allTextContents();
  const batch = new URL(page.url()).pathname.split("/").pop();
  await make(500, "many");
  await world.stack.ask("/_local/audit");
  await page.reload();
  await visitor.follow("batch-export").catch(() => {});
  await visitor.open(`/admin/codes?batch=${batch}`);
  for (const code of codes.slice(0, 2)) await page.check(`#select-${code.replaceAll("-", "")}`);
  await visitor.press("codes-delete-selected");
  await page.getByText(codes[1]).waitFor();
  await visitor.press("codes-delete-these", { number: "2" });
  await visitor.reads(visitor.text("codes-deleted"));
  await visitor.open(`/admin/codes?batch=${batch}`);
  assert.equal(await page.locator("tbody tr").count(), 1);
  await visitor.open(`/admin/batches/${batch}`);
  await visitor.follow("batch-stop");
  await visitor.press("batch-stop");
  await visitor.reads(visitor.text("batch-was-stopped"));
});

journey("23: an account is adjusted into debt, blocked, unblocked and erased", { plain: true }, async (world) => {
  const bob = await world.stack.person(world.name("bob"), { from: world.from() });
  const own = await world.visitor();
  await own.signIn(bob.email, PASSWORD);
  const visitor = await staff(world);
  const { page } = visitor;
  await visitor.open(`/admin/users?email=${encodeURIComponent(bob.email)}`);
  await page.locator("tbody").getByRole("link", { name: bob.email }).first().click();
  await visitor.follow("person-adjust");
  await visitor.fill({ amount: "-2.5", remark: "a test" });
  await visitor.press("person-adjust-next");
  await visitor.reads(visitor.text("person-debt-note"));
  await page.locator("button.solid").click();
  await visitor.reads(visitor.text("person-adjusted"));
  assert.match(await plainText(page), /2\.5USD/);
  await visitor.fill({ reason: "a test" });
  await visitor.press("person-block");
  await visitor.reads(visitor.text("person-blocked"));
  await own.open("/home");
  await own.at("/sign-in");
  await visitor.fill({ reason: "over" });
  await visitor.press("person-unblock");
  await visitor.reads(visitor.text("person-unblocked"));
  await visitor.follow("person-erase");
  await visitor.fill({ confirm: "somebody@example.com", reason: "asked for it" });
  await page.check("#acknowledge_balance");
  await visitor.press("person-erase-do");
  await page.locator("#confirm[aria-invalid=true]").waitFor();
  await visitor.fill({ confirm: bob.email });
  await visitor.press("person-erase-do");
  await visitor.reads(visitor.text("person-was-erased"));
  await world.stack.ask("/_local/audit");
});

journey("25: secrets are shown once; a failed delivery is replayed", { plain: true }, async (world) => {
  const visitor = await staff(world);
  const { page } = visitor;
  await visitor.open("/admin/keys");
  await visitor.fill({ name: "billing" });
  await page.check("#scope-0");
  await visitor.press("key-make-do");
  assert.match(await page.inputValue("#secret"), /^gdn_/);
  await visitor.open("/admin/keys");
  assert.equal(await page.locator("#secret").count(), 0);
  await visitor.open("/admin/webhooks");
  await visitor.fill({ url: `${world.stack.base}/_sim/webhook` });
  await page.getByLabel("user.registered", { exact: true }).check();
  await world.stack.ask("/_sim/webhook", { method: "PUT", body: { status: 503, times: 1 } });
  await visitor.press("hook-make-do");
  assert.match(await page.inputValue("#secret"), /^whsec_/);
  const path = new URL(page.url()).pathname;
  await world.stack.person(world.name("eve"), { from: world.from() });
  await world.stack.ask("/_local/audit");
  await visitor.open(path);
  assert.equal(await page.locator("#secret").count(), 0);
  assert.match(await plainText(page), /503/);
  await visitor.press("hook-replay");
  await visitor.reads(visitor.text("hook-replayed"));
  await visitor.press("hook-rotate");
  assert.match(await page.inputValue("#secret"), /^whsec_/);
  // The next who plays this hears of their own user alone.
  await visitor.press("hook-disable");
  await visitor.reads(visitor.text("hook-was-disabled"));
});
