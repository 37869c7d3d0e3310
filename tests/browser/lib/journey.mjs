// Journeys: one local stack and one Chromium for each file; a journey that is marked as plain also runs without script.
import { after, before, test } from "node:test";

import { launch, Visitor } from "./browser.mjs";
import { Stack } from "./stack.mjs";

/** With script in English, without in Chinese: both languages are read, and no journey is played four times. */
const WAYS = [
  { script: true, language: "en" },
  { script: false, language: "zh-CN" },
];

/** The smoke part plays each journey with script. */
const isWhole = process.env.GUERDON_BROWSER === "all";

/** What all journeys of a file share. */
export function begin(environment) {
  const shared = {};
  before(async () => {
    [shared.stack, shared.browser] = await Promise.all([Stack.start(environment), launch()]);
  });
  after(async () => {
    await shared.browser?.close();
    await shared.stack?.stop();
  });
  let [networks, played] = [10, 0];

  /**
   * A journey of C9.2. `play` gets the stack, `visitor(options)` for one more browser profile, and `name(who)` for a name that no
   * other journey has.
   */
  shared.journey = (title, { plain = false } = {}, play) => {
    for (const way of WAYS) {
      if (!way.script && !(plain && isWhole)) continue;
      test(`${title}${way.script ? "" : ", without script"}`, async () => {
        const visitors = [];
        const visitor = async (options = {}) => {
          networks += 1;
          const made = await Visitor.of(shared.browser, shared.stack, { from: networks, ...way, ...options });
          visitors.push(made);
          return made;
        };
        played += 1;
        const suffix = played;
        const name = (who) => `${who}-${suffix}`;
        const from = () => (networks += 1);
        let failed = true;
        try {
          await play({ stack: shared.stack, visitor, name, from, way });
          failed = false;
        } finally {
          for (const one of visitors) {
            if (failed) console.error(`was at ${one.page.url()}`);
            await (failed ? one.context.close() : one.close());
          }
        }
      });
    }
  };
  return shared;
}
