/** The player: one journey in one window. It shows screens, saves what is typed, and steps between pages. */

import { Answers } from "./answers.js";
import { PlayerError } from "./api.js";
import { Drawing } from "./draw/fields.js";
import { labelOf } from "./draw/host.js";
import type { Host, Sending } from "./draw/host.js";
import { Drawn, focusField, titleOf } from "./draw/page.js";
import type { Actions, State } from "./draw/page.js";
import { arrange } from "./dom.js";
import { Outbox } from "./outbox.js";
import type { Outcome, State as Saving } from "./outbox.js";
import { beside } from "./shown.js";
import type { Conflict, Fault, Item, Screen, Shown } from "./shown.js";
import type { PlayerOptions } from "./options.js";
import { Entries } from "./past.js";
import type { Past, Place } from "./past.js";
import { Steps } from "./steps.js";
import type { Planned } from "./steps.js";
import { say } from "./texts.js";
import { Upload } from "./uploads.js";
import { identity } from "./verdict.js";
import { Waiting } from "./waiting.js";
import type { Json, JsonObject } from "./wire.js";

export class Player implements Host, Actions {
  readonly shadow: boolean;
  readonly outbox: Outbox;
  #screen: Screen | null = null;
  #answers: Answers | null = null;
  #drawn: Drawn | null = null;
  #note = "";
  #saved = "";
  #busy = false;
  #dirty = false;
  #updating = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: Promise<void> | null = null;
  /** Answers that are sent with a step and kept nowhere before. */
  readonly #kept = new Map<string, Json>();
  readonly #open = new Set<string>();
  readonly #visited = new Set<string>();
  readonly #drawing: Drawing;
  readonly #steps: Steps;
  readonly #entries: Entries;
  readonly #waiting: Waiting;

  constructor(readonly options: PlayerOptions) {
    this.shadow = options.root instanceof ShadowRoot;
    this.outbox = new Outbox(options.api, (state, outcome) => this.#toldSaved(state, outcome), options.shelf);
    this.#drawing = new Drawing(this);
    this.#steps = new Steps(options.api, this.outbox, {
      arrived: (screen) => this.#arrived(screen),
      refused: (step, faults, shown) => this.#refused(step, faults, shown),
      waiting: () => this.#say("offline"),
      failed: (error, step) => this.#failed(error, step),
    });
    addEventListener("online", this.#online);
    addEventListener("pagehide", this.#leave);
    this.#entries = new Entries(this.#past, (to) => this.#goTo(to));
    this.#waiting = new Waiting(options.api, options.longAfter ?? 20_000, (screen) => this.#arrived(screen), () => this.#draw(false));
  }

  get #past(): Past {
    return this.options.past ?? "none";
  }

  get shown(): Shown | null {
    return this.#screen?.shown ?? null;
  }

  get language(): string {
    return this.shown?.language ?? "en";
  }

  /** Shows a screen, or asks for it. What an earlier window could not send is sent first. */
  async open(screen?: Screen): Promise<void> {
    if (screen) this.#begin(screen);
    const before = await this.outbox.earlier();
    if (before.length) await this.outbox.flush();
    if (screen && !before.length) return;
    try {
      this.#arrived(await this.options.api.screen(screen?.shown.page, screen?.shown.task));
    } catch (error) {
      if (!screen) this.#problem(error);
    }
  }

