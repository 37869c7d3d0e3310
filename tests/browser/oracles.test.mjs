// The suite's own oracles bite: what is wrong with a page is seen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, Visitor } from "./lib/browser.mjs";
import { geometry } from "./lib/geometry.mjs";
import { look } from "./lib/look.mjs";
import { Stack } from "./lib/stack.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const BROKEN = {
  "text over text": `<p>One line of text</p><p style="margin-top:-40px">Another line of text</p>`,
  "a badge over text": `<div style="position:relative"><b>A heading of its own</b><i style="position:absolute;left:10px;top:0">Popular</i></div>`,
  "a button that is too small": `<button style="width:40px;white-space:nowrap;border:1px solid">Create account</button>`,
  "a word that is too long": `<div style="width:100px">${"x".repeat(80)}</div>`,
  "text that is cut off": `<div style="overflow:hidden;width:60px;white-space:nowrap">A long line of text</div>`,
  "a label over its field": `<label>E-mail of a person</label><input style="margin-left:-60px">`,
  "text outside the page": `<div style="white-space:nowrap">${"word ".repeat(400)}</div>`,
};
const FINE = `<h1>Heading</h1><p>A line with <b>bold</b>, <i>small</i> and <a href="/">linked</a> text that wraps over several lines, ${"word ".repeat(60)}</p>
  <table><tr><td>One</td><td>Two</td></tr></table><label>E-mail <input></label>
  <div style="overflow-x:auto;width:100px;white-space:nowrap" tabindex="0">${"word ".repeat(60)}</div>
  <span style="position:absolute;width:1px;height:1px;overflow:hidden">For screen readers</span>`;

test("geometry sees text that overlaps or leaves its box, and nothing else", async () => {
  const page = await browser.newPage();
  for (const [what, html] of Object.entries(BROKEN)) {
    await page.setContent(html);
    assert.notDeepEqual(await page.evaluate(geometry), [], what);
  }
  await page.setContent(FINE);
  assert.deepEqual(await page.evaluate(geometry), []);
  await page.close();
});

test("axe, sideways scroll, console, policy and other origins are seen", async () => {
  const stack = await Stack.start();
  const visitor = await Visitor.of(browser, stack);
  await visitor.open("/sign-in");
  await visitor.page.evaluate(() => {
    console.log("said");
    document.querySelector("label").remove();
    const bar = document.createElement("div");
    bar.style.width = "3000px";
    bar.style.height = "9px";
    document.querySelector("main").append(bar);
    const image = document.createElement("img");
    image.src = "http://localhost:1/elsewhere.png";
    document.body.append(image);
  });
  await visitor.page.waitForTimeout(300);
  const found = (await look(visitor.page, "oracle")).join("\n");
  for (const what of [/px sideways/, /\blabel \(/, /image-alt/]) assert.match(found, what);
  const said = visitor.found.join("\n");
  for (const what of [/says said/, /CSP: img-src/]) assert.match(said, what);
  await assert.rejects(visitor.close());
  await stack.stop();
});
