// Who was told of a warning, as the API gives it.

import type { Key } from './i18n.ts';
import type { LocalText } from './types.ts';

export type ReachState = 'waiting' | 'sending' | 'failed' | 'sent' | 'dead' | 'withdrawn';

export interface Told {
  delivery: number;
  version: number;
  recipient: number;
  title: LocalText;
  channel: string;
  state: ReachState;
  at: string;
  ended_at: string | null;
  attempts: number;
  /** What the channel answered last. */
  proof?: string;
  in_doubt?: boolean;
}

export interface Reached {
  states: Partial<Record<ReachState, number>>;
  items: Told[];
  next?: number;
}

/** What needs somebody first. */
export const REACH_STATES: readonly ReachState[] = ['dead', 'failed', 'sending', 'waiting', 'sent', 'withdrawn'];
export const REACH_WORD: Readonly<Record<ReachState, Key>> = {
  dead: 'reach.dead',
  failed: 'reach.failed',
  sending: 'reach.sending',
  waiting: 'reach.waiting',
  sent: 'reach.sent',
  withdrawn: 'reach.withdrawn',
};
export const CHANNEL_WORD: Readonly<Record<string, Key>> = {
  webhook: 'reach.channel.webhook',
  email: 'reach.channel.email',
  sms: 'reach.channel.sms',
  'cell-broadcast': 'reach.channel.cell',
  wecom: 'reach.channel.wecom',
  dingtalk: 'reach.channel.dingtalk',
  feishu: 'reach.channel.feishu',
  file: 'reach.channel.file',
  push: 'reach.channel.push',
};

export const trouble = (s: string): boolean => s === 'dead' || s === 'failed';

export function byTrouble(items: readonly Told[]): Told[] {
  const rank = (t: Told) => {
    const at = REACH_STATES.indexOf(t.state);
    return at < 0 ? 2 : at;
  };
  return [...items].sort((a, b) => rank(a) - rank(b) || Date.parse(b.ended_at ?? b.at) - Date.parse(a.ended_at ?? a.at) || b.delivery - a.delivery);
}
