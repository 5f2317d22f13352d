// Words for names that the API gives bare. What is not known is shown as it
// came: a new state must be visible, not lost.

import type { Rest } from './alarm.ts';
import type { Key, Params } from './i18n.ts';
import { LEVEL_WORD, VERDICT_WORD } from './scales.ts';
import { full, short } from './time.ts';
import type { Alert, AlertStep, LocalText, Verdict } from './types.ts';

type T = (key: Key) => string;

export function reportState(s: string, t: T): string {
  const known: Record<string, Key> = { open: 'report.state.open', received: 'report.state.open', assigned: 'report.state.assigned', closed: 'report.state.closed' };
  return known[s] ? t(known[s]) : s;
}

type Say = (key: Key, params?: Params) => string;

/** Why an alert rests or rested, in a line. `one` is the text of a title in the reader's language. */
export function whyRests(a: Pick<Alert, 'works' | 'shelf' | 'design'>, why: Rest, now: Date, zone: string, t: Say, one: (v: LocalText) => string): string {
  const until = (at: string) => short(new Date(at), now, zone);
  if (why === 'works') return a.works ? t('alert.works.during', { reason: a.works.reason, until: until(a.works.until) }) : '';
  if (why === 'shelf') return a.shelf ? t('alert.shelf.until', { reason: a.shelf.reason, until: until(a.shelf.until), by: person(a.shelf.by, t) }) : '';
  return a.design ? t('alert.design.by', { id: String(a.design.alert), title: one(a.design.title) }) : '';
}

/** A step of an alert's history in words: what happened, and what was said or found with it. */
export function step(s: AlertStep, zone: string, t: Say): { what: string; note: string } {
  const level = t(LEVEL_WORD[s.level]);
  switch (s.kind) {
    case 'raised':
      return { what: t('alert.step.raised', { level }), note: s.note ?? '' };
    case 'level':
      return { what: t('alert.step.level', { level }), note: s.note ?? '' };
    case 'again':
      return { what: s.note === 'chattering' ? t('alert.step.again.chatters', { level }) : t('alert.step.again', { level }), note: '' };
    case 'acknowledged':
      return { what: t('alert.step.acknowledged'), note: s.note ?? '' };
    case 'group_acknowledged':
      return { what: t('alert.step.group_acknowledged'), note: s.note ?? '' };
    case 'works_over':
      return { what: s.actor ? t('alert.step.attended') : t('alert.step.works_over'), note: s.note ?? '' };
    case 'shelved':
      return { what: t('alert.step.shelved'), note: s.note ?? '' };
    case 'shelf_over':
      return { what: s.actor ? t('alert.step.unshelved') : t('alert.step.shelf_over'), note: s.note ?? '' };
    case 'design_over':
      return { what: s.actor ? t('alert.step.attended.design') : t('alert.step.design_over'), note: s.note ?? '' };
    case 'amended':
      return { what: t('alert.step.amended'), note: amendment(s.note ?? '', zone, t) };
    case 'verdict': {
      // "real: what was found"
      const [verdict = '', ...found] = (s.note ?? '').split(': ');
      const word = VERDICT_WORD[verdict as Verdict];
      return { what: t('alert.step.verdict', { verdict: word ? t(word) : verdict }), note: found.join(': ') };
    }
    case 'cleared': {
      const why: Record<string, Key> = { withdrawn: 'alert.step.cleared.withdrawn', revised: 'alert.step.cleared.revised' };
      const known = why[s.note ?? ''];
      return { what: known ? t(known) : t('alert.step.cleared'), note: known || s.note === 'condition' ? '' : (s.note ?? '') };
    }
    default:
      return { what: s.kind, note: s.note ?? '' };
  }
}

/** "2026-11-23T06:05:09Z: 4.2 -> 3.1", or without the second value when the reading was removed. */
function amendment(note: string, zone: string, t: Say): string {
  const m = /^(\S+Z): (.*?)(?: -> (.*))?$/.exec(note);
  if (!m) return note;
  const at = full(new Date(m[1]!), zone);
  return m[3] === undefined ? t('alert.amended.removed', { at, value: m[2]! }) : t('alert.amended.changed', { at, value: m[2]!, now: m[3] });
}

export function taskState(s: string, t: T): string {
  const known: Record<string, Key> = { waiting: 'task.state.waiting', open: 'task.state.open', acknowledged: 'task.state.acknowledged', done: 'task.state.done', withdrawn: 'task.state.withdrawn' };
  return known[s] ? t(known[s]) : s;
}

export function duty(kind: string, t: T): string {
  const known: Record<string, Key> = {
    leadership: 'duty.leadership',
    territory: 'duty.territory',
    regulator: 'duty.regulator',
    enterprise: 'duty.enterprise',
  };
  return known[kind] ? t(known[kind]) : kind;
}

/** What is doubtful about a reading. */
export function mark(name: string, t: T): string {
  const known: Record<string, Key> = {
    duplicate: 'mark.duplicate',
    conflict: 'mark.conflict',
    future: 'mark.future',
    past: 'mark.past',
    not_finite: 'mark.not_finite',
    range: 'mark.range',
    unit: 'mark.unit',
  };
  return known[name] ? t(known[name]) : name;
}

/** The door through which a message came. */
export function listener(name: string, t: T): string {
  const known: Record<string, Key> = { tcp: 'listener.tcp', tls: 'listener.tls', ws: 'listener.ws', hook: 'listener.hook' };
  return known[name] ? t(known[name]) : name;
}

/** The demo's two posts bear account names; everyone else bears his own. */
export function person(name: string, t: T): string {
  const known: Record<string, Key> = { 'demo-duty-officer': 'person.demo_duty', 'demo-second-officer': 'person.demo_second' };
  return known[name] ? t(known[name]) : name;
}

export function role(name: string, t: T): string {
  const known: Record<string, Key> = {
    'duty-officer': 'role.duty_officer',
    inspector: 'role.inspector',
    'grid-worker': 'role.grid_worker',
    operator: 'role.operator',
    analyst: 'role.analyst',
    administrator: 'role.administrator',
  };
  return known[name] ? t(known[name]) : name;
}
