import { describe, expect, it } from 'vitest';
import { byHealth, headline, health, partnerBody, partnerDraft, passes, readReceived, together, words, type Partner, type Received } from '../../src/lib/partners.ts';
import { draftOf, keyOf, keyPrefix, readDeliveries, recipientBody, type Recipient } from '../../src/lib/recipients.ts';
import { features, ours, theirs } from '../../src/lib/relayed.ts';
import { href, parse, readFilter } from '../../src/lib/router.ts';
import { byDue, countOf, groups, readSkill, spanQuery, type SkillFigures, type SkillItem } from '../../src/lib/skill.ts';
import type { Warning } from '../../src/lib/types.ts';

const recipient: Recipient = {
  id: 3, title: { 'zh-CN': '港区学校办公室', en: 'Harbour school office' }, organisation: 0, channel: 'webhook', address: 'https://school.example/…', signed: true, areas: [10], hazards: [], from: 'orange', statuses: ['Actual'],
  restricted: false, active: true, created_at: '', changed_at: '', gone_at: null,
};

describe('a recipient', () => {
  it('that is not changed sends nothing, least of all the address as it is shown', () => {
    expect(recipientBody(draftOf(recipient), recipient)).toEqual({});
  });
  it('sends what is different alone', () => {
    const d = { ...draftOf(recipient), from: 'red' as const, areas: [], exercises: true, address: ' https://new.example/w ' };
    expect(recipientBody(d, recipient)).toEqual({ from: 'red', areas: [], statuses: ['Actual', 'Exercise'], address: 'https://new.example/w' });
    expect(recipientBody({ ...draftOf(recipient), anew: true }, recipient)).toEqual({ secret: '' });
  });
  it('that is new says all, and no secret where the channel has none', () => {
    const d = { ...draftOf(null), zh: '甲', en: 'A', address: 'a@b.example', secret: 's', asymmetric: true };
    expect(recipientBody({ ...d, channel: 'email' }, null)).toEqual({ title: { en: 'A', 'zh-CN': '甲' }, organisation: 0, language: '', areas: [], hazards: [], from: 'blue', statuses: ['Actual'], restricted: false, channel: 'email', address: 'a@b.example' });
    expect(recipientBody({ ...d, channel: 'webhook' }, null)).toMatchObject({ secret: 's' });
    expect(recipientBody({ ...d, channel: 'webhook', secret: '' }, null)).toMatchObject({ asymmetric: true });
    expect(recipientBody({ ...d, channel: 'webhook' }, null)).not.toHaveProperty('asymmetric');
  });
});

describe('what left', () => {
  it('is told by its key', () => {
    expect(keyOf('warning:2026-0001.2:17')).toEqual({ number: '2026-0001', version: 2, recipient: 17 });
    expect(keyOf('warning:LG.2026-1.12:3')).toEqual({ number: 'LG.2026-1', version: 12, recipient: 3 });
    expect(keyOf('notice:1')).toBeNull();
  });
  it('is filtered by what the address says, and one number is not the beginning of another', () => {
    const f = readDeliveries(new URLSearchParams('state=dead&warning=2026-0001'));
    expect(f).toEqual({ state: 'dead', warning: '2026-0001' });
    expect(keyPrefix(f)).toBe('warning:2026-0001.');
    expect(readDeliveries(new URLSearchParams('state=lost'))).toEqual({ state: '', warning: '' });
    expect(keyPrefix({ state: '', warning: '' })).toBe('warning:');
  });
});

const partner = (id: number, more: Partial<Partner> = {}): Partner => ({
  id, title: { en: 'Weather' }, url: 'https://w.example/feed', service: 'weather', every: 60, trust: 'transport', covers: 'wider', events: { Gale: 'gale' }, hosts: ['f.example'], active: true, added_at: '', next_at: '', last_ok_at: '2026-11-23T06:00:00Z',
  failures: 0, unread: false, messages: 0, in_force: 0, unplaced: 0, elsewhere: 0, refused: 0, unfetched: 0, ...more,
});

describe('a partner', () => {
  it('has one health, and who cannot be relied on stands first', () => {
    const all = [partner(1), partner(2, { active: false, unread: true }), partner(3, { failures: 2 }), partner(4, { failures: 9, unread: true }), partner(5, { last_ok_at: null })];
    expect(all.map(health)).toEqual(['well', 'off', 'failing', 'unread', 'new']);
    expect(all.toSorted(byHealth).map((p) => p.id)).toEqual([4, 3, 5, 1, 2]);
  });
  it('that is not changed sends nothing: a change has the whole feed read anew', () => {
    expect(partnerBody(partnerDraft(partner(1)), partner(1))).toEqual({});
    expect(partnerBody({ ...partnerDraft(partner(1)), every: '300', hosts: '' }, partner(1))).toEqual({ every: 300, hosts: [] });
    const pinned = partner(1, { trust: 'signed', pinned: 'PEM' });
    expect(partnerBody({ ...partnerDraft(pinned), trust: 'transport', pinned: '' }, pinned)).toEqual({ trust: 'transport', pinned: '' });
  });
  it('leaves out rows of words that are half filled in', () => {
    expect(partnerBody({ ...partnerDraft(null), en: 'X', url: 'u', events: [{ word: ' Gale ', hazard: 'gale' }, { word: '', hazard: 'gale' }, { word: 'x', hazard: '' }] }, null)).toMatchObject({ events: { Gale: 'gale' } });
  });
});

