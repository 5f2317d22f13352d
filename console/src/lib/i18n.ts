// Two flat files hold every text of the console; texts of hazards and cases
// come from packs. A key may have plural forms: "rows#one", "rows#other".

import type { Lang, LocalText, Who } from './types.ts';
import en from '../i18n/en.json';
import zh from '../i18n/zh-CN.json';

type Raw = keyof typeof en;
type Base<K extends string> = K extends `${infer B}#${string}` ? B : K;
export type Key = Base<Raw>;
export type Params = Record<string, string | number>;

export const LANGS: readonly Lang[] = ['en', 'zh-CN'];
const TEXTS: Record<Lang, Record<string, string>> = { en, 'zh-CN': zh };
const plurals: Record<Lang, Intl.PluralRules> = { en: new Intl.PluralRules('en'), 'zh-CN': new Intl.PluralRules('zh-CN') };
const numbers: Record<Lang, Intl.NumberFormat> = {
  en: new Intl.NumberFormat('en', { maximumFractionDigits: 2 }),
  'zh-CN': new Intl.NumberFormat('zh-CN', { maximumFractionDigits: 2 }),
};

/** translate fills {name} from params; {n} also chooses the plural form. */
export function translate(lang: Lang, key: Key, params: Params = {}): string {
  const texts = TEXTS[lang];
  let text = texts[key];
  if (text === undefined && typeof params.n === 'number') {
    text = texts[`${key}#${plurals[lang].select(params.n)}`] ?? texts[`${key}#other`];
  }
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const v = params[name];
    return v === undefined ? whole : typeof v === 'number' ? numbers[lang].format(v) : v;
  });
}

/** A text in the reader's language, else in whichever there is. */
export function local(v: LocalText | string | number | null | undefined, lang: Lang): string {
  if (v === null || v === undefined) return '';
  if (typeof v !== 'object') return String(v);
  return v[lang] || v.en || v['zh-CN'] || '';
}

/** The name of a person or account as the API gives it. */
export function who(v: Who): string {
  if (!v) return '';
  return typeof v === 'string' ? v : (v.name ?? '');
}

export function number(v: number, lang: Lang): string {
  return numbers[lang].format(v);
}

/** A measured value, as finely as instruments measure: a gauge's millimetres must not be lost. */
export function precise(v: number, lang: Lang): string {
  return new Intl.NumberFormat(lang, { maximumFractionDigits: Math.abs(v) < 1000 ? 4 : 2 }).format(v);
}

/** The browser's wish, if no preference was kept. */
export function preferredLang(wishes: readonly string[]): Lang {
  for (const w of wishes) {
    if (/^zh\b/i.test(w)) return 'zh-CN';
    if (/^en\b/i.test(w)) return 'en';
  }
  return 'en';
}
