// How many things wait in one's own inbox: the number beside its link, on every page.

import { get } from './api.ts';
import { app } from './app.svelte.ts';
import { Batch } from './feed.ts';
import { touches } from './inbox.ts';

/** A storm brings news by the second; the number may be that much behind. */
const PAUSE = 3_000;

class Waiting {
  n = $state(0);
  #batch = new Batch(() => this.#fetch(), 300, PAUSE);

  start(): () => void {
    void this.#fetch();
    const off = app.onNews((n) => touches(n) && this.#batch.call());
    return () => {
      off();
      this.#batch.stop();
    };
  }

  async #fetch(): Promise<void> {
    try {
      this.n = (await get<{ waiting: number }>('/inbox')).waiting;
    } catch {
      this.n = 0; // no inbox, or cut off: no number is better than an old one
    }
  }
}

export const waiting = new Waiting();
