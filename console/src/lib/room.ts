// The joint room as the API gives it, and what its page works out of it: which
// entries are shown, which are new to the reader, what a typed shape is. Pure.

import type { Key } from './i18n.ts';
import { parseCoordinates } from './geo.ts';
import type { Case, LocalText, TimelineEntry } from './types.ts';

export interface RoomEntry extends TimelineEntry {
  actor?: string;
  data?: Record<string, unknown>;
  /** The organisation of who wrote it; 0 is the city's own watch. */
  by: number;
  post?: string;
  /** No person wrote it. */
  program?: boolean;
}

export interface Agency {
  id: number;
  name: LocalText;
  roles: string[];
  here: boolean;
}

export interface Seat {
  organisation: number;
  post: string;
  joined_at: string;
  left_at: string | null;
}

export type Shape = { type: 'Point'; coordinates: [number, number] } | { type: 'LineString'; coordinates: [number, number][] } | { type: 'Polygon'; coordinates: [number, number][][] };

export interface RoomMark {
  id: number;
  kind: MarkKind;
  title: LocalText;
  label: string;
  shape: Shape;
  organisation: number;
  at: string;
  entry: number;
}

export interface Fact {
  kind: 'entry' | 'alert' | 'reading';
  id: number;
  text?: LocalText;
  value?: number;
  unit?: string;
}

export interface Decision {
  id: number;
  what: string;
  why: string;
  organisation: number;
  post: string;
  by: string;
  from: string;
  at: string;
  facts: Fact[];
  entry: number;
  superseded_by?: number;
}

export interface Objective {
  id: number;
  text: string;
  state: 'current' | 'met' | 'dropped';
  organisation: number;
  at: string;
  entry: number;
}

export interface Commitment {
  id: number;
  organisation: number;
  quantity: number;
  with?: string;
  eta: string | null;
  state: 'declined' | 'committed' | 'arrived' | 'released' | 'withdrawn';
  entry: number;
}

export interface ResourceRequest {
  id: number;
  what: string;
  kind: string;
  unit?: string;
  quantity: number;
  place?: string;
  needed_by: string | null;
  organisation: number;
  at: string;
  entry: number;
  cancelled?: boolean;
  commitments: Commitment[];
  committed: number;
  arrived: number;
  released: number;
  open: number;
}

export interface RoomReport {
  id: number;
  form: FormName;
  agency?: number;
  version: number;
  at: string;
  organisation: number;
  post: string;
  signed: number;
}

export interface RoomAction {
  id: number;
  what: string;
  becomes: 'task' | 'finding';
  organisation: number;
  due_at: string | null;
  task?: number;
  case?: number;
  state: string;
  entry: number;
}

export interface Room {
  case: Case;
  entries: RoomEntry[];
  earlier: boolean;
  agencies: Agency[];
  seats: Seat[];
  marks: RoomMark[];
  decisions: Decision[];
  objectives: Objective[];
  requests: ResourceRequest[];
  reports: RoomReport[];
  actions: RoomAction[];
  organisation: number;
  may_write: boolean;
  may_decide: boolean;
  /** May end, move and supersede also what other organisations made. */
  commands: boolean;
  may_invite: boolean;
  may_report: boolean;
}

export const MARK_KINDS = ['cordon', 'command-post', 'closed-road', 'staging', 'medical', 'shelter', 'hazard', 'other'] as const;
export type MarkKind = (typeof MARK_KINDS)[number];
export const MARK_WORD: Record<MarkKind, Key> = {
  cordon: 'room.mark.cordon',
  'command-post': 'room.mark.command_post',
  'closed-road': 'room.mark.closed_road',
  staging: 'room.mark.staging',
  medical: 'room.mark.medical',
  shelter: 'room.mark.shelter',
  hazard: 'room.mark.hazard',
  other: 'room.mark.other',
};

export const RESOURCE_KINDS = ['team', 'vehicle', 'equipment', 'supplies', 'expert', 'facility'] as const;
export const RESOURCE_WORD: Record<(typeof RESOURCE_KINDS)[number], Key> = {
  team: 'room.resource.team',
  vehicle: 'room.resource.vehicle',
  equipment: 'room.resource.equipment',
  supplies: 'room.resource.supplies',
  expert: 'room.resource.expert',
  facility: 'room.resource.facility',
};
export const COMMITMENT_WORD: Record<Commitment['state'], Key> = {
  declined: 'room.resource.declined',
  committed: 'room.resource.committed',
  arrived: 'room.resource.arrived',
  released: 'room.resource.released',
  withdrawn: 'room.resource.withdrawn',
};

/** Who asked takes a request back, or the city's own watch (0); not while anything of it is under way. */
export function mayCancel(r: ResourceRequest, by: number): boolean {
  return !r.cancelled && (by === 0 || by === r.organisation) && !r.commitments.some((c) => c.state === 'committed' || c.state === 'arrived');
}

/** Who gave it or asked for it says that it has come or gone; who gave it takes it back before it comes. The city's own watch may say each. */
export function steps(r: ResourceRequest, c: Commitment, by: number): ('arrive' | 'withdraw' | 'release')[] {
  const gave = by === 0 || by === c.organisation;
  const either = gave || by === r.organisation;
  if (c.state === 'committed') return [...(either ? (['arrive'] as const) : []), ...(gave ? (['withdraw'] as const) : [])];
  return c.state === 'arrived' && either ? ['release'] : [];
}

