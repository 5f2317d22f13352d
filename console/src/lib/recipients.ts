// To whom warnings go, and what left: what the API says of it, in the order and
// the words in which an officer needs it.

import type { Key } from './i18n.ts';
import type { Level, LocalText } from './types.ts';

export const CHANNELS = ['webhook', 'email', 'sms', 'cell-broadcast', 'wecom', 'dingtalk', 'feishu', 'webpush', 'file'] as const;
export type Channel = (typeof CHANNELS)[number];

export const CHANNEL_WORD: Record<Channel, Key> = {
  webhook: 'recipients.channel.webhook',
  email: 'recipients.channel.email',
  sms: 'recipients.channel.sms',
  'cell-broadcast': 'recipients.channel.cell',
  wecom: 'recipients.channel.wecom',
  dingtalk: 'recipients.channel.dingtalk',
  feishu: 'recipients.channel.feishu',
  webpush: 'recipients.channel.webpush',
  file: 'recipients.channel.file',
};
export const ADDRESS_HINT: Record<Channel, Key> = {
  webhook: 'recipients.address.webhook',
  email: 'recipients.address.email',
  sms: 'recipients.address.sms',
  'cell-broadcast': 'recipients.address.cell',
  wecom: 'recipients.address.robot',
  dingtalk: 'recipients.address.robot',
  feishu: 'recipients.address.robot',
  webpush: 'recipients.address.webpush',
  file: 'recipients.address.file',
};

export function channelWord(c: string): Key | null {
  return CHANNEL_WORD[c as Channel] ?? null;
}

export interface Recipient {
  id: number;
  title: LocalText;
  organisation: number;
  channel: Channel;
  address: string;
  signed: boolean;
  public_key?: string;
  secret?: string;
  language?: '' | 'en' | 'zh-CN';
  areas: number[];
  hazards: string[];
  from: Level;
  statuses: string[];
  restricted: boolean;
  active: boolean;
  created_at: string;
  changed_at: string;
  gone_at: string | null;
}

/** What the form holds. The address of one that is changed is empty: what is shown of it may be cut, and is not sent back. */
export interface RecipientDraft {
  en: string;
  zh: string;
  organisation: string;
  channel: Channel;
  address: string;
  secret: string;
  anew: boolean;
  asymmetric: boolean;
  language: '' | 'en' | 'zh-CN';
  areas: string[];
  hazards: string[];
  from: Level;
  exercises: boolean;
  real: boolean;
  restricted: boolean;
}

export function draftOf(r: Recipient | null): RecipientDraft {
  return {
    en: r?.title.en ?? '',
    zh: r?.title['zh-CN'] ?? '',
    organisation: r?.organisation ? String(r.organisation) : '',
    channel: r?.channel ?? 'webhook',
    address: '',
    secret: '',
    anew: false,
    asymmetric: false,
    language: r?.language ?? '',
    areas: (r?.areas ?? []).map(String),
    hazards: [...(r?.hazards ?? [])],
    from: r?.from ?? 'blue',
    exercises: r?.statuses.includes('Exercise') ?? false,
    real: r?.statuses.includes('Actual') ?? true,
    restricted: r?.restricted ?? false,
  };
}

/** Whether a channel takes a secret that the other side gives. */
export function takesSecret(c: Channel): boolean {
  return c === 'webhook' || c === 'dingtalk' || c === 'feishu';
}

/** What to send: all of it for a new one, only what is different for one that is there. */
export function recipientBody(d: RecipientDraft, before: Recipient | null): Record<string, unknown> {
  const body: Record<string, unknown> = {
    title: { en: d.en.trim(), 'zh-CN': d.zh.trim() },
    organisation: Number(d.organisation) || 0,
    language: d.language,
    areas: d.areas.map(Number),
    hazards: d.hazards,
    from: d.from,
    statuses: [...(d.real ? ['Actual'] : []), ...(d.exercises ? ['Exercise'] : [])],
    restricted: d.restricted,
  };
  if (!before) {
    body.channel = d.channel;
    body.address = d.address.trim();
    if (takesSecret(d.channel) && d.secret.trim()) body.secret = d.secret.trim();
    if (d.channel === 'webhook' && !d.secret.trim() && d.asymmetric) body.asymmetric = true;
    return body;
  }
  const was = recipientBody(draftOf(before), null);
  const same = (k: string) => JSON.stringify(was[k]) === JSON.stringify(body[k]);
  for (const k of ['title', 'organisation', 'language', 'areas', 'hazards', 'from', 'statuses', 'restricted'] as const) if (same(k)) delete body[k];
  if (d.address.trim()) body.address = d.address.trim();
  if (before.channel === 'webhook' && d.anew) body.secret = '';
  else if (takesSecret(before.channel) && d.secret.trim()) body.secret = d.secret.trim();
  return body;
}

export const DELIVERY_STATES = ['dead', 'failed', 'sending', 'waiting', 'sent', 'withdrawn'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];
export const DELIVERY_WORD: Record<DeliveryState, Key> = {
  dead: 'deliveries.state.dead',
  failed: 'deliveries.state.failed',
  sending: 'deliveries.state.sending',
  waiting: 'deliveries.state.waiting',
  sent: 'deliveries.state.sent',
  withdrawn: 'deliveries.state.withdrawn',
};

export interface Sent {
  id: number;
  key: string;
  channel: string;
  state: DeliveryState;
  at: string;
  attempts: number;
  ended_at?: string | null;
  answer?: string;
  in_doubt?: boolean;
}

export interface Left {
  states: Partial<Record<DeliveryState, number>>;
  items: Sent[];
  next?: number;
}

/** Which warning, version and recipient a message's key names: `warning:2026-0001.2:17`. */
export function keyOf(key: string): { number: string; version: number; recipient: number } | null {
  const m = /^warning:(.+)\.(\d+):(\d+)$/.exec(key);
  return m ? { number: m[1]!, version: Number(m[2]), recipient: Number(m[3]) } : null;
}

export interface DeliveryFilter {
  state: DeliveryState | '';
  /** The number of a warning, such as 2026-0001. */
  warning: string;
}

export function readDeliveries(q: URLSearchParams): DeliveryFilter {
  const state = q.get('state') as DeliveryState;
  return { state: DELIVERY_STATES.includes(state) ? state : '', warning: (q.get('warning') ?? '').trim() };
}

/** The dot keeps 2026-0001 from meaning 2026-00010, too. */
export function keyPrefix(f: DeliveryFilter): string {
  return f.warning ? `warning:${f.warning}.` : 'warning:';
}
