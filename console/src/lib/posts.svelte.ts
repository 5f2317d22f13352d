// The titles of posts, asked for once when somebody signs in: nearly every page
// names posts, and titles change only with the server's packs.

import { get } from './api.ts';
import { app } from './app.svelte.ts';
import { postTitle, type PostTitles } from './posts.ts';

class Posts {
  titles: PostTitles = $state.raw({});

  start(): () => void {
    void this.load();
    return app.onNews((n) => {
      // After a cut the server may be another version, with other packs.
      if (n.subject.startsWith('console.')) void this.load();
    });
  }

  async load(): Promise<void> {
    try {
      this.titles = (await get<{ posts: PostTitles }>('/posts')).posts;
    } catch {
      // What is in memory is right enough; with nothing there, ids are shown.
    }
  }
}

export const posts = new Posts();

/** The title of a post in the reader's language, else its id. */
export const post = (id: string | null | undefined): string => postTitle(posts.titles, id, app.lang);
