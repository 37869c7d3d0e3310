import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { GuerdonClient, ProblemError } from "../dist/index.js";

function answer(status, body, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers });
}

function problem(status, code, headers) {
  return answer(status, { type: `urn:guerdon:problem:${code}`, title: code, status, code }, headers);
}

/** A client whose requests get these answers; returns what was sent. */
function played(answers, options = {}) {
  const sent = [];
  const fetch = async (url, init) => {
    sent.push({ url, method: init.method, headers: { ...init.headers }, body: init.body });
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return typeof next === "function" ? next(sent.at(-1)) : next;
  };
  return [new GuerdonClient({ baseUrl: "http://api.test", fetch, ...options }), sent];
}

test("a POST keeps its key over all attempts", async () => {
  const lost = new TypeError("fetch failed");
  const busy = problem(503, "outcome_unknown", { "retry-after": "0" });
  const [client, sent] = played([lost, busy, answer(201, { id: "ord_1" }, { "idempotency-replayed": "true" })]);
  const made = await client.post("/v1/payment/orders", { body: { offer_id: "o100", provider: "zpay" } });
  assert.deepEqual([made.data.id, made.replayed, sent.length], ["ord_1", true, 3]);
  assert.equal(new Set(sent.map((one) => one.headers["idempotency-key"])).size, 1);
});

test("every POST of the document has a key, a new one for each call, and nothing else has one", async () => {
  const { paths } = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8"));
  const keys = new Set();
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      const [client, sent] = played([answer(200, {})]);
      await client[method](path, { path: { id: "x", code: "x", area: "payment" }, body: {} });
      const key = sent[0].headers["idempotency-key"];
      assert.equal(key !== undefined, method === "post", `${method} ${path}`);
      if (key !== undefined) assert.ok(!keys.has(key) && keys.add(key));
    }
  }
  assert.ok(keys.size > 40);
});

test("a limit is waited for as long as Retry-After says", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const limited = problem(429, "rate_limited", { "retry-after": "7" });
  const [client, sent] = played([limited, answer(200, { id: "usr_1" })]);
  const asked = client.get("/v1/me");
  await turn();
  t.mock.timers.tick(6_999);
  await turn();
  assert.equal(sent.length, 1);
  t.mock.timers.tick(1);
  assert.deepEqual([(await asked).data.id, sent.length], ["usr_1", 2]);
});

test("a PUT whose connection was lost is not repeated", async () => {
  const [client, sent] = played([new TypeError("fetch failed")]);
  const plan = { name: "n", quota: 1, on_sale: true };
  await assert.rejects(client.put("/v1/admin/plans/{id}", { path: { id: "pln_1" }, body: plan, ifMatch: "1" }), TypeError);
  assert.deepEqual([sent.length, sent[0].url, sent[0].headers["if-match"]], [1, "http://api.test/v1/admin/plans/pln_1", "1"]);
});

test("a refusal is thrown as it came, and a longer wait than the patience is not waited for", async () => {
  const [client, sent] = played([problem(409, "code_used_up"), problem(429, "rate_limited", { "retry-after": "3600" })]);
  const redeem = () => client.post("/v1/redemptions", { body: { code: "x" } });
  await assert.rejects(redeem(), (error) => error instanceof ProblemError && error.code === "code_used_up");
  await assert.rejects(redeem(), (error) => error.code === "rate_limited" && error.retryAfter === 3600);
  assert.equal(sent.length, 2);
});

test("parallel requests refresh an expired token once", async () => {
  const kept = [];
  let refreshes = 0;
  const each = (request) => {
    if (request.url.endsWith("/v1/sessions/refresh")) {
      refreshes += 1;
      return answer(200, { access_token: "new", refresh_token: "next", expires_in: 900 });
    }
    const isNew = request.headers.authorization === "Bearer new";
    return isNew ? answer(200, { id: "usr_1" }) : problem(401, "token_expired");
  };
  const [client] = played(Array(40).fill(each), {
    tokens: { access_token: "old", refresh_token: "first" },
    onTokens: (tokens) => kept.push(tokens),
  });
  const all = await Promise.all(Array.from({ length: 8 }, () => client.get("/v1/me")));
  assert.ok(all.every((one) => one.data.id === "usr_1"));
  assert.deepEqual([refreshes, kept], [1, [{ access_token: "new", refresh_token: "next" }]]);
});

test("a session that is over is told, and asked only once", async () => {
  const kept = [];
  const answers = [problem(401, "token_expired"), problem(401, "unauthenticated")];
  const [client, sent] = played(answers, {
    tokens: { access_token: "old", refresh_token: "first" },
    onTokens: (tokens) => kept.push(tokens),
  });
  await assert.rejects(client.get("/v1/me"), (error) => error.code === "unauthenticated");
  assert.deepEqual([kept, sent.length], [[undefined], 2]);
});

test("an answer of a proxy is a problem too", async () => {
  const [client] = played([new Response("<html>", { status: 502 })]);
  await assert.rejects(client.get("/v1/health"), (error) => error instanceof ProblemError && error.status === 502);
});
