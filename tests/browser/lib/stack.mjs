// The local stack: its own data folder and port, the clock, the mailbox, the simulators.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";

export const PASSWORD = "correct horse battery";
export const ADMIN = "ci-has-no-secrets";
/** With it, a request says which network it comes from, as one through a CDN does. */
const ORIGIN_SECRET = "browser-suite-origin";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Headers of a request from the N-th network. */
export function network(number) {
  return { "x-origin-secret": ORIGIN_SECRET, "cloudfront-viewer-address": `203.0.${number}.7:4000` };
}

export class Stack {
  static async start(environment = {}) {
    const stack = new Stack();
    const port = await freePort();
    stack.base = `http://127.0.0.1:${port}`;
    stack.folder = mkdtempSync(join(tmpdir(), "guerdon-browser-"));
    stack.log = join(stack.folder, "log");
    const said = openSync(stack.log, "a");
    stack.process = spawn(process.env.LOCAL_STACK, ["--port", String(port), "--data", join(stack.folder, "data")], {
      stdio: ["ignore", said, said],
      env: { ...process.env, GUERDON_ADMIN_PASSWORD: ADMIN, ORIGIN_SECRET, LOG_LEVEL: "warn", ...environment },
    });
    // Who is interrupted leaves no stack behind.
    process.once("exit", () => stack.process.kill("SIGKILL"));
    for (let look = 0; look < 600 && stack.process.exitCode === null; look += 1) {
      const answer = await fetch(`${stack.base}/v1/health`).catch(() => undefined);
      if (answer?.ok) return stack;
      await pause(100);
    }
    throw new Error(`the local stack does not answer:\n${readFileSync(stack.log, "utf8")}`);
  }

  /** Asks the auditor, and stops. */
  async stop() {
    const { findings } = await this.ask("/_local/audit");
    this.process.kill("SIGTERM");
    const [status] = await once(this.process, "exit");
    const log = readFileSync(this.log, "utf8");
    rmSync(this.folder, { recursive: true });
    assert.deepEqual(findings, [], "the auditor");
    assert.equal(status, 0, log);
  }

  /** Sends JSON and expects a success, or the status that is given. */
  async ask(path, { body, method = body === undefined ? "GET" : "POST", token, from = 1, key, headers = {}, status } = {}) {
    const all = { "content-type": "application/json", "idempotency-key": key ?? crypto.randomUUID(), ...network(from), ...headers };
    if (token !== undefined) all.authorization = `Bearer ${token}`;
    const answer = await fetch(this.base + path, { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    const isFine = status === undefined ? answer.ok : answer.status === status;
    assert.ok(isFine, `${method} ${path}: ${answer.status} ${text}`);
    this.etag = answer.headers.get("etag") ?? undefined;
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Moves the clock. */
  async advance({ days = 0, hours = 0, minutes = 0, seconds = 0 }) {
    const all = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
    await this.ask("/_local/clock", { body: { advance_seconds: all } });
  }

  /** A token of the admin; it signs in anew each time, for the clock moves. */
  async admin() {
    const { access_token } = await this.ask("/v1/sessions", { body: { email: "admin@localhost", password: ADMIN }, from: 250 });
    return access_token;
  }

  /** As the admin. */
  async manage(path, body, method) {
    return this.ask(path, { body, method, token: await this.admin() });
  }

  /** Changes an area of the settings, and gives back what it was. */
  async settings(area, change) {
    const token = await this.admin();
    const { settings } = await this.ask(`/v1/admin/settings/${area}`, { token });
    const changed = structuredClone(settings);
    change(changed);
    const headers = { "if-match": this.etag };
    await this.ask(`/v1/admin/settings/${area}`, { method: "PUT", token, body: changed, headers });
    // Settings are kept for a minute, unless somebody touches the clock.
    await this.advance({});
    return settings;
  }

  /** Makes an account; `from` is its network. */
  async person(name, { code, from = 1 } = {}) {
    const email = name.includes("@") ? name : `${name}@example.com`;
    const body = { email, password: PASSWORD, ...(code === undefined ? {} : { referral_code: code }) };
    const made = await this.ask("/v1/registrations", { body, from });
    return { email, id: made.user.id, token: made.session.access_token };
  }

  /** A new token of a person. */
  async token(person) {
    const { access_token } = await this.ask("/v1/sessions", { body: { email: person.email, password: PASSWORD }, from: 249 });
    return access_token;
  }

  /** The invite code of a person. */
  async code(person) {
    return (await this.ask("/v1/referral", { token: person.token })).code;
  }

  /** Pays an order at the simulated provider. */
  async pay(provider, order, notify = "now", more = {}) {
    return this.ask("/_sim/pay", { body: { provider, order_id: order, action: "pay", notify, ...more } });
  }

  /** The last e-mail to an address, once there are `count`. */
  async mail(to, count = 1) {
    for (let look = 0; look < 100; look += 1) {
      const { items } = await this.ask(`/_local/mail?to=${encodeURIComponent(to)}`);
      if (items.length >= count) return items.at(-1);
      await pause(50);
    }
    throw new Error(`no e-mail number ${count} to ${to}`);
  }

  /** The six digits of the last e-mail to an address. */
  async mailedCode(to, count) {
    return (await this.mail(to, count)).text.match(/\b\d{6}\b/)[0];
  }
}