const message = (id: number, more: Partial<Received> = {}): Received => ({
  id, partner: 1, sender: 's', identifier: `i${id}`, sent: '', msg_type: 'Alert', status: 'Actual', scope: 'Public', verdict: 'accept', problems: [], received_at: '', texts: { 'en-GB': { event: 'Gale', headline: 'Gale warning' }, 'zh-CN': { event: '大风' } },
  places: [], placement: 'placed', onset: '', expires: '', ended_at: null, unlisted_at: null, in_force: false, ...more,
});

describe('what was received', () => {
  it('speaks in its issuer\'s words, in the reader\'s language where there are any', () => {
    expect(headline(message(1), 'en')).toBe('Gale warning');
    expect(headline(message(1), 'zh-CN')).toBe('大风');
    expect(words(message(1, { texts: { 'de-DE': { event: 'Sturm' } } }), 'zh-CN')).toEqual({ lang: 'de-DE', text: { event: 'Sturm' } });
    expect(headline(message(1, { texts: null }), 'en')).toBe('i1');
  });
  it('is listed once, what is in force first', () => {
    expect(together([message(9), message(2, { in_force: true })], [message(2, { in_force: true }), message(3)]).map((r) => r.id)).toEqual([2, 9, 3]);
  });
  it('is narrowed by what the address says', () => {
    expect(readReceived(new URLSearchParams('partner=2&show=refused&sel=7'))).toEqual({ partner: 2, show: 'refused', sel: 7 });
    expect(readReceived(new URLSearchParams('partner=x&show=y'))).toEqual({ partner: 0, show: 'all', sel: 0 });
    const refused = message(1, { verdict: 'reject', placement: 'unplaced' });
    expect([passes(refused, 'refused'), passes(refused, 'unplaced'), passes(refused, 'force'), passes(refused, 'all')]).toEqual([true, false, false, true]);
  });
});

describe('what is drawn', () => {
  const ring: [number, number][] = [[0, 0], [1, 0], [1, 1]];
  it('keeps theirs apart from ours, each ring a closed shape of its own', () => {
    const w = { id: 5, level: 'red', areas: [{ id: 0, name: 'drawn', rings: [ring] }, { id: 10, name: 'district' }] } as unknown as Warning;
    const f = features([...ours([w], 5), ...theirs([message(7, { level: '', places: [{ name: '', rings: [[...ring, [0, 0]], [[0, 0], [1, 1]]], touches: [] }] })], 0)]).features;
    expect(f.map((x) => x.properties)).toEqual([{ theirs: false, level: 'red', chosen: true }, { theirs: true, level: 'none', chosen: false }]);
    for (const x of f) expect((x.geometry as GeoJSON.Polygon).coordinates[0]).toEqual([[0, 0], [1, 0], [1, 1], [0, 0]]);
  });
  it('is opened from the address', () => {
    expect(readFilter(new URLSearchParams('tab=warnings&sel=relayed:7')).selected).toEqual({ kind: 'relayed', id: 7 });
  });
});

describe('the skill of warnings', () => {
  const due = (id: number, at: string, overdue = false) => ({ warning: id, due: at, overdue }) as SkillItem;
  it('has the verdict that is owed the longest first', () => {
    expect([due(1, '2026-11-30T00:00:00Z'), due(2, '2026-11-20T00:00:00Z', true), due(3, '2026-11-10T00:00:00Z', true)].sort(byDue).map((i) => i.warning)).toEqual([3, 2, 1]);
  });
  it('groups figures by hazard, all of them first, the highest level first', () => {
    const f = (hazard: string, level: string) => ({ hazard, level, lead: { n: 4, late: 1 }, cannot_tell: 2, hits: 3 }) as SkillFigures;
    const got = groups([f('gas', 'blue'), f('', 'yellow'), f('gas', 'red'), f('gas', ''), f('', ''), f('flood', '')]);
    expect(got.map((g) => [g.hazard, g.levels.map((l) => l.level)])).toEqual([['', ['yellow']], ['flood', []], ['gas', ['red', 'blue']]]);
    expect([countOf(f('', ''), 'hits'), countOf(f('', ''), 'cannot-tell'), countOf(f('', ''), 'lead'), countOf(f('', ''), 'late')]).toEqual([3, 2, 4, 1]);
  });
  it('reads its view from the address, and asks for the figures and their lists of one time', () => {
    expect(readSkill(new URLSearchParams('span=month&figure=cannot-tell&hazard=gas&level=red'))).toEqual({ span: 'month', figure: 'cannot-tell', hazard: 'gas', level: 'red' });
    expect(readSkill(new URLSearchParams('span=week&figure=all'))).toEqual({ span: 'year', figure: '', hazard: '', level: '' });
    expect(spanQuery('month', new Date('2026-11-23T06:05:09Z'))).toEqual({ from: '2026-10-24T06:06:00.000Z', to: '2026-11-23T06:06:00.000Z' });
    expect(spanQuery('month', new Date('2026-11-23T06:05:59Z'))).toEqual(spanQuery('month', new Date('2026-11-23T06:05:09Z')));
  });
});

it('each page has its address', () => {
  for (const page of ['recipients', 'deliveries', 'partners', 'skill']) expect(parse(new URL(href(`warnings/${page}`), 'http://city.example')).page).toBe(page);
});
