import { describe, expect, test } from 'vitest';
import { add, arrow, check, choose, circle, crosses, drop, metres, move, outlines, picture, shift, size, type Point, type Ring } from '../../src/lib/warningarea.ts';

const at: Point = [123.5, 31];
const ring = (points: Point[] = [], chosen = -1): Ring => ({ points, at: chosen, cross: at });

describe('drawing by keyboard', () => {
  test('moves by metres, whichever way', () => {
    for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight']) expect(metres(at, move(at, ...arrow(key, 100)!)), key).toBeCloseTo(100, -0.5);
    expect(arrow('j', 100)).toBeNull();
    expect(move([0, 89.9], 0, 1e6)[1], 'never over the pole').toBeLessThan(90);
  });

  test('sets, chooses, moves and removes points', () => {
    let r = ring();
    for (const [e, n] of [[0, 0], [200, 0], [0, 200]] as const) r = add(shift(r, e, n));
    expect(r.points.length).toBe(3);
    r = choose(r, 1);
    expect([r.at, r.cross]).toEqual([0, r.points[0]]);
    expect(choose(choose(r, -1), 1).at).toBe(0);
    const moved = shift(r, 0, -100);
    expect(metres(moved.points[0]!, r.points[0]!)).toBeCloseTo(100, -0.5);
    expect([moved.points[1], moved.points[2]]).toEqual([r.points[1], r.points[2]]);
    expect(add({ ...r, cross: [1, 1] }).points[1], 'after the chosen one').toEqual([1, 1]);
    expect(drop(r, 0).points).toEqual(r.points.slice(1));
    expect(drop(r, 9)).toBe(r);
    expect(choose(ring(), 1).at).toBe(-1);
  });

  test('takes only what encloses something once', () => {
    const square: Point[] = [[0, 0], [0.01, 0], [0.01, 0.01], [0, 0.01]];
    expect(check(square)).toBe('');
    expect(check([square[0]!, square[2]!, square[1]!, square[3]!])).toBe('crosses');
    expect(check(square.slice(0, 2))).toBe('few');
    expect(check([square[0]!, square[0]!, square[1]!])).toBe('few');
    expect(crosses(square.slice(0, 3))).toBe(false);
    expect(size(square)).toBeCloseTo(1.239, 2);
    expect(size(circle(at, 1000))).toBeCloseTo(Math.PI, 1);
  });
});

describe('the picture of an area', () => {
  const square: Point[] = [[0, 0], [0.01, 0], [0.01, 0.01]];
  test('closes rings, shows bands where the asset is known, and draws what is being changed once', () => {
    const p = picture([{ ring: square }, { ring: square }], [{ asset: 1, metres: 500 }, { asset: 2, metres: 500 }], (id) => (id === 1 ? at : null), { index: 1, ring: ring(square, 2) }, { cross: 'here' });
    expect(p.features.filter((f) => f.geometry.type === 'Polygon')).toHaveLength(3);
    expect(p.features.filter((f) => f.geometry.type === 'Point').map((f) => [f.properties?.label, f.properties?.chosen])).toEqual([['1', false], ['2', false], ['3', true]]);
    for (const f of p.features) if (f.geometry.type === 'Polygon') expect(f.geometry.coordinates[0]!.at(-1)).toEqual(f.geometry.coordinates[0]![0]);
    expect(picture([], [], () => null, { index: -1, ring: ring() }, { cross: 'here' }).features[0]!.properties!.label).toBe('here');
  });
  test('of a warning has its rings by name', () => {
    expect(outlines([{ id: 4, name: 'x' }, { id: 0, name: 'y', rings: [[...square, square[0]!]] }], String).features.map((f) => f.properties!.label)).toEqual(['y']);
  });
});
