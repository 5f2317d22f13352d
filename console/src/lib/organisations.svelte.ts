// The organisations of the register, asked for once, when a form first needs
// them: most pages never do.

import { get } from './api.ts';
import type { LocalText } from './types.ts';

export interface Organisation {
  id: number;
  name: LocalText;
}

class Organisations {
  list = $state.raw<Organisation[]>([]);
  #asked: Promise<void> | null = null;

  load(): Promise<void> {
    this.#asked ??= get<{ items: Organisation[] }>('/organisations').then(
      (page) => {
        this.list = page.items;
      },
      (err: unknown) => {
        this.#asked = null; // the next form asks again
        throw err;
      },
    );
    return this.#asked;
  }
}

export const organisations = new Organisations();
