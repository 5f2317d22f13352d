// The map's own style, light and dark: land, water, roads and the city's
// assets, drawn from the API alone. No tiles, no glyphs (labels use the
// machine's fonts), so nothing is asked of any other host.

import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { NOTHING } from './geo.ts';
import { ALERT_SHAPE, CASE_SHAPE, LEVELS, REPORT_SHAPE, WARNING_SHAPE } from './scales.ts';
import type { Level } from './types.ts';

/** Reads a colour of app.css as the theme has it now. */
export type Colour = (name: string) => string;

export const FONTS = ['Noto Sans', 'Noto Sans CJK SC', 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'sans-serif'];

export function style(c: Colour): StyleSpecification {
  const source = { type: 'geojson' as const, data: NOTHING };
  return {
    version: 8,
    sources: {
      base: source,
      areas: source,
      labels: source,
      lines: source,
      assets: source,
      marks: source,
      room: source,
      outlines: source,
    },
    layers: layers(c),
  };
}

function layers(c: Colour): LayerSpecification[] {
  const zoomed = (a: number, b: number): ['interpolate', ['linear'], ['zoom'], number, number, number, number] => ['interpolate', ['linear'], ['zoom'], 10, a, 16, b];
  const ground = (id: string, kinds: string[], colour: string): LayerSpecification => ({
    id,
    type: 'fill',
    source: 'base',
    filter: ['in', ['get', 'kind'], ['literal', kinds]],
    paint: { 'fill-color': c(colour) },
  });
  const street = (id: string, classes: string[], minzoom: number, width: ReturnType<typeof zoomed>): LayerSpecification => ({
    id,
    type: 'line',
    source: 'base',
    minzoom,
    filter: ['in', ['get', 'class'], ['literal', classes]],
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': c('map-road'), 'line-width': width },
  });
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': c('map-sea') } },
    { id: 'land', type: 'fill', source: 'areas', filter: ['all', ['<=', ['get', 'tier'], 0], ['!', ['get', 'water']]], paint: { 'fill-color': c('map-land') } },
    ground('base-green', ['forest', 'park'], 'map-green'),
    ground('base-built', ['built-up', 'industry', 'pier', 'breakwater'], 'map-building'),
    ground('base-beach', ['beach'], 'map-beach'),
    ground('base-water', ['water'], 'map-water'),
    street('base-lanes', ['street', 'lane'], 12, zoomed(0.3, 5)),
    street('base-roads', ['secondary'], 10.5, zoomed(0.6, 7)),
    street('base-mains', ['primary', 'expressway', 'causeway'], 0, zoomed(1.1, 9)),
    { id: 'base-rail', type: 'line', source: 'base', filter: ['==', ['get', 'class'], 'rail'], paint: { 'line-color': c('map-line'), 'line-width': 1, 'line-dasharray': [5, 2] } },
    { id: 'water', type: 'fill', source: 'areas', filter: ['get', 'water'], paint: { 'fill-color': c('map-water') } },
    {
      id: 'surfaces',
      type: 'fill',
      source: 'lines',
      filter: ['all', ['==', ['geometry-type'], 'Polygon'], ['get', 'water']],
      paint: { 'fill-color': c('map-water') },
    },
    {
      id: 'cells',
      type: 'line',
      source: 'areas',
      minzoom: 12.5,
      filter: ['>', ['get', 'tier'], 1],
      paint: { 'line-color': c('map-cell'), 'line-width': 1 },
    },
    {
      id: 'towns',
      type: 'line',
      source: 'areas',
      minzoom: 11.5,
      filter: ['==', ['get', 'tier'], 1],
      paint: { 'line-color': c('map-line'), 'line-width': 0.7, 'line-dasharray': [4, 3] },
    },
    {
      id: 'buildings',
      type: 'fill',
      source: 'lines',
      minzoom: 12.5,
      filter: ['all', ['==', ['geometry-type'], 'Polygon'], ['!', ['get', 'water']]],
      paint: { 'fill-color': c('map-building'), 'fill-outline-color': c('map-cell') },
    },
    {
      id: 'rivers',
      type: 'line',
      source: 'lines',
      filter: ['all', ['==', ['geometry-type'], 'LineString'], ['get', 'water']],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c('map-water'), 'line-width': zoomed(2, 14) },
    },
    {
      id: 'roads',
      type: 'line',
      source: 'lines',
      filter: ['all', ['==', ['geometry-type'], 'LineString'], ['get', 'road']],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c('map-road'), 'line-width': zoomed(0.7, 6) },
    },
    {
      id: 'pipes',
      type: 'line',
      source: 'assets',
      filter: ['==', ['geometry-type'], 'LineString'],
      minzoom: 11,
      paint: { 'line-color': c('map-pipe'), 'line-width': zoomed(0.8, 2.2), 'line-dasharray': [4, 1.5] },
    },
    {
      id: 'districts',
      type: 'line',
      source: 'areas',
      filter: ['<=', ['get', 'tier'], 0],
      paint: { 'line-color': c('map-line'), 'line-width': 1.2 },
    },
    {
      id: 'warned',
      type: 'line',
      source: 'areas',
      filter: ['==', ['get', 'id'], -1],
      paint: { 'line-color': c('ink'), 'line-width': 3 },
    },
    {
      id: 'assets',
      type: 'symbol',
      source: 'assets',
      filter: ['==', ['geometry-type'], 'Point'],
      layout: {
        'icon-image': ['concat', 'asset-', ['get', 'state']],
        'icon-size': zoomed(0.55, 1.1),
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        // What is silent must not hide below what is well.
        'symbol-sort-key': ['match', ['get', 'state'], 'ok', 0, 'unknown', 1, 'silent', 2, 3],
      },
    },
    {
      id: 'cell-names',
      type: 'symbol',
      source: 'labels',
      minzoom: 12,
      filter: ['any', ['==', ['get', 'tier'], 1], ['all', ['>', ['get', 'tier'], 1], ['>=', ['zoom'], 14]]],
      layout: { 'text-field': ['get', 'name'], 'text-font': FONTS, 'text-size': 11 },
      paint: { 'text-color': c('map-text'), 'text-halo-color': c('map-halo'), 'text-halo-width': 1.4 },
    },
    {
      id: 'area-names',
      type: 'symbol',
      source: 'labels',
      filter: ['==', ['get', 'tier'], 0],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONTS,
        'text-size': ['interpolate', ['linear'], ['zoom'], 9, 12, 14, 16],
        'text-letter-spacing': 0.04,
        'text-max-width': 8,
      },
      paint: { 'text-color': c('map-text'), 'text-halo-color': c('map-halo'), 'text-halo-width': 1.6 },
    },
    // Where warnings hold that are more than areas of the register: ours in whole lines, others' in dashes.
    {
      id: 'outline-fills',
      type: 'fill',
      source: 'outlines',
      paint: { 'fill-color': ['match', ['get', 'level'], ...LEVELS.flatMap((l) => [l, c(l)]), c('mute')] as unknown as string, 'fill-opacity': ['case', ['get', 'chosen'], 0.3, 0.12] },
    },
    {
      id: 'outline-ours',
      type: 'line',
      source: 'outlines',
      filter: ['!', ['get', 'theirs']],
      paint: { 'line-color': c('ink'), 'line-width': ['case', ['get', 'chosen'], 4, 3] },
    },
    {
      id: 'outline-theirs',
      type: 'line',
      source: 'outlines',
      filter: ['get', 'theirs'],
      paint: { 'line-color': ['match', ['get', 'level'], ...LEVELS.flatMap((l) => [l, c(`${l}-edge`)]), c('ink-2')] as unknown as string, 'line-width': ['case', ['get', 'chosen'], 4, 2.4], 'line-dasharray': [2, 1.6] },
    },
    // What people have drawn in a joint room: one colour of its own, told apart by form and words.
    {
      id: 'room-areas',
      type: 'fill',
      source: 'room',
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': c('pick-edge'), 'fill-opacity': ['case', ['get', 'chosen'], 0.34, 0.16] },
    },
    {
      id: 'room-lines',
      type: 'line',
      source: 'room',
      filter: ['all', ['!=', ['geometry-type'], 'Point'], ['!', ['get', 'draft']]],
      paint: { 'line-color': c('pick-edge'), 'line-width': ['case', ['get', 'chosen'], 5, 3] },
    },
    {
      id: 'room-draft',
      type: 'line',
      source: 'room',
      filter: ['all', ['!=', ['geometry-type'], 'Point'], ['get', 'draft']],
      paint: { 'line-color': c('pick-edge'), 'line-width': 3, 'line-dasharray': [2, 2] },
    },
    {
      id: 'room-points',
      type: 'circle',
      source: 'room',
      filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-radius': ['case', ['get', 'chosen'], 9, 6], 'circle-color': c('surface'), 'circle-stroke-color': c('pick-edge'), 'circle-stroke-width': 3 },
    },
    {
      id: 'room-labels',
      type: 'symbol',
      source: 'room',
      layout: {
        'text-field': ['get', 'label'],
        'text-font': FONTS,
        'text-size': 13,
        'text-anchor': 'top',
        'text-offset': [0, 0.8],
        'text-max-width': 10,
        'symbol-placement': 'point',
      },
      paint: { 'text-color': c('ink'), 'text-halo-color': c('map-halo'), 'text-halo-width': 2 },
    },
    {
      id: 'chosen',
      type: 'circle',
      source: 'marks',
      filter: ['get', 'selected'],
      paint: { 'circle-radius': 17, 'circle-color': c('surface'), 'circle-opacity': 0.85, 'circle-stroke-color': c('pick-edge'), 'circle-stroke-width': 3 },
    },
    {
      id: 'marks',
      type: 'symbol',
      source: 'marks',
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'symbol-sort-key': ['get', 'order'],
        'symbol-z-order': 'source',
      },
    },
  ];
}

