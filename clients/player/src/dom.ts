/** Elements, made without markup: what is given as text is text. */

type Handler = (event: Event) => void;
export type Child = Node | string | null | undefined | false;
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined | Handler>>;

/** An element with attributes (`true` is an empty one; none, null and false are left out), handlers, and children. */
export const h = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly (Child | readonly Child[])[]
): HTMLElementTagNameMap[K] => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : String(value));
  }
  append(made, children);
  return made;
};

export const append = (to: Node, children: readonly (Child | readonly Child[])[]): void => {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false || child === "") continue;
    to.appendChild(typeof child === "string" ? document.createTextNode(child) : (child as Node));
  }
};

/** Makes the children of an element those of a list, and leaves in place what stays: focus and caret are not lost. */
export const arrange = (parent: Element, wanted: readonly Node[]): void => {
  const keep = new Set(wanted);
  for (const child of [...parent.childNodes]) if (!keep.has(child) && child.parentNode === parent) parent.removeChild(child);
  let at: ChildNode | null = parent.firstChild;
  for (const node of wanted) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
};

/** The id of an element of a field, the same that the server's pages have. */
export const idOf = (path: string, part = ""): string => `f-${path}${part && `-${part}`}`;

/** An address that may be followed: of the web, or mail and telephone; "" for scripts and others. */
export const safe = (address: string, images = false): string => {
  const text = address.trim();
  if (images && /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/.test(text)) return text;
  try {
    const url = new URL(text, document.baseURI);
    const schemes = images ? ["http:", "https:"] : ["http:", "https:", "mailto:", "tel:"];
    return schemes.includes(url.protocol) ? text : "";
  } catch {
    return "";
  }
};
