// Words for names that the API gives bare. What is not known is shown as it
// came: a new state must be visible, not lost.

import type { Key, Params } from './i18n.ts';
import { short } from './time.ts';
import type { DuringWorks } from './types.ts';

type T = (key: Key) => string;

export function reportState(s: string, t: T): string {
  const known: Record<string, Key> = { open: 'report.state.open', received: 'report.state.open', assigned: 'report.state.assigned', closed: 'report.state.closed' };
  return known[s] ? t(known[s]) : s;
}

/** What an alert says about the planned works that it was raised in. */
export function during(w: DuringWorks, now: Date, zone: string, t: (key: Key, params: Params) => string): string {
  return t('alert.works.during', { reason: w.reason, until: short(new Date(w.until), now, zone) });
}

export function taskState(s: string, t: T): string {
  const known: Record<string, Key> = { open: 'task.state.open', done: 'task.state.done', withdrawn: 'task.state.withdrawn' };
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