  /** Stops, and leaves what is drawn. */
  stop(): void {
    this.#leave();
    this.#waiting.stop();
    this.#entries.stop();
    this.#steps.stop();
    this.outbox.stop();
    clearTimeout(this.#timer);
    removeEventListener("online", this.#online);
    removeEventListener("pagehide", this.#leave);
  }

  messages(path: string): string[] {
    return this.#answers?.messages(path) ?? [];
  }

  conflict(path: string): Conflict | undefined {
    return this.#answers?.conflicts.get(path);
  }

  value(path: string): Json {
    return this.#answers?.value(path) ?? null;
  }

  changed(item: Item, value: Json): void {
    const answers = this.#answers;
    const path = item.path ?? "";
    if (!answers || !path) return;
    const kept = answers.put(item, value);
    if (item.type === "dynamiclist") this.outbox.seal();
    this.#open.add(path);
    if (item.extensions?.["drafts"] === false) this.#kept.set(path, kept);
    else this.outbox.stage(this.shown?.task ?? "", path, kept);
    if (item.type === "dynamiclist") this.outbox.seal();
    // What was wrong goes as soon as it is right; what is wrong is said when the field is left.
    if (answers.messages(path).length) answers.judgeField(path, Date.now());
    this.#update();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#save(), this.options.saveAfter ?? 800);
  }

  left(item: Item): void {
    const path = item.path ?? "";
    if (!this.#answers || !this.#open.has(path)) return;
    // A button that is pressed judges the whole page; a message that comes up now would move it away.
    if (this.#drawn?.pressed) {
      void this.outbox.flush();
      return;
    }
    this.#visited.add(path);
    const ask = this.#answers.judgeField(path, Date.now());
    this.#update();
    void this.#save(ask);
  }

  choose(conflict: Conflict, theirs: boolean): void {
    const answers = this.#answers;
    if (!answers) return;
    answers.conflicts.delete(conflict.path);
    const item = this.#answers?.item(conflict.path);
    this.#drawing.renew(conflict.path);
    if (item) {
      this.changed(item, theirs ? conflict.theirs : conflict.mine);
      void this.#save();
    }
    this.#update();
    focusField(this.options.root, conflict.path);
  }

  send(item: Item, file: File, progress: (share: number) => void): Sending {
    return new Upload(this.options.api, file, { path: item.path ?? "", task: this.shown?.task ?? "" }, progress);
  }

  told(text: string): void {
    this.#saved = text;
    this.#update();
  }

  emit(name: string, detail: JsonObject): void {
    this.options.emit?.(name, detail);
  }

  /** Puts an answer in from outside: the reference of a payment, an address that was looked up. */
  answer(path: string, value: Json): boolean {
    const item = this.#answers?.item(path);
    if (!item) return false;
    this.#drawing.renew(path);
    this.changed(item, value);
    this.left(item);
    return true;
  }

  // --- what buttons do ------------------------------------------------------------------------------------------------

  go(action: "next" | "back" | "submit"): void {
    const { shown } = this;
    if (!shown || (this.#busy && action !== "back")) return;
    clearTimeout(this.#timer);
    const page = shown.page ?? "";
    const answers = this.#answers;
    if (action !== "back" && shown.kind === "page" && answers && !answers.judgePage(page, Date.now())) {
      this.#showFaults();
      return;
    }
    answers?.sayAll([]);
    const target = action === "submit" || shown.kind !== "page" ? undefined : beside(this.#view(), page, action === "next" ? 1 : -1);
    if (target) this.#turn(target.id, true);
    else {
      this.#busy = true;
      this.#update();
    }
    void this.#steps.add(this.#step(action, shown.task ?? "", page));
  }

  save(): void {
    clearTimeout(this.#timer);
    void this.outbox.flush().then((sent) => {
      if (!sent) return;
      const later = this.shown?.urls?.["later"];
      this.emit("later", {});
      if (later && this.#past === "addresses") location.assign(later);
      else this.told(say("kept", this.language));
    });
  }

  look(): void {
    void this.#save(true);
  }

  #step(direction: Planned["direction"], task: string, page: string): Planned {
    return { direction, task, page, sets: Object.fromEntries(this.#kept) };
  }

  follow(address: string): void {
    if (this.#past === "addresses") location.assign(address);
    else void this.#load(decodeURIComponent(new URL(address, this.options.api.address).pathname.split("/").at(-1)!));
  }

  retry(): void {
    void this.#load();
  }

  speak(language: string): boolean {
    if (this.#past === "addresses") return false;
    void this.outbox.flush().then(() => this.#load(this.shown?.page, language));
    return true;
  }

  post(values: Record<string, string>): void {
    const { code } = values;
    if (code === undefined) void this.#load();
    else {
      void this.options.api.code(code).then(() => this.#load(), (error: unknown) => {
        if (error instanceof PlayerError && error.status < 500) this.#wrongCode();
        else this.#problem(error);
      });
    }
  }

  #wrongCode(): void {
    const message = say("one-time-code", this.language, { n: 6 });
    if (this.#screen) this.#screen = { ...this.#screen, shown: { ...this.#screen.shown, faults: [{ path: "code", rule: "code", message }] } };
    this.#draw(false);
  }

  async #load(page = "", language = ""): Promise<void> {
    try {
      this.#arrived(await this.options.api.screen(page, page && this.shown?.task, language));
    } catch (error) {
      this.#problem(error);
    }
  }

  async #save(ask = false): Promise<void> {
    clearTimeout(this.#timer);
    if ((await this.outbox.flush()) && (ask || this.#answers?.stale)) await this.#ask();
  }

  /** Asks the server what the page is for these answers: for what no program here can say. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    const { shown } = this;
    if (!shown || !this.#steps.idle || !this.#answers) return;
    try {
      const screen = await this.options.api.judge(this.outbox.write(shown.task ?? ""), shown.page ?? "");
      const now = this.shown;
      if (!this.#steps.idle || !screen.shown.view || now?.task !== screen.shown.task || now?.page !== shown.page) return;
      this.#adopt(screen);
      for (const path of this.#visited) this.#answers.say(path, (screen.shown.faults ?? []).filter((fault) => fault.path === path));
      this.#update();
    } catch (error) {
      if (!(error instanceof PlayerError)) throw error;
      // The server judges again when the page is left.
    }
  }

  #toldSaved(state: Saving, outcome?: Outcome): void {
    if (outcome) {
      for (const [path, value] of Object.entries(outcome.write.sets)) if (this.#settled(path, value)) this.#open.delete(path);
      for (const conflict of outcome.saved.conflicts) {
        this.#answers?.conflicts.set(conflict.path, conflict);
        this.emit("conflict", { path: conflict.path });
      }
      this.emit("saved", { version: outcome.saved.version });
    }
    if (state === "offline" || state === "unsaved") this.#say(state);
    else if (state === "refused") void this.#load();
    else {
      // What is said at the top stays until all is sent: it must not move the page under a pointer that is pressed.
      if (state === "saved") this.#note = "";
      this.#saved = say(state, this.language);
      this.#update();
    }
  }

  #settled(path: string, value: Json): boolean {
    return identity(this.value(path)) === identity(value);
  }

  #say(state: "offline" | "unsaved"): void {
    this.#note = say(state, this.language);
    this.#saved = "";
    this.#busy = false;
    this.#update();
  }

  readonly #online = (): void => {
    void this.outbox.flush().then((sent) => {
      if (!sent) return;
      this.#note = "";
      this.#update();
      if (!this.#steps.idle) void this.#steps.run();
    });
  };

  readonly #leave = (): void => this.outbox.leave();

  #view(): NonNullable<Shown["view"]> {
    return this.#answers!.view;
  }

  #begin(screen: Screen): void {
    this.#screen = screen;
    this.#adopt(screen);
    this.#remember(false);
    this.#draw(false);
  }

  /** A screen of the server, which is right whatever was shown before. */
  #arrived(screen: Screen): void {
    const before = this.shown;
    const { shown } = screen;
    this.#busy = false;
    this.#note = "";
    const stays = before?.kind === shown.kind && before.task === shown.task && before.page === shown.page && before.language === shown.language;
    this.#adopt(screen);
    if (stays) this.#update();
    else {
      this.#remember(before?.task === shown.task && before?.kind === shown.kind && this.#ahead);
      this.#draw(true);
    }
    this.#ahead = false;
  }

  /** Whether a page is shown that the server has not confirmed. */
  #ahead = false;

  #adopt(screen: Screen): void {
    const { shown } = screen;
    const known = this.#answers && this.shown?.task === shown.task && this.#answers.view.language === shown.language;
    this.#screen = screen;
    this.outbox.version = Math.max(this.outbox.version, screen.version ?? shown.version ?? 0);
    if (!shown.view) {
      this.#answers = null;
      return;
    }
    if (known && this.#answers) {
      for (const path of this.#answers.adopt(shown.view, this.#open)) this.#drawing.renew(path);
    } else {
      this.#answers = new Answers(shown.view, screen.programs ?? {});
      this.#kept.clear();
      this.#visited.clear();
    }
    for (const conflict of shown.conflicts ?? []) this.#answers.conflicts.set(conflict.path, conflict);
    if (shown.faults?.length) this.#answers.sayAll(shown.faults);
  }

  /** Shows another page of the form at once. */
  #turn(page: string, push: boolean): void {
    const { shown } = this;
    if (!shown || !this.#screen) return;
    const pages = this.#view().pages.filter((each) => each.visible);
    const at = pages.findIndex((each) => each.id === page);
    const address = this.#address(page);
    const urls = { ...shown.urls, ...(address === undefined ? {} : { action: address, self: address }) };
    const last = at === pages.length - 1;
    this.#screen = { ...this.#screen, shown: { ...shown, kind: "page", page, number: at + 1, of: pages.length, first: at === 0, last, faults: [], urls } };
    this.#ahead = true;
    if (push) this.#remember(false);
    this.#draw(true);
  }

  /** The address of a page of the form that is shown. */
  #address(page: string): string | undefined {
    // What means something else in an address has a mark there.
    const segment = ["", "-", "check"].includes(page) || page.startsWith("~") ? `~${page}` : page;
    return this.shown?.urls?.["action"]?.replace(/[^/]*$/, encodeURIComponent(segment).replaceAll("%7E", "~"));
  }

  #refused(step: Planned, faults: Fault[], shown?: Shown): void {
    this.#busy = false;
    if (shown?.view) this.#arrived({ shown, version: shown.version ?? 0 });
    else this.#returned(step, faults);
    this.#ahead = false;
    this.#answers?.sayAll(faults);
    this.#showFaults();
  }

  /** Shows the page that something is wrong with, where the server did not say which. */
  #returned(step: Planned, faults: Fault[]): void {
    const wrong = this.#answers?.pageWith(faults);
    if (this.#answers && this.shown?.kind === "page" && (this.shown.page ?? "") !== step.page) this.#turn(step.page, true);
    else if (this.shown?.kind === "check" && wrong) this.#turn(wrong, true);
  }

  #failed(error: unknown, step: Planned): void {
    this.#busy = false;
    // The task is over, or the page is another by now: the server says where the journey is.
    if (error instanceof PlayerError && [404, 409, 410].includes(error.status)) {
      void this.#load();
      return;
    }
    const form = this.options.root.querySelector<HTMLFormElement>("form[data-procession-page]");
    const { page = "" } = this.shown ?? {};
    if (this.options.plain) this.options.plain(page === step.page ? form : null, step.direction, this.#address(step.page) ?? location.href);
    else this.#problem(error);
  }

  #problem(error: unknown): void {
    this.#steps.stop();
    this.outbox.stop();
    this.emit("problem", { status: error instanceof PlayerError ? error.status : -1, detail: String(error) });
    const shown: Shown = { kind: "problem", language: this.shown?.language ?? document.documentElement.lang ?? "en", ...(this.shown?.brand ? { brand: this.shown.brand } : {}) };
    this.#answers = null;
    this.#screen = { shown, version: 0 };
    this.#draw(true);
  }

  #state(): State {
    const shown: Shown = { ...this.shown!, ...(this.#answers ? { view: this.#answers.view } : {}) };
    if (this.#answers && shown.kind === "page") {
      const pages = this.#answers.view.pages.filter((page) => page.visible);
      const at = pages.findIndex((page) => page.id === shown.page);
      if (at >= 0) Object.assign(shown, { number: at + 1, of: pages.length, first: at === 0, last: at === pages.length - 1 });
    }
    const labels = (path: string): string => {
      const item = this.#answers?.item(path);
      return item ? labelOf(item) : "";
    };
    const faults = this.#answers?.faults ?? shown.faults ?? [];
    return { shown, faults, saved: this.#saved, long: this.#waiting.long, busy: this.#busy, framed: this.#past === "addresses", labels };
  }

  #draw(focus: boolean): void {
    this.#drawing.clear();
    this.#visited.clear();
    this.#saved = "";
    const state = this.#state();
    const { shown } = state;
    this.#drawn = new Drawn(this.#drawing, state, this);
    arrange(this.options.root as Element, [...this.options.root.childNodes].filter((node) => (node as Element).slot).concat(this.#drawn.element as ChildNode));
    this.#drawn.note(this.#note);
    if (this.#past === "addresses") document.title = (state.faults.length ? say("error", this.language, { title: titleOf(shown) }) : titleOf(shown)) || document.title;
    if (state.faults.length) this.#drawn.summary?.focus();
    else if (focus) this.#drawn.heading.focus();
    this.#waiting.follow(shown);
    this.emit("page", { kind: shown.kind, task: shown.task ?? "", page: shown.page ?? "" });
    if (shown.kind === "end") this.emit("ended", {});
  }

  #update(): void {
    // A field that goes away while it has the focus tells that it is left: in the midst of this.
    this.#dirty = true;
    if (this.#updating) return;
    this.#updating = true;
    try {
      while (this.#dirty && this.#drawn && this.#screen) {
        this.#dirty = false;
        this.#drawn.update(this.#state());
        this.#drawn.note(this.#note);
      }
    } finally {
      this.#updating = false;
    }
  }

  #showFaults(): void {
    this.#busy = false;
    for (const fault of this.#answers?.faults ?? []) this.#visited.add(fault.path);
    this.#update();
    this.#drawn?.summary?.focus();
    this.emit("faults", { count: this.#answers?.faults.length ?? 0 });
  }

  // --- the browser's history ------------------------------------------------------------------------------------------

  #remember(replace: boolean): void {
    const { shown } = this;
    if (!shown) return;
    this.#entries.remember({ task: shown.task ?? "", page: shown.page ?? "" }, shown.urls?.["self"] ?? shown.urls?.["action"], replace);
  }

  #goTo(to: Place): void {
    const { shown } = this;
    if (!shown) return;
    const pages = this.#answers?.view.pages.filter((page) => page.visible).map((page) => page.id) ?? [];
    const [at, now] = [pages.indexOf(to.page), pages.indexOf(shown.page ?? "")];
    if (to.task !== shown.task || at < 0 || shown.kind !== "page" || at === now) {
      if (this.#past === "addresses" && to.task !== shown.task) location.reload();
      else void this.#load(to.page);
      return;
    }
    const direction = at < now ? "back" : "next";
    this.#answers?.sayAll([]);
    this.#turn(to.page, false);
    // The server goes one page from the one that it is told of.
    void this.#steps.add(this.#step(direction, to.task, pages[direction === "back" ? at + 1 : at - 1]!));
  }
}
