// A case that a person opens: the kinds that are offered, and from the form to what the API takes.

import { parseCoordinates, type SpotBy } from './geo.ts';
import type { LocalText } from './types.ts';

export interface OfferedKind {
  id: string;
  title: LocalText;
  private?: boolean;
  /** A move gives it to a unit; none is named at the opening. */
  assigned?: boolean;
  asks: { field: string; title: LocalText; options: { id: string; title: LocalText }[] }[];
}

/** A lesson is made from a case's room: without the assets that it is for it is an empty shell. */
const ELSEWHERE: readonly string[] = ['lesson'];

export function offered(kinds: readonly OfferedKind[]): OfferedKind[] {
  return kinds.filter((k) => !ELSEWHERE.includes(k.id));
}

export interface Draft {
  title: string;
  text: string;
  level: string;
  owner: string;
  by: SpotBy;
  asset: number;
  area: string;
  point: string;
  /** Answers by field, of this kind's choices and perhaps of another's that was chosen before. */
  fields: Record<string, string>;
}

/** Only what was filled in, and only what this kind has: a private case has no level. */
export function newCaseBody(k: OfferedKind, d: Draft): Record<string, unknown> {
  const body: Record<string, unknown> = { kind: k.id, title: d.title.trim() };
  if (d.text.trim()) body.text = d.text.trim();
  if (d.level && !k.private) body.level = d.level;
  if (d.owner && !k.assigned) body.owner = Number(d.owner);
  if (d.by === 'asset' && d.asset) body.asset = d.asset;
  if (d.by === 'area' && d.area) body.area = Number(d.area);
  const point = d.by === 'point' ? parseCoordinates(d.point) : null;
  if (point) body.point = point;
  const fields = Object.fromEntries(k.asks.map((q) => [q.field, d.fields[q.field] ?? '']).filter(([, v]) => v));
  if (Object.keys(fields).length) body.fields = fields;
  return body;
}
