import assert from "node:assert/strict";
import { test } from "node:test";

import { add, compare, format, isZero, subtract } from "../dist/index.js";

const usd = (amount) => ({ amount, currency: "USD" });

test("sums are exact where floating-point numbers are not", () => {
  assert.deepEqual(add(usd("0.1"), usd("0.2")), usd("0.3"));
  assert.deepEqual(add(usd("99999999999999999.00000001"), usd("0.99999999")), usd("100000000000000000.00000000"));
  assert.deepEqual(subtract(usd("1"), usd("1.25")), usd("-0.25"));
});

test("amounts compare by value and only within a currency", () => {
  assert.equal(compare(usd("1.10"), usd("1.1")), 0);
  assert.equal(compare(usd("-2"), usd("1")), -1);
  assert.ok(isZero(usd("0.00")));
  assert.throws(() => add(usd("1"), { amount: "1", currency: "CNY" }), RangeError);
  assert.throws(() => add(usd("1e2"), usd("1")), RangeError);
});

test("an amount is shown with its own digits", () => {
  assert.equal(format(usd("18.05555554"), "en"), "$18.05555554");
});
