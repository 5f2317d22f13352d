import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import en from '../../src/i18n/en.json';
import zh from '../../src/i18n/zh-CN.json';
import { local, preferredLang, translate, who, type Key } from '../../src/lib/i18n.ts';

const src = new URL('../../src', import.meta.url).pathname;

function files(dir: string): string[] {
  return readdirSync(dir).flatMap((f) => {
    const p = join(dir, f);
    return statSync(p).isDirectory() ? files(p) : /\.(ts|svelte)$/.test(f) ? [p] : [];
  });
}

const base = (k: string) => k.split('#')[0]!;
const keys = (o: object) => new Set(Object.keys(o).map(base));
const placeholders = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!).sort();
const code = files(src)
  .map((f) => readFileSync(f, 'utf8'))
  .join('\n');

describe('the two language files', () => {
  test('have the same keys', () => {
    const [e, z] = [keys(en), keys(zh)];
    expect([...e].filter((k) => !z.has(k)), 'missing in zh-CN').toEqual([]);
    expect([...z].filter((k) => !e.has(k)), 'extra in zh-CN').toEqual([]);
  });

  test('have every plural form that the language asks for, and no other', () => {
    for (const [lang, texts] of [['en', en], ['zh-CN', zh]] as const) {
      const forms = new Intl.PluralRules(lang).resolvedOptions().pluralCategories.toSorted();
      const seen = new Map<string, string[]>();
      for (const k of Object.keys(texts).filter((k) => k.includes('#'))) seen.set(base(k), [...(seen.get(base(k)) ?? []), k.split('#')[1]!]);
      for (const [k, got] of seen) expect(got.toSorted(), `${lang}: ${k}`).toEqual(forms);
    }
  });

  test('have the same placeholders', () => {
    for (const [k, text] of Object.entries(en)) {
      const there = (zh as Record<string, string>)[k] ?? (zh as Record<string, string>)[base(k) + '#other'];
      expect(placeholders(there!), k).toEqual(placeholders(text));
    }
  });

  test('have no empty text, and no Latin words left in Chinese but names', () => {
    for (const [k, text] of [...Object.entries(en), ...Object.entries(zh)]) expect(text.trim(), k).not.toBe('');
    const allowed = /UTC|WGS|JPEG|PNG|PDF|CSV|MQTT|WebSocket|Ctrl|\{\w+\}/g;
    for (const [k, text] of Object.entries(zh)) expect(text.replace(allowed, ''), k).not.toMatch(/[A-Za-z]{2,}/);
  });

  test('hold no key that the code does not name', () => {
    const unused = [...keys(en)].filter((k) => !code.includes(`'${k}'`));
    expect(unused).toEqual([]);
  });

  test('hold every key that the code asks for', () => {
    // svelte-check knows this too; here it also covers keys in plain strings.
    const asked = [...code.matchAll(/\bt(?:ranslate)?\((?:l, )?'([a-z][\w.]*)'/g)].map((m) => m[1]!);
    expect(asked.length).toBeGreaterThan(150);
    const known = keys(en);
    expect(asked.filter((k) => !known.has(k))).toEqual([]);
  });
});

describe('no text is written into the pages', () => {
  test('markup holds words only through t()', () => {
    const found: string[] = [];
    for (const f of files(src).filter((f) => f.endsWith('.svelte'))) {
      const markup = readFileSync(f, 'utf8')
        .replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, '')
        .replace(/\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}/g, '');
      for (const m of markup.matchAll(/>([^<>]*[A-Za-z\u4e00-\u9fff]{2,}[^<>]*)</g)) if (!/^(English|简体中文)$/.test(m[1]!.trim())) found.push(`${f.split('/').pop()}: ${m[1]!.trim()}`);
    }
    expect(found).toEqual([]);
  });
});

describe('translate', () => {
  test('fills and counts', () => {
    expect(translate('en', 'say.alerts', { n: 1 })).toBe('1 new alert');
    expect(translate('en', 'say.alerts', { n: 1200 })).toBe('1,200 new alerts');
    expect(translate('zh-CN', 'say.alerts', { n: 1 })).toBe('新增 1 条告警');
    expect(translate('en', 'drawer.case', { id: '41' })).toBe('Case 41');
  });
  test('shows an unknown key instead of nothing', () => {
    expect(translate('en', 'no.such.key' as Key)).toBe('no.such.key');
  });
});

test('a text falls back to the other language, never to nothing', () => {
  expect(local({ en: 'A', 'zh-CN': '甲' }, 'zh-CN')).toBe('甲');
  expect(local({ en: 'A' }, 'zh-CN')).toBe('A');
  expect(local({ 'zh-CN': '甲' }, 'en')).toBe('甲');
  expect(local('plain', 'en')).toBe('plain');
  expect(local(null, 'en')).toBe('');
});

test('who', () => {
  expect([who('Lin'), who({ name: 'Zhou' }), who(null), who({ id: 3 })]).toEqual(['Lin', 'Zhou', '', '']);
});

test('the first language wished for that there is', () => {
  expect(preferredLang(['de-DE', 'zh-TW', 'en'])).toBe('zh-CN');
  expect(preferredLang(['en-GB', 'zh'])).toBe('en');
  expect(preferredLang(['fr'])).toBe('en');
});
