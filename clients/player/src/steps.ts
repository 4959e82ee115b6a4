/** Steps between pages that the server has not seen yet: done in order, and done again when the network is back. */

import { PlayerError } from "./api.js";
import type { Direction, PlayerApi, Write } from "./api.js";
import type { Outbox } from "./outbox.js";
import type { Fault, Screen, Shown } from "./shown.js";
import type { Json } from "./wire.js";

export interface Planned {
  direction: Direction;
  task: string;
  page: string;
  /** What is sent with the step, since it is kept nowhere before. */
  sets: Record<string, Json>;
}

export interface Steering {
  arrived(screen: Screen): void;
  refused(step: Planned, faults: Fault[], shown?: Shown): void;
  waiting(): void;
  failed(error: unknown, step: Planned): void;
}

const RETRY = 2_000;

export class Steps {
  #planned: Planned[] = [];
  /** The write of the first step: a step that is tried again has the same number, and is done once. */
  #write: Write | null = null;
  #running: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly api: PlayerApi,
    readonly outbox: Outbox,
    readonly steering: Steering,
  ) {}

  get idle(): boolean {
    return !this.#planned.length;
  }

  add(step: Planned): Promise<void> {
    this.#planned.push(step);
    return this.run();
  }

  /** Does what is planned; comes back when all is done or nothing more can be. */
  run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#planned = [];
  }

  async #run(): Promise<void> {
    while (this.#planned.length) {
      const step = this.#planned[0]!;
      try {
        if (!(await this.outbox.flush())) {
          this.#wait();
          return;
        }
        this.#write ??= this.outbox.write(step.task, step.sets);
        const { screen, ...refused } = await this.api.step(step.direction, this.#write, step.page);
        this.#write = null;
        this.#planned.shift();
        if (!screen) {
          this.#planned = [];
          this.steering.refused(step, refused.faults!, "shown" in refused ? refused.shown : undefined);
        } else {
          this.outbox.version = Math.max(this.outbox.version, screen.version ?? 0);
          if (!this.#planned.length) this.steering.arrived(screen);
        }
      } catch (error) {
        if (error instanceof PlayerError && error.again) {
          this.#wait();
          return;
        }
        this.#write = null;
        this.#planned = [];
        this.steering.failed(error, step);
      }
    }
  }

  #wait(): void {
    this.steering.waiting();
    this.#timer = setTimeout(() => void this.run(), RETRY);
  }
}
