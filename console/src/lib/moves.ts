// From a move's form to what the API takes, and what of its evidence is there.

import { fromLocalInput } from './time.ts';
import type { CaseDetail, Move, Requirement } from './types.ts';

/** Values come as the controls hold them: text. */
export function moveBody(move: Move, values: Record<string, string>, note: string, zone: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const r of move.requires ?? []) {
    if (!r.field) continue;
    const v = (values[r.field] ?? '').trim();
    if (!v) continue;
    if (r.kind === 'number') {
      const n = Number(v.replace(/[,，\s]/g, ''));
      fields[r.field] = Number.isFinite(n) ? n : v; // not a number: the server says so, at the field
    } else if (r.kind === 'organisation' || r.kind === 'case') {
      const n = Number(v.replace(/^#/, ''));
      fields[r.field] = Number.isInteger(n) ? n : v;
    } else if (r.kind === 'organisations') {
      fields[r.field] = v.split(',').map(Number);
    } else if (r.kind === 'time') {
      fields[r.field] = fromLocalInput(v, zone)?.toISOString() ?? v;
    } else {
      fields[r.field] = v;
    }
  }
  const body: Record<string, unknown> = { move: move.name, fields };
  if (note.trim()) body.note = note.trim();
  return body;
}

/**
 * The server's own judgement where it gives one; else a hint for the officer. Evidence counts only when
 * it is newer than the moment the case came into its present state.
 */
export function evidenceMet(item: CaseDetail, r: Requirement): boolean {
  if (r.met !== undefined) return r.met;
  const entered = item.since ? Date.parse(item.since) : Math.max(Date.parse(item.opened_at) || 0, ...(item.timeline ?? []).filter((e) => e.kind === 'move').map((e) => Date.parse(e.at) || 0));
  return (item.evidence ?? []).some((e) => e.kind === r.evidence && Date.parse(e.at) > entered);
}
