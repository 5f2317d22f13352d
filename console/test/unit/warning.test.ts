import { describe, expect, test } from 'vitest';
import {
  blank, changeOf, compareEntries, differences, draftKey, FILLED, fill, following, length, levelChange, newDraft, nowhere, ofReceived, ofSuggestion, ofWarning, open, owesVerdict, passes, place, proposal, readDraft, readWarningFilter,
  receivedText, sectionOf, textFor, valueOf, warningQuery, type Draft, type Received, type Suggestion,
} from '../../src/lib/warning.ts';
import { byTrouble, type Told } from '../../src/lib/reach.ts';
import type { Warning } from '../../src/lib/types.ts';

const ZONE = 'Asia/Shanghai';
const NOW = new Date('2026-11-23T06:05:00Z');
const L = (en: string, zh: string) => ({ en, 'zh-CN': zh });
const warning = (change: Partial<Warning> = {}): Warning => ({
  id: 1, number: '2026-0001', level: 'yellow', hazard: 'flood', event: L('Flood', '洪水'), headline: L('A', '甲'), description: L('B', '乙'), instruction: L('C', '丙'),
  areas: [{ id: 10, name: L('Haibin', '海滨区') }], state: 'issued', sent: '2026-11-23T05:00:00Z', expires: '2026-11-23T12:00:00Z', ...change,
});
const draft = (change: Partial<Draft> = {}): Draft => ({ ...newDraft(NOW, ZONE), ...change });

describe('what waits for an officer', () => {
  test('is parted by what has to be done', () => {
    expect(sectionOf(warning({ state: 'proposed', sent: null }))).toBe('waits');
    expect(sectionOf(warning())).toBe('force');
    expect(sectionOf(warning({ state: 'expired', verdict: null }))).toBe('verdict');
    expect(sectionOf(warning({ state: 'expired', verdict: { verdict: 'happened' } }))).toBe('over');
  });

  test('owes a verdict only where it was real, published, and listed as owed', () => {
    expect(owesVerdict(warning({ state: 'cancelled', verdict: null }))).toBe(true);
    expect(owesVerdict(warning({ state: 'cancelled', verdict: null, status: 'Exercise' }))).toBe(false);
    expect(owesVerdict(warning({ state: 'cancelled', verdict: null, sent: null }))).toBe(false);
    expect(owesVerdict(warning({ state: 'cancelled' })), 'not listed').toBe(false);
    expect(owesVerdict(warning({ verdict: null })), 'in force').toBe(false);
  });

  test('stands in one order, and of the three kinds no two share a number', () => {
    const s: Suggestion = { id: 1, kind: 'issue', hazard: 'flood', level: 'orange', text: 'rising', at: '2026-11-23T06:00:00Z', areas: [], alerts: [] };
    const r: Received = { id: 1, identifier: 'x', texts: { en: { event: 'Rain' } }, sent: '2026-11-23T05:00:00Z', level: '' };
    const all = [ofReceived(r), ofWarning(warning({ id: 1, level: 'red' })), ofWarning(warning({ id: 2, level: 'blue', pending: warning() as never })), ofSuggestion(s), ofWarning(warning({ id: 3, state: 'proposed' }))];
    expect(new Set(all.map((e) => e.id)).size).toBe(5);
    expect(all.sort(compareEntries).map((e) => [e.kind, e.warning?.id ?? 0])).toEqual([['warning', 3], ['suggestion', 0], ['warning', 2], ['warning', 1], ['received', 0]]);
    expect(ofReceived(r).level).toBeNull();
  });

  test('is found by words of either language, by level, part and kind', () => {
    const e = ofWarning(warning({ status: 'Exercise' }));
    const f = (q: string) => readWarningFilter(new URLSearchParams(q));
    expect(passes(e, f('q=海滨'))).toBe(true);
    expect(passes(e, f('q=haibin+2026-0001'))).toBe(true);
    expect(passes(e, f('q=elsewhere'))).toBe(false);
    expect(passes(e, f('levels=red'))).toBe(false);
    expect(passes(e, f('levels=red,yellow&part=force'))).toBe(true);
    expect(passes(e, f('status=actual'))).toBe(false);
    expect(passes(e, f('status=drill'))).toBe(true);
    expect(warningQuery(f('levels=yellow,red&part=nonsense&status=x'))).toEqual({ levels: 'red,yellow', part: undefined, q: undefined, status: undefined });
  });

  test('of a partner is shown in the language that came', () => {
    const r = { texts: { fr: { event: 'Pluie' } } } as unknown as Received;
    expect(receivedText(r, 'zh-CN').event).toBe('Pluie');
    expect(receivedText({ texts: {} } as Received, 'en').event).toBe('');
  });
});

describe('what a message does', () => {
  test('is told by the server, or by its kind', () => {
    expect(changeOf({ version: 2, kind: 'update', change: 'downgrade', state: 'issued', proposed_at: '' })).toBe('downgrade');
    expect(changeOf({ version: 1, kind: 'alert', state: 'issued', proposed_at: '' })).toBe('issue');
    expect(changeOf({ version: 1, kind: 'expired', state: 'issued', proposed_at: '' })).toBe('expiry');
    expect(changeOf({ version: 1, kind: 'novel', state: 'issued', proposed_at: '' })).toBeNull();
    expect([levelChange('yellow', 'red'), levelChange('red', 'blue'), levelChange('red', 'red')]).toEqual(['upgrade', 'downgrade', 'update']);
  });
});

