// A lesson that is carried over to all assets that are alike.

import type { Key } from './i18n.ts';
import type { LocalText } from './types.ts';

export interface Progress {
  assets: number;
  done: number;
  wrong: number;
  open: number;
  late: number;
}

export interface Part extends Progress {
  id: number;
  name: LocalText;
}

export interface Condition {
  property: string;
  is: 'equal' | 'other' | 'below' | 'above';
  value: string;
}

export interface Selection {
  kind: string;
  area?: number;
  conditions?: Condition[];
  unsaid?: boolean;
}

export interface LessonSummary {
  id: number;
  source: number;
  case: number;
  text: string;
  why: string;
  selection: Selection;
  per: 'asset' | 'holder';
  due_at: string;
  assets: number;
  state: 'sending' | 'sent';
  sent_at: string;
  by: string;
  post: string;
}

export interface Lesson extends LessonSummary {
  kind_title: LocalText;
  total: Progress;
  areas: Part[];
  holders: Part[];
  may_answer: boolean;
}

export type TargetState = 'done' | 'wrong' | 'open' | 'late';

export interface Target {
  asset: number;
  name: LocalText;
  state: TargetState;
  note?: string;
  finding?: number;
  case?: number;
}

export interface Preview {
  assets: number;
  tasks: number;
  unsaid: number;
  outside: number;
  no_holder: number;
  max_assets: number;
  max_tasks: number;
  refused?: 'assets' | 'tasks';
  areas: { id: number; name: LocalText; assets: number }[];
  holders: { id: number; name: LocalText; assets: number }[];
}

export const STATES: readonly TargetState[] = ['late', 'open', 'wrong', 'done'];
export const STATE_WORD: Record<TargetState, Key> = { done: 'lesson.done', wrong: 'lesson.wrong', open: 'lesson.open', late: 'lesson.late' };
export const IS_WORD: Record<Condition['is'], Key> = { equal: 'lesson.is.equal', other: 'lesson.is.other', below: 'lesson.is.below', above: 'lesson.is.above' };

const PROPERTY_WORD: Record<string, Key> = { made: 'lesson.property.made', make: 'lesson.property.make' };
/** What the register says of an asset, in words where it is one of the common ones; else as the register writes it. */
export const propertyWord = (property: string, t: (key: Key) => string): string => (Object.hasOwn(PROPERTY_WORD, property) ? t(PROPERTY_WORD[property]!) : property);

/** Conditions as they are sent: those that are filled in. */
export function conditions(rows: readonly Condition[]): Condition[] {
  return rows.filter((c) => c.property.trim() && c.value.trim()).map((c) => ({ property: c.property.trim(), is: c.is, value: c.value.trim() }));
}
