// The room that is open: what stands is shown as it comes; the timeline stays
// still, and what is new waits to be asked for.

import { untrack } from 'svelte';
import { ApiError, get } from './api.ts';
import { app, t } from './app.svelte.ts';
import { Batch } from './feed.ts';
import { explain } from './form.svelte.ts';
import { join, newest, type Room, type RoomEntry } from './room.ts';

/** Entries of one request. */
const PAGE = 200;

export class RoomDesk {
  room: Room | null = $state.raw(null);
  entries: RoomEntry[] = $state.raw([]);
  waiting: RoomEntry[] = $state.raw([]);
  earlier = $state(false);
  error = $state('');
  /** The newest entry that the reader had seen when he came, or has since marked as read. */
  read = $state(0);
  post = $state('');
  #id: () => number;

  /** Call in a component's script: it lives as long as the component. */
  constructor(id: () => number) {
    this.#id = id;
    $effect(() => {
      const caseId = id();
      untrack(() => {
        this.room = null;
        this.entries = this.waiting = [];
        this.error = '';
        this.read = Number(kept(caseId, 'read')) || 0;
        this.post = kept(caseId, 'post');
        void this.#first();
      });
      const batch = new Batch(() => this.load());
      const off = app.onNews((n) => {
        if (n.subject.startsWith('console.') || (n.subject.startsWith('case.') && Number(n.data.case) === id())) batch.call();
      });
      return () => {
        off();
        batch.stop();
      };
    });
  }

  async #first(): Promise<void> {
    const r = await this.#get({ limit: PAGE });
    if (!r) return;
    this.entries = r.entries;
    this.earlier = r.earlier;
    // A first visit has nothing unread: everything is new.
    if (!this.read) this.markRead();
    const wanted = Number(/^\d+$/.exec(app.route.query.get('entry') ?? '')?.[0] ?? 0);
    for (let i = 0; wanted && this.earlier && i < 50 && !this.entries.some((e) => e.id <= wanted); i++) await this.more();
  }

  /** What has changed. The reader's own deed lets the new entries in at once. */
  async load(own = false): Promise<void> {
    const known = newest([...this.entries, ...this.waiting]);
    const r = await this.#get({ after: known, limit: 500 });
    if (!r) return;
    this.waiting = join(this.waiting, r.entries);
    if (own) {
      this.settle();
      this.markRead();
    }
  }

  /** Let the waiting entries in. */
  settle(): void {
    this.entries = join(this.entries, this.waiting);
    this.waiting = [];
  }

  markRead(): void {
    this.read = newest(this.entries);
    keep(this.#id(), 'read', String(this.read));
  }

  keepPost(): void {
    keep(this.#id(), 'post', this.post);
  }

  async more(): Promise<void> {
    const first = this.entries[0]?.id;
    if (!first) return;
    const r = await this.#get({ before: first, limit: PAGE });
    if (!r) return;
    this.entries = join(r.entries, this.entries);
    this.earlier = r.earlier;
  }

  async #get(query: Record<string, number>): Promise<Room | null> {
    const wanted = this.#id();
    try {
      const r = await get<Room>(`/rooms/${wanted}`, query);
      if (wanted !== this.#id()) return null;
      this.room = r;
      this.error = '';
      app.confirmed();
      return r;
    } catch (err) {
      if (wanted === this.#id()) this.error = err instanceof ApiError && err.status === 404 ? t('error.gone') : explain(err);
      return null;
    }
  }

  /** Whether who is signed in may end, move or supersede what an organisation made. */
  mayEnd(organisation: number): boolean {
    return !!this.room && (this.room.commands || this.room.organisation === organisation);
  }

  /** What an organisation is called. */
  agency(id: number): string {
    const a = this.room?.agencies.find((x) => x.id === id);
    return a ? app.text(a.name) : `#${id}`;
  }
}

function kept(caseId: number, what: string): string {
  try {
    return localStorage.getItem(`anlan.room.${caseId}.${what}`) ?? '';
  } catch {
    return '';
  }
}

function keep(caseId: number, what: string, value: string): void {
  try {
    localStorage.setItem(`anlan.room.${caseId}.${what}`, value);
  } catch {
    // No storage: the mark lasts for this page.
  }
}
