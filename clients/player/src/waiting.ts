/** While the process works: the page is told of what comes, and a wait that is long says so. */

import type { PlayerApi } from "./api.js";
import { Live } from "./live.js";
import type { Screen, Shown } from "./shown.js";

export class Waiting {
  long = false;
  #live: Live | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly api: PlayerApi,
    readonly longAfter: number,
    readonly arrived: (screen: Screen) => void,
    readonly tooLong: () => void,
  ) {}

  /** Begins where a page waits, and ends where it does not. */
  follow(shown: Shown): void {
    if (shown.kind !== "wait") this.stop();
    else if (!this.#live) this.#start(shown);
  }

  stop(): void {
    this.#live?.stop();
    this.#live = null;
    this.long = false;
    clearTimeout(this.#timer);
  }

  #start(shown: Shown): void {
    const moved = async (): Promise<void> => {
      const screen = await this.api.screen();
      if (screen.shown.kind !== "wait" && this.#live) this.arrived(screen);
    };
    this.#live = new Live(this.api, moved, shown.urls?.["events"] ?? "events");
    this.#live.start();
    this.#timer = setTimeout(() => {
      this.long = true;
      this.tooLong();
    }, this.longAfter);
  }
}
