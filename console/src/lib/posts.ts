// What posts are called. Packs give most posts a title; a register may name
// posts of its own, and people write some by hand: those are shown as they came.

import { local } from './i18n.ts';
import type { Lang, LocalText } from './types.ts';

export type PostTitles = Readonly<Record<string, LocalText>>;

export function postTitle(titles: PostTitles, id: string | null | undefined, lang: Lang): string {
  if (!id) return '';
  return (Object.hasOwn(titles, id) && local(titles[id], lang)) || id;
}

/** The posts to choose from, in the order of their titles. */
export function postOptions(titles: PostTitles, lang: Lang): { id: string; title: string }[] {
  return Object.keys(titles)
    .map((id) => ({ id, title: postTitle(titles, id, lang) }))
    .sort((a, b) => a.title.localeCompare(b.title, lang) || (a.id < b.id ? -1 : 1));
}