describe('a draft', () => {
  const text = { headline: L('H', '标'), description: L('D', '述'), instruction: L('I', '导'), expires: '2026-11-23T18:00:00Z' };

  test('is filled but where the officer has written, and gives up only what he says', () => {
    const d = draft({ touched: ['headline.en', 'expires'], words: { headline: L('mine', ''), description: L('', ''), instruction: L('', '') } as never });
    const got = fill(d, text, ZONE);
    expect([got.words.headline, got.words.description, got.expires]).toEqual([L('mine', '标'), L('D', '述'), d.expires]);
    expect(d.words.description.en, 'the draft before is as it was').toBe('');
    const anew = fill(got, text, ZONE, ['headline.en']);
    expect([anew.words.headline.en, anew.touched]).toEqual(['H', ['expires']]);
    expect(fill(d, text, ZONE, [...FILLED]).expires).toBe('2026-11-24 02:00');
    expect(fill(d, { expires: '0001-01-01T00:00:00Z', headline: null }, ZONE, [...FILLED]).expires, 'no time').toBe(d.expires);
  });

  test('has blanks until they are filled', () => {
    expect(blank('in {{area}} at once')).toBe('{{area}}');
    expect(blank('in {{area at once')).toBe('{{');
    expect(blank('in {area}')).toBe('');
  });

  test('becomes a proposal that says what it means and no more', () => {
    const ring: [number, number][] = [[1, 2], [3, 4], [5, 6]];
    const d = draft({ level: 'red', hazard: 'flood', areas: [10], drawn: [{ ring, name: L('', '') }, { ring: ring.slice(0, 2) }], expires: '2026-11-23 20:00', suggestion: 7, alert: 5 });
    expect(proposal(d, ZONE)).toMatchObject({ level: 'red', areas: [10], drawn: [{ ring }], expires: '2026-11-23T12:00:00.000Z', suggestion: 7 });
    for (const f of ['status', 'around', 'alert', 'touched']) expect(proposal(d, ZONE)).not.toHaveProperty(f);
    expect(proposal({ ...d, status: 'Test' }, ZONE)).toHaveProperty('status', 'Test');
    expect(proposal({ ...d, expires: 'soon' }, ZONE)).toBeNull();
    expect(nowhere(draft({ drawn: [{ ring: ring.slice(0, 2) }] }))).toBe(true);
    expect(nowhere(draft({ around: [{ asset: 1, metres: 500 }] }))).toBe(false);
  });

  test('of what follows starts from what is in force, and says what is different', () => {
    const w = warning({ areas: [{ id: 10, name: 'x' }, { id: 0, name: L('Market', '市场'), rings: [[[1, 2], [3, 4], [5, 6], [1, 2]]] }] });
    const d = following(w, NOW, ZONE);
    expect(place(d)).toEqual({ areas: [10], drawn: [{ name: L('Market', '市场'), ring: [[1, 2], [3, 4], [5, 6]] }] });
    expect(differences(w, d, ZONE)).toEqual([]);
    d.level = 'red';
    d.areas = [11, 10];
    d.words.headline.en = 'other';
    d.expires = '2026-11-24 08:00';
    expect(differences(w, d, ZONE)).toEqual(['level', 'areas', 'headline.en', 'expires']);
    expect(following({ ...w, pending: { ...w, level: 'orange' } as never }, NOW, ZONE).level, 'from what waits').toBe('orange');
    expect(d.touched).toEqual(FILLED);
    expect(open([[1, 2]])).toEqual([[1, 2]]);
  });

  test('survives a reload, and nothing else does', () => {
    const d = draft({ level: 'red' });
    d.words.headline.en = 'kept';
    expect(valueOf(readDraft(JSON.stringify(d), draft())!, 'headline.en')).toBe('kept');
    for (const broken of [null, '', '{', '[]', 'null', '{"areas":[]}', JSON.stringify({ ...d, words: { headline: 1 } })]) expect(readDraft(broken, draft())).toBeNull();
    expect(draftKey(new URLSearchParams('update=21'))).not.toBe(draftKey(new URLSearchParams('suggestion=21')));
    expect(draftKey(new URLSearchParams('update=../x'))).toBe(draftKey(new URLSearchParams()));
  });

  test('keeps its text while that is written for the level', () => {
    const texts = [{ id: 'a', title: L('A', '甲'), levels: ['blue' as const] }, { id: 'b', title: L('B', '乙'), levels: ['red' as const, 'orange' as const] }, { id: 'c', title: L('C', '丙'), levels: null }];
    expect(textFor(texts, 'b', 'orange')).toBe('b');
    expect(textFor(texts, 'a', 'orange')).toBe('b');
    expect(textFor(texts, '', 'yellow')).toBe('c');
    expect(textFor(texts, '', '')).toBe('a');
    expect(textFor([], 'x', 'red')).toBe('');
  });

  test('counts its headline as people do', () => expect(length(' 预警😀 ')).toBe(3));
});

test('who was not reached stands first', () => {
  const told = (delivery: number, state: Told['state'], at: string): Told => ({ delivery, version: 1, recipient: 1, title: L('', ''), channel: 'sms', state, at, ended_at: null, attempts: 1 });
  expect(byTrouble([told(1, 'sent', '2026-01-01T00:00:00Z'), told(2, 'failed', '2026-01-01T00:00:00Z'), told(3, 'dead', '2026-01-01T00:00:00Z'), told(4, 'failed', '2026-01-02T00:00:00Z'), told(5, 'odd' as never, '2026-01-01T00:00:00Z')]).map((t) => t.delivery)).toEqual([3, 4, 2, 5, 1]);
});
