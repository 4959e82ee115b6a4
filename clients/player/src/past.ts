/** The browser's history: an entry for each page, with its address where the page is the server's own. */

export type Past = "addresses" | "entries" | "none";
export interface Place {
  task: string;
  page: string;
}

export class Entries {
  #begun = false;

  constructor(
    readonly kind: Past,
    readonly back: (to: Place) => void,
  ) {
    if (kind !== "none") addEventListener("popstate", this.#pop);
  }

  stop(): void {
    removeEventListener("popstate", this.#pop);
  }

  /** Remembers where the page is; the first entry, and one that is put right, replace. */
  remember(to: Place, address: string | undefined, replace = false): void {
    if (this.kind === "none") return;
    const url = this.kind === "addresses" ? address : undefined;
    if (replace || !this.#begun) history.replaceState({ procession: to }, "", url);
    else history.pushState({ procession: to }, "", url);
    this.#begun = true;
  }

  readonly #pop = (event: PopStateEvent): void => {
    const to = (event.state as { procession?: Place } | null)?.procession;
    if (to) this.back(to);
  };
}