export const ICON = 22;

/** Every drawing that a symbol layer may name, at twice the size for sharp screens. */
export function icons(c: Colour): Map<string, ImageData> {
  const out = new Map<string, ImageData>();
  const scale = 2;
  const px = ICON * scale;
  const draw = (name: string, fn: (g: CanvasRenderingContext2D) => void) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = px;
    const g = canvas.getContext('2d')!;
    // The shapes are drawn in a box of 16, with room for the halo around it.
    g.scale(px / 20, px / 20);
    g.translate(2, 2);
    g.lineJoin = 'round';
    fn(g);
    out.set(name, g.getImageData(0, 0, px, px));
  };
  const shape = (d: string, level: Level | null, weight: string, dashes: number[] = []) => (g: CanvasRenderingContext2D) => {
    const p = new Path2D(d);
    const tone = level ? c(level) : c('ink-2');
    const edge = level ? c(`${level}-edge`) : c('ink-2');
    // A halo, so that a mark stands out from whatever it lies on.
    g.lineWidth = 3.6;
    g.strokeStyle = c('surface');
    g.stroke(p);
    g.fillStyle = weight === 'solid' ? tone : c('surface');
    g.fill(p);
    g.setLineDash(dashes);
    g.lineWidth = weight === 'outline' ? 2.4 : 1.3;
    g.strokeStyle = weight === 'faint' ? c('mute') : weight === 'solid' || level === 'yellow' ? edge : tone;
    g.stroke(p);
    if (weight === 'outline' && (level === 'yellow' || dashes.length)) {
      g.globalAlpha = 0.5;
      g.fillStyle = tone;
      g.fill(p);
    }
  };
  const ring = new Path2D('M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z');
  // Stale or silent: grey and hatched, never a colour.
  const hatched = (g: CanvasRenderingContext2D) => {
    g.fillStyle = c('surface');
    g.fill(ring);
    g.save();
    g.clip(ring);
    g.strokeStyle = c('mute');
    g.lineWidth = 1.4;
    for (let x = -16; x < 32; x += 3.2) {
      g.beginPath();
      g.moveTo(x, 16);
      g.lineTo(x + 16, 0);
      g.stroke();
    }
    g.restore();
    g.lineWidth = 1.8;
    g.strokeStyle = c('mute');
    g.stroke(ring);
  };
  for (const weight of ['solid', 'outline']) draw(`alert-none-${weight}`, hatched);
  for (const level of [...LEVELS, null]) {
    for (const weight of ['solid', 'outline', 'faint']) {
      const end = `-${level ?? 'none'}-${weight}`;
      if (level || weight === 'faint') draw('alert' + end, shape(ALERT_SHAPE[level ?? 'blue'], level, weight));
      draw('warning' + end, shape(WARNING_SHAPE, level, weight));
      if (weight === 'outline') draw('relayed' + end, shape(WARNING_SHAPE, level, weight, [3.4, 1.2]));
      draw('case' + end, shape(CASE_SHAPE, level, weight));
    }
  }
  draw('report-none-outline', shape(REPORT_SHAPE, null, 'outline'));
  draw('report-none-faint', shape(REPORT_SHAPE, null, 'faint'));
  draw('asset-ok', (g) => {
    g.fillStyle = c('map-asset');
    g.strokeStyle = c('map-land');
    g.lineWidth = 1.5;
    const dot = new Path2D('M8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8z');
    g.fill(dot);
    g.stroke(dot);
  });
  draw('asset-unknown', (g) => {
    g.fillStyle = c('surface');
    g.fill(ring);
    g.setLineDash([2.4, 2]);
    g.lineWidth = 1.8;
    g.strokeStyle = c('mute');
    g.stroke(ring);
  });
  draw('asset-silent', hatched);
  // In alarm without a mark of its own in the list at hand: the same dot, ringed.
  draw('asset-alert', (g) => {
    g.fillStyle = c('ink');
    g.strokeStyle = c('surface');
    g.lineWidth = 1.6;
    g.fill(ring);
    g.stroke(ring);
  });
  return out;
}
