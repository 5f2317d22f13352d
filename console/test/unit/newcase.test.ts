import { describe, expect, it } from 'vitest';
import { newCaseBody, offered, type Draft, type OfferedKind } from '../../src/lib/newcase.ts';

const request: OfferedKind = { id: 'request', title: { en: 'Request' }, asks: [{ field: 'subject', title: { en: 'About' }, options: [{ id: 'land', title: { en: 'Land' } }] }] };
const dispute: OfferedKind = { id: 'dispute', title: { en: 'Dispute' }, private: true, asks: [] };
const draft = (d: Partial<Draft> = {}): Draft => ({ title: ' Hole ', text: ' ', level: '', owner: '', by: 'asset', asset: 0, area: '', point: '', fields: {}, ...d });

describe('a case opened by a person', () => {
  it('sends what was filled in and nothing else', () => {
    expect(newCaseBody(request, draft())).toEqual({ kind: 'request', title: 'Hole' });
    expect(newCaseBody(request, draft({ text: 'deep', level: 'red', owner: '5', asset: 9, area: '3', point: '31, 123', fields: { subject: 'land', of_another_kind: 'x' } }))).toEqual({
      kind: 'request', title: 'Hole', text: 'deep', level: 'red', owner: 5, asset: 9, fields: { subject: 'land' },
    });
  });

  it('sends the one place that was chosen', () => {
    expect(newCaseBody(request, draft({ by: 'area', asset: 9, area: '3' }))).toMatchObject({ area: 3 });
    expect(newCaseBody(request, draft({ by: 'area', asset: 9, area: '3' }))).not.toHaveProperty('asset');
    expect(newCaseBody({ ...request, assigned: true }, draft({ owner: '5' }))).not.toHaveProperty('owner');
    expect(newCaseBody(request, draft({ by: 'point', asset: 9, point: '31, 123' }))).toMatchObject({ point: [123, 31] });
  });

  it('gives a private case no level, and offers no lesson', () => {
    expect(newCaseBody(dispute, draft({ level: 'red' }))).toEqual({ kind: 'dispute', title: 'Hole' });
    expect(offered([request, { id: 'lesson', title: { en: 'Lesson' }, asks: [] }, dispute])).toEqual([request, dispute]);
  });
});
