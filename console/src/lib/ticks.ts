// Where an axis of time has its marks: at round times of the city's clock, also
// across a change to summer time, whatever zone the machine is in.

import { offsetMinutes } from './time.ts';

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;
const STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * S).concat([1, 2, 5, 10, 15, 30].map((n) => n * M), [1, 2, 3, 6, 12].map((n) => n * H), [1, 2, 5, 7, 14].map((n) => n * D));
/** In months: they have no fixed length. */
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 600, 1200, 6000];
const MONTH = 30.5 * D;

export interface Tick {
  at: number;
  /** A second line, where the first leaves the day or the year open, is parted by a line break. */
  label: string;
}

/** ticks gives at most about `most` marks between two times in ms. */
export function ticks(from: number, to: number, zone: string, most: number): Tick[] {
  const room = (to - from) / Math.max(1, most);
  const step = STEPS.find((s) => s >= room);
  const months = step ? 0 : (MONTHS.find((m) => m * MONTH >= room) ?? 12_000);
  const out: Tick[] = [];
  let before = '';
  const put = (local: number) => {
    const at = back(local, zone);
    // Summer time leaves an hour out: it has no mark.
    if (ahead(at, zone) !== local || at < from || at > to || (out.length > 0 && at <= out[out.length - 1]!.at)) return;
    const iso = new Date(local).toISOString();
    const [first, second] = words(iso, step ?? months * MONTH);
    out.push({ at, label: second && second !== before ? `${first}\n${second}` : first });
    before = second;
  };
  const begin = ahead(from, zone);
  const end = ahead(to, zone);
  if (step) {
    // A week is counted from a Monday; 1970-01-05 was one.
    const origin = step % (7 * D) === 0 ? 4 * D : 0;
    for (let l = Math.ceil((begin - origin) / step) * step + origin; l <= end; l += step) put(l);
  } else {
    const d = new Date(begin);
    const first = Math.floor((d.getUTCFullYear() * 12 + d.getUTCMonth()) / months) * months;
    for (let m = first; ; m += months) {
      const l = Date.UTC(Math.floor(m / 12), m % 12, 1);
      if (l > end) break;
      put(l);
    }
  }
  return out;
}

function words(iso: string, step: number): [string, string] {
  if (step < M) return [iso.slice(11, 19), iso.slice(0, 10)];
  if (step < D) return [iso.slice(11, 16), iso.slice(0, 10)];
  if (step < MONTH) return [iso.slice(5, 10), iso.slice(0, 4)];
  if (step < 12 * MONTH) return [iso.slice(0, 7), ''];
  return [iso.slice(0, 4), ''];
}

/** The city's clock as if it were UTC, and back. */
function ahead(at: number, zone: string): number {
  return at + offsetMinutes(new Date(at), zone) * M;
}

function back(local: number, zone: string): number {
  const once = local - offsetMinutes(new Date(local), zone) * M;
  return local - offsetMinutes(new Date(once), zone) * M;
}
