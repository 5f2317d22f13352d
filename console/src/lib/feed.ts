// A list that does not move under the hand. What is shown stays where it is:
// rows are updated in place, new ones wait to be asked for, and rows that no
// longer belong are marked, not removed, until the reader does something that
// rearranges the list anyway.

export interface Item {
  id: number;
}

export interface Row<T extends Item> {
  item: T;
  /** No longer in what the server lists: recovered, closed, expired. */
  gone: boolean;
  /** As it was when the list was arranged: by this it has its place. */
  placed: T;
}

export interface Feed<T extends Item> {
  rows: Row<T>[];
  waiting: T[];
}

export function empty<T extends Item>(): Feed<T> {
  return { rows: [], waiting: [] };
}

/** Replace everything: the reader asked for it, or nothing was shown. */
export function load<T extends Item>(items: T[], order: (a: T, b: T) => number): Feed<T> {
  return { rows: [...items].sort((a, b) => order(a, b) || b.id - a.id).map((item) => ({ item, gone: false, placed: item })), waiting: [] };
}

/** Take in a newer listing without moving a row. */
export function merge<T extends Item>(feed: Feed<T>, items: T[], order: (a: T, b: T) => number): Feed<T> {
  if (feed.rows.length === 0) return load(items, order);
  const newest = new Map(items.map((i) => [i.id, i]));
  const rows = feed.rows.map(({ item, placed }) => {
    const now = newest.get(item.id);
    newest.delete(item.id);
    return now ? { item: now, gone: false, placed } : { item, gone: true, placed };
  });
  return { rows, waiting: [...newest.values()] };
}

/** Let the waiting rows in and the gone ones out. */
export function settle<T extends Item>(feed: Feed<T>, order: (a: T, b: T) => number): Feed<T> {
  return load([...feed.rows.filter((r) => !r.gone).map((r) => r.item), ...feed.waiting], order);
}

/** An answer about one item is newer than the listing: show it at once, in its place. */
export function put<T extends Item>(feed: Feed<T>, item: T): Feed<T> {
  return {
    rows: feed.rows.map((r) => (r.item.id === item.id ? { ...r, item } : r)),
    waiting: feed.waiting.map((w) => (w.id === item.id ? item : w)),
  };
}

/**
 * Batch merges a burst of calls: the first runs after `wait`, and no two runs
 * are nearer than `gap` (a simulated city can send thousands of events in a
 * second; the lists need one look). A run that is still going delays the next.
 */
export class Batch {
  #fn: () => Promise<void>;
  #wait: number;
  #gap: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #again = false;
  #last = -Infinity;

  constructor(fn: () => Promise<void>, wait = 150, gap = 1_000) {
    this.#fn = fn;
    this.#wait = wait;
    this.#gap = gap;
  }

  call(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (this.#timer !== undefined) return;
    const pause = Math.max(this.#wait, this.#last + this.#gap - Date.now());
    this.#timer = setTimeout(() => void this.#run(), pause);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    try {
      await this.#fn();
    } finally {
      this.#running = false;
      this.#last = Date.now();
      if (this.#again) {
        this.#again = false;
        this.call();
      }
    }
  }
}
