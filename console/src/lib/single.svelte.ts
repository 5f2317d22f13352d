// One thing that is open in the drawer: asked for by its number, and again
// whenever the stream says that something happened to it.

import { untrack } from 'svelte';
import { ApiError, get } from './api.ts';
import { app, t, type News } from './app.svelte.ts';
import { Batch } from './feed.ts';
import { explain } from './form.svelte.ts';

export class Single<T extends { id: number }> {
  item = $state.raw<T | null>(null);
  error = $state('');
  #path: () => string;
  #got: (item: T) => void;

  /** Call in a component's script: it lives as long as the component. */
  constructor(path: () => string, about: (n: News) => boolean, got: (item: T) => void = () => {}) {
    this.#path = path;
    this.#got = got;
    $effect(() => {
      void path();
      untrack(() => {
        this.item = null;
        this.error = '';
        void this.load();
      });
      const batch = new Batch(() => this.load());
      const off = app.onNews((n) => {
        // After a cut anything may have happened.
        if (n.subject.startsWith('console.') || about(n)) batch.call();
      });
      return () => {
        off();
        batch.stop();
      };
    });
  }

  async load(): Promise<void> {
    const wanted = this.#path();
    try {
      const item = await get<T>(wanted);
      if (wanted !== this.#path()) return; // another one was opened meanwhile
      this.item = item;
      this.error = '';
      this.#got(item);
    } catch (err) {
      if (wanted === this.#path()) this.error = err instanceof ApiError && err.status === 404 ? t('error.gone') : explain(err);
    }
  }
}
