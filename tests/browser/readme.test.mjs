// README's tour "The same in a browser", as it is written: each name in italics is what somebody presses.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { begin } from "./lib/journey.mjs";
import { PASSWORD } from "./lib/stack.mjs";

const { journey } = begin();

/** The ten steps, without their numbers. */
function steps() {
  const readme = readFileSync(join(process.env.GUERDON_ROOT, "README.md"), "utf8");
  const section = readme.split("### The same in a browser\n")[1].split("\n#")[0].replace(/\n +/g, " ");
  return section.split("\n").filter((line) => /^\d+\. /.test(line)).map((line) => line.replace(/^\d+\. /, ""));
}

/** Names in italics, in their order. */
const pressed = (step) => [...step.matchAll(/\*([^*]+)\*/g)].map(([, name]) => name);

journey("the tour of README leads to what it says", {}, async ({ stack, visitor, name }) => {
  for (const area of ["payment", "promotion", "referral"]) {
    await stack.settings(area, (settings) => {
      settings.enabled = true;
      if (area === "referral") settings.qualified.inviter_reward = "3";
    });
  }
  const tour = steps();
  assert.deepEqual(tour.map(pressed).map((names) => names.length), [1, 2, 1, 0, 1, 1, 1, 1, 1, 1], tour.join("\n"));
  const [ann, bob] = [await visitor(), await visitor()];
  const press = (one, what) => one.page.locator("a, button").filter({ hasText: what, visible: true }).first().click();
  const signUp = async (one, who) => {
    await one.fill({ email: `${name(who)}@example.com`, password: PASSWORD });
    await one.press("create-account-do");
    await one.at("/home");
  };
  const named = (index) => pressed(tour[index]);

  await ann.open("/");
  await press(ann, named(0)[0]);
  await signUp(ann, "ann");
  for (const what of named(1)) await press(ann, what);
  await ann.reads(ann.text("code-made"));
  await ann.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await ann.page.locator("button[data-copy=link]", { hasText: named(2)[0] }).click();
  await ann.page.locator("#copied", { hasText: ann.text("copied") }).waitFor();
  await bob.open(await ann.page.evaluate(() => navigator.clipboard.readText()));
  assert.match(await bob.page.inputValue("[name^=referral_code]"), /^[0-9A-Z]{8}$/, "the code is filled in");
  await signUp(bob, "bob");
  await press(bob, named(4)[0]);
  await press(bob, named(5)[0]);
  await bob.page.waitForURL(/\/orders\/ord_/);
  await bob.page.locator(".qr svg[role=img]").waitFor();
  await press(bob, named(6)[0]);
  await bob.page.waitForURL(/\/_sim\//);
  await press(bob, named(7)[0]);
  await bob.page.waitForURL(/\/(orders|payment\/result)/);
  await bob.page.locator("[role=status] .note.ok").waitFor();
  await press(bob, named(8)[0]);
  await bob.at("/home");
  const text = (await bob.page.locator("main").textContent()).replace(/\s/g, "");
  assert.ok(text.includes(tour[8].match(/[\d.]+ USD/)[0].replace(" ", "")), text);
  await stack.ask("/_local/audit");
  await press(ann, named(9)[0]);
  await ann.reads("¥100.00");
  await ann.reads(ann.text("reward-granted"));
});
