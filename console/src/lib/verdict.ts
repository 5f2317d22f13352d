// What is said of a warning when it is over.

import type { Key } from './i18n.ts';

export const WARNING_VERDICTS = ['happened', 'partly', 'did-not', 'cannot-tell'] as const;
export type WarningVerdictName = (typeof WARNING_VERDICTS)[number];

export const VERDICT_WORDS: Readonly<Record<WarningVerdictName, { word: Key; means: Key }>> = {
  happened: { word: 'warning.verdict.happened', means: 'warning.verdict.happened.means' },
  partly: { word: 'warning.verdict.partly', means: 'warning.verdict.partly.means' },
  'did-not': { word: 'warning.verdict.did_not', means: 'warning.verdict.did_not.means' },
  'cannot-tell': { word: 'warning.verdict.unknown', means: 'warning.verdict.unknown.means' },
};