export const TOPICS = ['', 'situation', 'casualties', 'damage', 'threat', 'safety', 'measures', 'next', 'public'] as const;
export const TOPIC_WORD: Record<(typeof TOPICS)[number], Key> = {
  '': 'room.topic.none',
  situation: 'room.topic.situation',
  casualties: 'room.topic.casualties',
  damage: 'room.topic.damage',
  threat: 'room.topic.threat',
  safety: 'room.topic.safety',
  measures: 'room.topic.measures',
  next: 'room.topic.next',
  public: 'room.topic.public',
};

export const FORMS = ['ics-201', 'ics-209', 'ics-214', 'zhuanbao'] as const;
export type FormName = (typeof FORMS)[number];
export const FORM_WORD: Record<FormName, Key> = { 'ics-201': 'room.form.201', 'ics-209': 'room.form.209', 'ics-214': 'room.form.214', zhuanbao: 'room.form.zhuanbao' };

/** Entries in the groups that a reader filters by; what is in no group is shown under "other". */
export const GROUPS = ['log', 'decision', 'mark', 'resource', 'objective', 'presence', 'move', 'task', 'alert', 'report', 'instruction', 'other'] as const;
export type Group = (typeof GROUPS)[number];
export const GROUP_WORD: Record<Group, Key> = {
  log: 'room.kind.log',
  decision: 'room.kind.decision',
  mark: 'room.kind.mark',
  resource: 'room.kind.resource',
  objective: 'room.kind.objective',
  presence: 'room.kind.presence',
  move: 'room.kind.move',
  task: 'room.kind.task',
  alert: 'room.kind.alert',
  report: 'room.kind.report',
  instruction: 'room.kind.instruction',
  other: 'room.kind.other',
};
const GROUP_OF: Record<string, Group> = { overdue: 'task', action: 'task', lesson: 'task', finding: 'alert', note: 'log', room: 'presence' };

export function groupOf(kind: string): Group {
  return (GROUPS as readonly string[]).includes(kind) ? (kind as Group) : (GROUP_OF[kind] ?? 'other');
}

export interface EntryFilter {
  /** -1: all. */
  agency: number;
  group: Group | '';
}

/** Newest first; an agency's entries are those that a person of it wrote. */
export function shown(entries: readonly RoomEntry[], f: EntryFilter): RoomEntry[] {
  return entries
    .filter((e) => (f.agency < 0 || (!e.program && e.by === f.agency)) && (!f.group || groupOf(e.kind) === f.group))
    .sort((a, b) => b.id - a.id);
}

/** Later entries after earlier ones, each once. */
export function join(a: readonly RoomEntry[], b: readonly RoomEntry[]): RoomEntry[] {
  const byId = new Map(a.map((e) => [e.id, e]));
  for (const e of b) byId.set(e.id, e);
  return [...byId.values()].sort((x, y) => x.id - y.id);
}

export function newest(entries: readonly RoomEntry[]): number {
  return entries.reduce((n, e) => Math.max(n, e.id), 0);
}

/**
 * parseShape reads corners as people type them: one "latitude, longitude" a
 * line. One is a point, two or more a line, or a polygon if it is to be an area.
 * Null where a line is no coordinates, or there are too few.
 */
export function parseShape(text: string, area: boolean): Shape | null {
  const lines = text
    .split('\n')
    .map((l) => l.trim())
    .filter(Boolean);
  const points: [number, number][] = [];
  for (const l of lines) {
    const p = parseCoordinates(l);
    if (!p) return null;
    points.push(p);
  }
  if (points.length === 0) return null;
  if (points.length === 1) return area ? null : { type: 'Point', coordinates: points[0]! };
  if (!area) return { type: 'LineString', coordinates: points };
  return points.length < 3 ? null : { type: 'Polygon', coordinates: [[...points, points[0]!]] };
}

/** The inverse, for a shape that is to be moved: a ring without its repeated end. */
export function corners(s: Shape): [number, number][] {
  if (s.type === 'Point') return [s.coordinates];
  if (s.type === 'LineString') return s.coordinates;
  return s.coordinates[0]!.slice(0, -1);
}

export function typed(points: readonly (readonly [number, number])[]): string {
  return points.map((p) => `${p[1].toFixed(6)}, ${p[0].toFixed(6)}`).join('\n');
}

/** Move every corner by so many metres east and north. */
export function nudge(text: string, east: number, north: number): string {
  return text
    .split('\n')
    .map((l) => {
      const p = parseCoordinates(l.trim());
      if (!p) return l;
      const lat = p[1] + north / 111_195;
      return typed([[p[0] + east / (111_195 * Math.max(0.01, Math.cos((lat * Math.PI) / 180))), lat]]);
    })
    .join('\n');
}

/** What the map draws: the marks in force, and the one that is being placed. */
export function drawing(marks: readonly RoomMark[], draft: Shape | null, chosen: number): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = marks.map((m) => ({
    type: 'Feature',
    geometry: m.shape,
    properties: { id: m.id, kind: m.kind, label: m.label, chosen: m.id === chosen, draft: false },
  }));
  if (draft) features.push({ type: 'Feature', geometry: draft, properties: { id: 0, kind: 'draft', label: '', chosen: false, draft: true } });
  return { type: 'FeatureCollection', features };
}

export function reportPath(caseId: number, report: number, lang: string): string {
  return `/rooms/${caseId}/reports/${report}?lang=${lang}`;
}
