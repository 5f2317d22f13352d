import { describe, expect, test } from 'vitest';
import { postOptions, postTitle, type PostTitles } from '../../src/lib/posts.ts';

const titles: PostTitles = {
  'town-duty': { en: 'Town duty office', 'zh-CN': '街镇值班室' },
  'flood-crew': { en: 'Flood crew', 'zh-CN': '防汛抢险队' },
  'half-done': { en: '', 'zh-CN': '' },
};

describe('what a post is called', () => {
  for (const [what, id, lang, want] of [
    ['its title, in Chinese', 'flood-crew', 'zh-CN', '防汛抢险队'],
    ['its title, in English', 'flood-crew', 'en', 'Flood crew'],
    ['its id where no pack gives it a title', 'harbour-watch', 'zh-CN', 'harbour-watch'],
    ['what people wrote by hand', '现场指挥长', 'en', '现场指挥长'],
    ['its id where the title is empty', 'half-done', 'en', 'half-done'],
    ['its id, though objects have that of their own', 'constructor', 'en', 'constructor'],
    ['nothing where there is none', '', 'en', ''],
    ['nothing where it is not said', undefined, 'en', ''],
  ] as const) {
    test(what, () => expect(postTitle(titles, id, lang)).toBe(want));
  }
});

test('posts to choose from stand in the order of their titles', () => {
  expect(postOptions(titles, 'en')).toEqual([
    { id: 'flood-crew', title: 'Flood crew' },
    { id: 'half-done', title: 'half-done' },
    { id: 'town-duty', title: 'Town duty office' },
  ]);
});
