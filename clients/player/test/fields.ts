/**
 * Gives verdicts for tests, a line in, a line out: `field` judges one value as it was typed, `view` a whole form,
 * `settle` settles a view for other data; `lengths` are those of IBANs.
 */

import { createInterface } from "node:readline";

import { coerced } from "../src/coerce.js";
import { ibanLengths } from "../src/formats.js";
import { Settler } from "../src/settle.js";
import { walk } from "../src/shown.js";
import type { Item, Programs, View } from "../src/shown.js";
import { judge } from "../src/verdict.js";
import type { Around } from "../src/verdict.js";
import { decode } from "../src/wire.js";
import type { Json, JsonObject } from "../src/wire.js";

interface Question {
  what: "field" | "view" | "settle" | "lengths";
  view: View;
  programs: Programs;
  data: JsonObject;
  value: Json;
  page?: string;
  around: Around;
}

const judged = (view: View, around: Around, page?: string): unknown => {
  const { faults, ask } = judge(view, around, page);
  return { faults: faults.map(({ path, rule }) => [path, rule]), ask };
};

const withTyped = (item: Item, value: Json): Item => (item.path === "f" ? { ...item, value: coerced(item, value) } : item);

const settled = ({ view, programs, data, around }: Question): unknown => {
  const settler = new Settler(programs);
  const result = settler.settle(view, data);
  const seen = result.view.pages.flatMap((page) =>
    [...walk(page.items)].filter((item) => item.visible !== false).map((item) => `${item.place}@${item.path ?? ""}`));
  const pages = result.view.pages.filter((page) => page.visible).map((page) => page.id);
  return { seen, pages, asked: result.ask, ...(judged(result.view, around) as object) };
};

const answer = (question: Question): unknown => {
  const { what, view, around, value, page } = question;
  if (what === "lengths") return ibanLengths();
  if (what === "settle") return settled(question);
  if (what === "view") return judged(view, around, page);
  const pages = view.pages.map((each) => ({ ...each, items: each.items.map((item) => withTyped(item, value)) }));
  return judged({ ...view, pages }, around);
};

for await (const line of createInterface({ input: process.stdin })) {
  let result: unknown;
  try {
    result = answer(decode(line) as unknown as Question);
  } catch (error) {
    result = { failed: String((error as Error).stack) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
