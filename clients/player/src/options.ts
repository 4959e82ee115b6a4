/** What a player is told when it is made. */

import type { PlayerApi } from "./api.js";
import type { Shelf } from "./outbox.js";
import type { Past } from "./past.js";
import type { JsonObject } from "./wire.js";

export interface PlayerOptions {
  root: Element | ShadowRoot;
  api: PlayerApi;
  /** How the browser's history is kept: addresses of pages, entries without an address, or not at all. */
  past?: Past;
  shelf?: Promise<Shelf>;
  emit?: (name: string, detail: JsonObject) => void;
  /** Called where nothing but the plain page helps: the form to be posted, or null for a page to be loaded again. */
  plain?: (form: HTMLFormElement | null, action: string, address: string) => void;
  /** How long after the last key an answer is saved, and when a page says that it waits for long; in milliseconds. */
  saveAfter?: number;
  longAfter?: number;
}
