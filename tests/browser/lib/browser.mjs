// Chromium, and what a page must not do in it: say something in the console, break its policy, ask another origin.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

import { network } from "./stack.mjs";
import { textsOf } from "./words.mjs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/** Answers that a journey may bring about by intent; Chromium tells of them as of loads that failed. */
const REFUSED = /the server responded with a status of (403|404|422|429|503)/;

/** Where Chromium is; without one the suite says so and ends with status 3. */
export function place() {
  const found = PLACES.find((path) => existsSync(path));
  if (found !== undefined) return found;
  console.error("There is no Chromium here: apt-get install chromium");
  process.exit(3);
}

export function launch() {
  return chromium.launch({ executablePath: place(), args: ["--no-sandbox"] });
}

/** A visitor: a browser profile of its own, with its network. */
export class Visitor {
  static async of(browser, stack, options = {}) {
    const { language = "en", script = true, width = 1280, theme = "light", from = 9, locale, allowed = [], ...rest } = options;
    const visitor = new Visitor();
    visitor.stack = stack;
    visitor.text = textsOf(language);
    visitor.script = script;
    visitor.found = [];
    visitor.allowed = allowed;
    visitor.context = await browser.newContext({
      baseURL: stack.base,
      locale: locale ?? language,
      colorScheme: theme,
      javaScriptEnabled: script,
      // Where no script runs, a press waits in vain for a transition between pages to end.
      reducedMotion: script ? "no-preference" : "reduce",
      viewport: { width, height: 800 },
      timezoneId: "Asia/Shanghai",
      extraHTTPHeaders: network(from),
      ...rest,
    });
    visitor.context.setDefaultTimeout(15_000);
    await visitor.context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
    });
    visitor.context.on("page", (page) => visitor.watch(page));
    visitor.page = await visitor.context.newPage();
    return visitor;
  }

  /** Watches what a page does. */
  watch(page) {
    const documents = new Set();
    const say = (what) => {
      if (!this.allowed.some((pattern) => pattern.test(what))) this.found.push(`${page.url()}: ${what}`);
    };
    page.on("request", (request) => {
      if (request.isNavigationRequest() && request.frame() === page.mainFrame()) documents.add(request.url());
      const url = new URL(request.url());
      if (/^https?:$/.test(url.protocol) && url.origin !== this.stack.base) say(`asks ${request.url()}`);
    });
    page.on("console", (message) => {
      // The simulated providers' pages are not ours.
      if (page.url().startsWith(`${this.stack.base}/_sim/`)) return;
      const isPage = documents.has(message.location().url);
      if (!(isPage && REFUSED.test(message.text()))) say(`says ${message.text()}`);
    });
    // Chromium tells of transitions between pages that do not come about: to a page without them, such as a provider's, and to one that
    // is shown before its transition is ready. The page is there all the same.
    const skipped = /ViewTransition opt-in disabled|Transition was aborted because of invalid state/;
    page.on("pageerror", (error) => skipped.test(error) || say(`fails: ${error}`));
  }

  async open(path) {
    return this.page.goto(path);
  }

  /** Presses a button by the key of its text. */
  async press(key, values) {
    await this.page.getByRole("button", { name: this.text(key, values), exact: true }).filter({ visible: true }).first().click();
  }

  /** Follows a link by the key of its text. */
  async follow(key, values) {
    await this.page.getByRole("link", { name: this.text(key, values), exact: true }).filter({ visible: true }).first().click();
  }

  /** Fills fields by their ids. */
  async fill(values) {
    for (const [id, value] of Object.entries(values)) await this.page.fill(`#${id}`, value);
  }

  /** Waits until the page is at a path, whatever its query. */
  async at(path) {
    await this.page.waitForURL((url) => url.pathname === path);
    await this.page.waitForLoadState();
  }

  /** Waits until a text can be read. */
  async reads(text) {
    await this.page.getByText(text).first().waitFor();
  }

  async signIn(email, password, done = "/home") {
    await this.open("/sign-in");
    await this.fill({ email, password });
    await this.press("sign-in");
    await this.at(done);
  }

  /** Closes the browser profile; whatever was found on the way fails. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.found, [], "console, policy and requests");
  }
}
