/** What is on a page: `web/player/shown.py` and `forms/view.py`, as JSON. Fields that have their default are left out. */

import type { Program } from "./feel/index.js";
import type { Json, JsonObject } from "./wire.js";

export type Kind = "page" | "check" | "begin" | "open" | "code" | "wait" | "end" | "problem";
export type Texts = Record<string, string>;

export interface Option {
  value: Json;
  label: string;
}

export interface RuleView {
  name: string;
  holds: boolean;
  at: string;
  message: string;
}

export interface Item {
  id: string;
  type: string;
  place: string;
  path?: string;
  kind?: string;
  visible?: boolean;
  readonly?: boolean;
  disabled?: boolean;
  required?: boolean;
  value?: Json;
  texts?: Texts;
  options?: Option[] | null;
  options_from?: string;
  limits?: JsonObject;
  /** How it looks, as its author wrote it. */
  drawn?: JsonObject;
  extensions?: JsonObject;
  rules?: RuleView[];
  children?: Item[];
  rows?: Item[][];
  data?: Json;
  columns?: Json;
}

export interface Page {
  id: string;
  visible: boolean;
  number: number;
  texts: Texts;
  items: Item[];
  rules: RuleView[];
}

export interface View {
  id: string;
  language: string;
  direction: string;
  title: string;
  show_submit: boolean;
  pages: Page[];
  of: number;
  rules: RuleView[];
  missing: string[];
  data: JsonObject;
  zone?: string;
}

export interface Fault {
  path: string;
  rule: string;
  message: string;
  params?: JsonObject;
}

export interface Conflict {
  path: string;
  theirs: Json;
  mine: Json;
}

export interface Answer {
  path: string;
  label: string;
  text: string;
  page: string;
  url: string;
}

export interface Brand {
  name?: string;
  logo?: string;
  variables?: Record<string, string>;
  fonts?: string;
}

export interface Language {
  code: string;
  name: string;
  url: string;
}

export interface Shown {
  kind: Kind;
  language: string;
  direction?: string;
  title?: string;
  task?: string;
  page?: string;
  view?: View | null;
  faults?: Fault[];
  conflicts?: Conflict[];
  answers?: Answer[];
  number?: number;
  of?: number;
  first?: boolean;
  last?: boolean;
  urls?: Record<string, string>;
  csrf?: string;
  brand?: Brand;
  languages?: Language[];
  text?: string;
  params?: Record<string, string>;
  version?: number;
  saved?: boolean;
}

/** The programs of a form: `forms/programs.py`, which says what each part is. */
export interface Programs {
  components?: Record<string, Record<string, Program>>;
  pages?: Record<string, Record<string, Program>>;
  form?: Record<string, Program>;
  ask?: string[];
  server?: boolean;
}

export interface Screen {
  shown: Shown;
  programs?: Programs;
  version: number;
}

/** Every item under some items, in the order of the page. */
export function* walk(items: readonly Item[]): Generator<Item> {
  for (const item of items) {
    yield item;
    yield* walk(item.children ?? []);
    for (const row of item.rows ?? []) yield* walk(row);
  }
}

export const isVisible = (item: Item): boolean => item.visible !== false;

export const pageOf = (view: View, id: string): Page | undefined => view.pages.find((page) => page.id === id);

/** The next visible page, or with -1 the one before. */
export const beside = (view: View, id: string, step: number): Page | undefined => {
  const shown = view.pages.filter((page) => page.visible);
  const at = shown.findIndex((page) => page.id === id);
  return at < 0 ? undefined : shown[at + step];
};
