// The second factor of an admin (R2.12): set-up with a QR code, sign-in in two steps, password and code once more, removal.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { begin } from "../lib/journey.mjs";
import { look } from "../lib/look.mjs";
import { ADMIN } from "../lib/stack.mjs";

const { journey } = begin();
const PAGE = "/account/second-factor";

/** The six digits that an app shows now for a key in Base32 (RFC 6238). */
function code(key) {
  const bits = [...key].map((symbol) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(symbol).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", bytes).update(step).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, "0");
}

journey("an admin sets up a second factor, signs in with it, gives it again, and removes it", { plain: true }, async (world) => {
  const visitor = await world.visitor();
  const { page } = visitor;
  const is = async (one, name) => {
    for (const width of [1280, 360]) {
      await one.page.setViewportSize({ width, height: 800 });
      assert.deepEqual(await look(one.page, `second-factor-${name}.${one.language ?? ""}.${width}`, { script: one.script ?? true }), []);
    }
  };
  await visitor.signIn("admin@localhost", ADMIN, "/admin");
  await visitor.open(PAGE);
  await visitor.fill({ password: ADMIN });
  await visitor.press("second-factor-begin-do");
  await page.locator("#secret").waitFor();
  await is(visitor, "scan");
  await visitor.fill({ totp: code(await page.inputValue("#secret")) });
  await visitor.press("second-factor-confirm-do");
  await page.locator("ul.mono li").first().waitFor();
  await is(visitor, "codes");
  const codes = await page.locator("ul.mono li").allTextContents();
  assert.equal(codes.length, 10);
  await visitor.open(PAGE);
  assert.equal(await page.locator("ul.mono li").count(), 0, "they are shown once");

  const other = await world.visitor();
  await other.open("/sign-in");
  await other.fill({ email: "admin@localhost", password: ADMIN });
  await other.press("sign-in");
  await other.page.locator("#totp").waitFor();
  assert.equal(await other.page.locator("input[type=password]").count(), 0);
  await is(other, "step");
  await other.fill({ totp: codes[0] });
  await other.press("sign-in");
  await other.at("/admin");
  await other.open("/confirm-password?next=%2Fadmin%2Fusers");
  await is(other, "confirm");
  await other.fill({ password: ADMIN, totp: codes[1] });
  await other.press("confirm-password-do");
  await other.at("/admin/users");
  await other.open(PAGE);
  await is(other, "on");
  await other.fill({ "remove-password": ADMIN, "remove-totp": codes[2] });
  await other.press("second-factor-remove-do");
  await other.reads(other.text("second-factor-removed"));
});
