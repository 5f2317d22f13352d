// Times are stored in UTC and shown in the city's zone with its offset, in 24
// hours: absolute first, relative as an addition. "Now" is the server's, since
// a demonstration or a replay runs on its own clock and a desk's may be wrong.

import type { Lang } from './types.ts';

export interface ZoneParts {
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function parts(at: Date, zone: string): ZoneParts {
  let f = formats.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(zone, f);
  }
  const out: Record<string, string> = {};
  for (const p of f.formatToParts(at)) out[p.type] = p.value;
  return out as unknown as ZoneParts;
}

/** The zone's distance from UTC at that time, in minutes. */
export function offsetMinutes(at: Date, zone: string): number {
  const p = parts(at, zone);
  const local = Date.UTC(+p.year, +p.month - 1, +p.day, +p.hour, +p.minute, +p.second);
  return Math.round((local - Math.floor(at.getTime() / 1000) * 1000) / 60_000);
}

/** "+08:00" */
export function offset(at: Date, zone: string): string {
  const m = offsetMinutes(at, zone);
  const a = Math.abs(m);
  return `${m < 0 ? '-' : '+'}${pad(Math.floor(a / 60))}:${pad(a % 60)}`;
}

/** "2026-11-23 14:05:09 +08:00", for a title and for evidence. */
export function full(at: Date, zone: string): string {
  const p = parts(at, zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second} ${offset(at, zone)}`;
}

/** "14:05" today, "11-22 14:05" this year, else "2025-11-22 14:05". */
export function short(at: Date, now: Date, zone: string): string {
  const p = parts(at, zone);
  const n = parts(now, zone);
  const hm = `${p.hour}:${p.minute}`;
  if (p.year !== n.year) return `${p.year}-${p.month}-${p.day} ${hm}`;
  if (p.month !== n.month || p.day !== n.day) return `${p.month}-${p.day} ${hm}`;
  return hm;
}

/** "14:05:09" */
export function clock(at: Date, zone: string): string {
  const p = parts(at, zone);
  return `${p.hour}:${p.minute}:${p.second}`;
}

/** "2026-11-23 14:05", for a table. */
export function minute(at: Date, zone: string): string {
  const p = parts(at, zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}`;
}

const UNITS: Record<Lang, [string, string, string, string]> = {
  en: [' d', ' h', ' min', ' s'],
  'zh-CN': ['天', '小时', '分钟', '秒'],
};

/** A length of time in at most two units: "3 h 20 min", "3小时20分钟". */
export function duration(ms: number, lang: Lang): string {
  const [d, h, m, s] = UNITS[lang];
  const join = lang === 'en' ? ' ' : '';
  const secs = Math.floor(Math.abs(ms) / 1000);
  if (secs < 60) return `${secs}${s}`;
  const mins = Math.floor(secs / 60);
  if (mins < 60) return `${mins}${m}`;
  const hours = Math.floor(mins / 60);
  if (hours < 24) return mins % 60 ? `${hours}${h}${join}${mins % 60}${m}` : `${hours}${h}`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 10 ? `${days}${d}${join}${hours % 24}${h}` : `${days}${d}`;
}

/**
 * An officer who writes "2026-11-23 14:05" means the city's time. Around a
 * change to summer time the offset is the one before it. Null when it is no time.
 */
export function fromLocalInput(text: string, zone: string): Date | null {
  const m = /^\s*(\d{4})-(\d\d?)-(\d\d?)[T\s]+(\d\d?)[:：](\d\d)\s*$/.exec(text);
  if (!m || +m[4]! > 23 || +m[5]! > 59) return null;
  const asUTC = Date.UTC(+m[1]!, +m[2]! - 1, +m[3]!, +m[4]!, +m[5]!);
  if (new Date(asUTC).getUTCDate() !== +m[3]! || new Date(asUTC).getUTCMonth() !== +m[2]! - 1) return null; // 30 February
  // The offset depends on the answer: a second step settles it.
  let t = asUTC - offsetMinutes(new Date(asUTC), zone) * 60_000;
  t = asUTC - offsetMinutes(new Date(t), zone) * 60_000;
  return new Date(t);
}

/** The inverse of fromLocalInput. */
export function toLocalInput(at: Date, zone: string): string {
  return minute(at, zone);
}

/** A shift changes at eight, morning and evening, by the city's clock. */
const SHIFTS = ['08:00', '20:00'];
/** Less than this before its end, a shift is as good as over. */
const LAST_OF_SHIFT = 10 * 60_000;

/** When the shift that is on ends. */
export function endOfShift(now: Date, zone: string): Date {
  for (let day = 0; ; day++) {
    const date = minute(new Date(now.getTime() + day * 86_400_000), zone).slice(0, 10);
    for (const hm of SHIFTS) {
      const at = fromLocalInput(`${date} ${hm}`, zone)!;
      if (at.getTime() - now.getTime() > LAST_OF_SHIFT) return at;
    }
  }
}

/**
 * ServerClock follows the server's time from what it sends now and then. Only
 * the newest sample counts: a demonstration's clock may run faster than ours.
 */
export class ServerClock {
  #skew = 0;
  #local: () => number;

  constructor(local: () => number = Date.now) {
    this.#local = local;
  }

  sample(serverTime: string): void {
    const t = Date.parse(serverTime);
    if (Number.isFinite(t)) this.#skew = t - this.#local();
  }

  now(): Date {
    return new Date(this.#local() + this.#skew);
  }
}

function pad(n: number): string {
  return String(n).padStart(2, '0');
}
