// Which stretch of time a history shows, and in what intervals it is asked for.
// Times are milliseconds since 1970.

export interface Span {
  from: number;
  to: number;
}

export type Range = 'day' | 'week' | 'month' | 'all';
export const RANGES: readonly Range[] = ['day', 'week', 'month', 'all'];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const LENGTH: Record<Exclude<Range, 'all'>, number> = { day: DAY, week: 7 * DAY, month: 30 * DAY };

/** No closer than this: below it most instruments say nothing. */
const LEAST = MINUTE;

/** Interval lengths that a person can name. */
const WIDTHS = [1, 2, 5, 10, 15, 30].map((s) => s * 1000).concat([1, 2, 5, 10, 15, 30].map((m) => m * MINUTE), [1, 2, 3, 6, 12].map((h) => h * HOUR), [1, 2, 5, 10, 30, 90, 365].map((d) => d * DAY));

export interface View {
  range: Range;
  /** What was zoomed to, within the range or beyond it. */
  span: Span | null;
}

/** What is known of a datastream's extent. */
export interface Extent {
  first: number;
  latest: number;
  now: number;
}

/**
 * windowOf says which time a view shows. A range ends now; where nothing was
 * measured in it, it ends at the newest reading, and `old` says so: recorded
 * data and a dead instrument still have a history.
 */
export function windowOf(view: View, e: Extent): Span & { old: boolean } {
  if (view.span) return { ...view.span, old: false };
  if (view.range === 'all') return { from: e.first, to: Math.max(e.latest + 1, e.first + LEAST), old: false };
  const long = LENGTH[view.range];
  if (e.latest >= e.now - long) return { from: e.now - long, to: e.now, old: false };
  // A hundredth of air, or the newest reading would stand on the edge.
  const to = e.latest + long / 100;
  return { from: to - long, to, old: true };
}

/** zoom makes a span shorter (factor below 1) or longer, around a place in it (0 begin, 1 end), within limits. */
export function zoom(s: Span, factor: number, limits: Span, at = 0.5): Span {
  const long = Math.max(LEAST, (s.to - s.from) * factor);
  const middle = s.from + (s.to - s.from) * at;
  return within({ from: middle - long * at, to: middle + long * (1 - at) }, limits);
}

/** shift moves a span by a part of its length. */
export function shift(s: Span, part: number, limits: Span): Span {
  const by = (s.to - s.from) * part;
  return within({ from: s.from + by, to: s.to + by }, limits);
}

/** within keeps a span's length where it can, and moves it into the limits. */
export function within(s: Span, limits: Span): Span {
  const long = Math.max(LEAST, Math.min(s.to - s.from, Math.max(LEAST, limits.to - limits.from)));
  const from = Math.round(Math.max(limits.from, Math.min(s.from, limits.to - long)));
  return { from, to: Math.round(from + long) };
}

export interface Plan extends Span {
  /** How many intervals, each of width. */
  count: number;
  width: number;
}

/**
 * plan chooses intervals for a drawing: about one for each two pixels, of a
 * length that has a name, beginning at whole multiples of it on the city's
 * clock (offset in ms). So a curve that moves on with the time keeps its form.
 */
export function plan(s: Span, pixels: number, offset: number): Plan {
  const most = Math.min(2_000, Math.max(50, Math.round(pixels / 2)));
  const width = WIDTHS.find((w) => (s.to - s.from) / w <= most) ?? Math.ceil((s.to - s.from) / most / DAY) * DAY;
  const from = Math.floor((s.from + offset) / width) * width - offset;
  const count = Math.max(1, Math.ceil((s.to - from) / width));
  return { from, to: from + count * width, count, width };
}

/** A view as it stands in an address, and back. The plainest view is no words at all. */
export function writeView(v: View): { range?: string | undefined; from?: string | undefined; to?: string | undefined } {
  return {
    range: v.range === 'day' ? undefined : v.range,
    from: v.span ? new Date(v.span.from).toISOString() : undefined,
    to: v.span ? new Date(v.span.to).toISOString() : undefined,
  };
}

export function readView(q: URLSearchParams): View {
  const range = (RANGES as readonly string[]).includes(q.get('range') ?? '') ? (q.get('range') as Range) : 'day';
  const from = Date.parse(q.get('from') ?? '');
  const to = Date.parse(q.get('to') ?? '');
  return { range, span: to > from ? { from, to: Math.max(to, from + LEAST) } : null };
}
