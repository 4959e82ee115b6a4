/** What a page loads as `player.js`: the element is known, and a page of the server is taken over. */

import { define } from "./element.js";
import { enhance } from "./enhance.js";

export * from "./index.js";

define();
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => enhance(document));
else enhance(document);
