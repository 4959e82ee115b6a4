/** The player in a browser: the element, the enhancing of the server's pages, the headless client, and the frame. */

export { open, PlayerApi, PlayerError, start } from "./api.js";
export type { ApiOptions, Direction, Saved, Session, Step, Write } from "./api.js";
export { define, ProcessionPlayer } from "./element.js";
export { embed } from "./embed.js";
export type { Embedded, EmbedOptions, Told } from "./embed.js";
export { enhance } from "./enhance.js";
export { MemoryShelf, openShelf } from "./outbox.js";
export type { Shelf } from "./outbox.js";
export { Player } from "./player.js";
export type { Past } from "./past.js";
export type { PlayerOptions } from "./options.js";
export { Settler } from "./settle.js";
export type * from "./shown.js";
export { judge, judgeItem } from "./verdict.js";
export { decode, encode } from "./wire.js";
export type { Json, JsonObject } from "./wire.js";
