// Words of the console, from the files that translators edit: a journey presses what a person reads.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = join(process.env.GUERDON_ROOT, "functions/console/text");

function read(language) {
  const files = readdirSync(folder).filter((name) => name.endsWith(`${language}.ftl`));
  const lines = files.flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  return new Map(lines.map((line) => line.match(/^([a-z0-9-]+) = (.*)$/)).filter(Boolean).map(([, key, text]) => [key, text.trim()]));
}

const known = { en: read("en"), "zh-CN": read("zh-CN") };

/** The texts of a language: `text("account-of", { email })`; a key that is none, or an argument that lacks, is an error. */
export function textsOf(language) {
  return (key, values = {}) => {
    const text = known[language].get(key);
    if (text === undefined || text === "") throw new Error(`${language} has no text ${key} on one line`);
    return text.replace(/\{ \$(\w+) \}/g, (_, name) => {
      if (!(name in values)) throw new Error(`${key} wants ${name}`);
      return values[name];
    });
  };
}
