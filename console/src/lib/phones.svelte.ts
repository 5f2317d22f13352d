// The directory of duty phones. It is fetched when somebody signs in and when
// it changes, and stays in memory: when the line to the server is cut is when it
// is needed most.

import { get } from './api.ts';
import { app, type News } from './app.svelte.ts';
import type { Post } from './duty.ts';
import type { Page } from './types.ts';

class Phones {
  items: Post[] = $state.raw([]);
  open = $state(false);
  /** How often it was asked for: a browser may tell only later that the dialog was closed, and it is asked for again before. */
  asked = $state(0);
  /** When the directory was last heard from the server. */
  at: Date | null = $state.raw(null);

  start(): () => void {
    void this.load();
    return app.onNews((n: News) => {
      if (n.subject.startsWith('console.') || (n.subject === 'watch.changed' && n.data.what === 'roster') || n.subject === 'city.imported') void this.load();
    });
  }

  show(): void {
    this.open = true;
    this.asked++;
  }

  async load(): Promise<void> {
    try {
      this.items = (await get<Page<Post>>('/watch/phones')).items;
      this.at = app.serverNow();
    } catch {
      // What is in memory is still right, or the best there is.
    }
  }
}

export const phones = new Phones();
