/** Components that only show: texts, pictures, tables, documents, frames. Nothing that a form says becomes code. */

import { append, h, idOf, safe } from "../dom.js";
import type { Child } from "../dom.js";
import { shown } from "../texts.js";
import { isObject, textOf } from "../wire.js";
import type { Json } from "../wire.js";
import { labelOf } from "./host.js";
import type { Draw } from "./host.js";

const INLINE = /\\([\\`*_{}[\]()#+.!<>~-])|`([^`\n]{1,500})`|\[([^[\]\n]{1,500})\]\(([^()\s]{1,2000})\)|\*\*([^*\n]{1,1000})\*\*|__([^_\n]{1,1000})__|\*([^*\n]{1,1000})\*|(?<![A-Za-z0-9])_([^_\n]{1,1000})_(?![A-Za-z0-9])/g;

const link = (address: string, ...children: Child[]): HTMLElement => {
  const url = safe(address);
  return url ? h("a", { href: url, rel: "noopener noreferrer", target: /^https?:/.test(url) ? "_blank" : null }, ...children) : h("span", {}, ...children);
};

/** The line of a text: emphasis, code and links. */
const line = (text: string): Child[] => {
  const made: Child[] = [];
  let end = 0;
  for (const m of text.matchAll(INLINE)) {
    made.push(text.slice(end, m.index));
    end = m.index + m[0].length;
    const strong = m[5] ?? m[6];
    const em = m[7] ?? m[8];
    if (m[1]) made.push(m[1]);
    else if (m[2]) made.push(h("code", {}, m[2]));
    else if (m[3]) made.push(link(m[4]!, ...line(m[3])));
    else if (strong) made.push(h("strong", {}, ...line(strong)));
    else if (em) made.push(h("em", {}, ...line(em)));
  }
  made.push(text.slice(end));
  return made;
};

/** The part of Markdown that texts may use: headings, paragraphs, lists, lines, emphasis, code, links. */
export const markdown = (text: string): HTMLElement[] =>
  text.replaceAll("\r\n", "\n").split(/\n{2,}|\n(?=#{1,6} )|(?<=^#{1,6} .*)\n/m).filter((part) => part.trim()).map((part) => {
    const lines = part.trim().split("\n");
    const heading = /^(#{1,6})[ \t]+(.*?)[ \t#]*$/.exec(part.trim());
    // The page has the first heading.
    if (heading) return h(`h${Math.min(heading[1]!.length + 1, 6)}` as "h2", {}, ...line(heading[2]!));
    if (/^(?:[-*_][ \t]*){3,}$/.test(part.trim())) return h("hr");
    const items = (mark: RegExp): HTMLElement[] => lines.map((each) => h("li", {}, ...line(each.replace(mark, ""))));
    if (lines.every((each) => /^[-*+][ \t]+/.test(each))) return h("ul", {}, items(/^[-*+][ \t]+/));
    if (lines.every((each) => /^\d{1,6}[.)][ \t]+/.test(each))) return h("ol", {}, items(/^\d{1,6}[.)][ \t]+/));
    return h("p", {}, ...line(lines.join("\n")));
  });

const ELEMENTS = new Set(
  ("P BR HR H2 H3 H4 H5 H6 STRONG B EM I U S SMALL SUB SUP MARK CODE PRE BLOCKQUOTE UL OL LI DL DT DD TABLE CAPTION THEAD TBODY TFOOT TR TD TH " +
    "SPAN DIV A IMG FIGURE FIGCAPTION").split(" "),
);
const SILENT = new Set("SCRIPT STYLE TITLE TEXTAREA TEMPLATE IFRAME NOSCRIPT XMP OBJECT EMBED SELECT SVG MATH".split(" "));

/** HTML of authors, from an inert document: elements of a list are made anew, of their attributes only addresses. */
export const sanitised = (content: string): Child[] => {
  const copy = (node: Node, depth: number): Child[] => {
    if (node.nodeType === 3) return [node.textContent ?? ""];
    if (node.nodeType !== 1 || depth > 64) return [];
    const element = node as Element;
    const name = element.tagName.toUpperCase();
    if (SILENT.has(name)) return [];
    const inside = [...element.childNodes].flatMap((each) => copy(each, depth + 1));
    if (name === "H1") return [h("h2", {}, ...inside)];
    if (!ELEMENTS.has(name)) return inside;
    if (name === "A") return [link(element.getAttribute("href") ?? "", ...inside)];
    if (name === "IMG") {
      const src = safe(element.getAttribute("src") ?? "", true);
      return src ? [h("img", { src, alt: element.getAttribute("alt") ?? "" })] : [];
    }
    return [h(name.toLowerCase() as "p", {}, ...inside)];
  };
  const parsed = new DOMParser().parseFromString(content.slice(0, 200_000), "text/html");
  return [...parsed.body.childNodes].flatMap((each) => copy(each, 0));
};

export const textual: Draw = (item) => h("div", { class: "text" }, markdown(item.texts?.["text"] ?? ""));

export const html: Draw = (item) => {
  const made = h("div", { class: "text" });
  append(made, sanitised(item.texts?.["content"] ?? ""));
  return made;
};

export const image: Draw = (item) => {
  const src = safe(item.texts?.["source"] ?? "", true);
  return src ? h("img", { class: "picture", src, alt: item.texts?.["alt"] ?? "" }) : h("span", {}, item.texts?.["alt"] ?? "");
};

export const iframe: Draw = (item) => {
  const src = safe(item.texts?.["url"] ?? "");
  const security = isObject(item.drawn?.["security"]) ? item.drawn["security"] : {};
  const given = (["allowForms", "allowModals", "allowPopups"] as const).filter((name) => security[name] === true);
  // Scripts of the page's own origin could take the sandbox away: never both.
  if (security["allowScripts"] === true && security["allowSameOrigin"] !== true) given.push("allowScripts" as "allowForms");
  const sandbox = given.map((name) => name.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`)).join(" ");
  return h("div", { class: "framed" }, h("p", { id: idOf(item.id, "frame") }, labelOf(item)),
    /^https?:/.test(src) && h("iframe", { src, sandbox, "aria-labelledby": idOf(item.id, "frame"), height: Number(item.drawn?.["height"] ?? 300), referrerpolicy: "no-referrer", loading: "lazy" }));
};

const cell = (value: Json | undefined, language: string): string =>
  value === undefined || value === null ? "" : isObject(value) || Array.isArray(value) ? textOf(value) : shown(value, language);

export const table: Draw = (item, host) => {
  const rows = (Array.isArray(item.data) ? item.data : []).slice(0, 1_000).filter(isObject);
  const given = (Array.isArray(item.columns) ? item.columns : []).filter(isObject);
  const columns = given.length ? given : Object.keys(rows[0] ?? {}).map((key) => ({ key, label: key }));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": labelOf(item) }, h("table", {},
    h("caption", {}, labelOf(item)),
    h("thead", {}, h("tr", {}, columns.map((each) => h("th", { scope: "col" }, cell(each["label"], host.language))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((each) => h("td", {}, cell(row[String(each["key"])], host.language))))))));
};

export const documents: Draw = (item) => {
  const all = (Array.isArray(item.data) ? item.data : [item.data ?? null]).filter(isObject);
  const lines = all.map((each) => {
    const metadata = isObject(each["metadata"]) ? each["metadata"] : {};
    const name = each["name"] ?? each["fileName"] ?? metadata["fileName"] ?? each["id"] ?? each["documentId"] ?? "";
    const url = each["url"] ?? each["endpoint"];
    return h("li", {}, typeof url === "string" ? link(url, textOf(name)) : textOf(name));
  });
  return h("div", { class: "documents" }, h("p", {}, item.texts?.["title"] ?? labelOf(item)), h("ul", {}, lines));
};

export const spacer: Draw = () => h("div", { class: "spacer", "aria-hidden": "true" });
export const separator: Draw = () => h("hr");

export const computed: Draw = (item, host) =>
  h("input", { type: "hidden", "data-path": item.path ?? "", value: cell(item.value, host.language), disabled: true });
