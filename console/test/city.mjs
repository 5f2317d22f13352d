// A small invented harbour city for the mock server. Everything is computed, so
// that every run draws the same picture. Its coordinates lie in open sea.

const LON = 123.52;
const LAT = 31.06;
const kx = 1 / 95444.8;
const ky = 1 / 110870.5;
const at = (x, y) => [round(LON + x * kx), round(LAT + y * ky)];
const round = (v) => Math.round(v * 1e6) / 1e6;

function random(seed) {
  let s = seed >>> 0;
  return () => ((s = (Math.imul(s, 1664525) + 1013904223) >>> 0) / 4294967296);
}

// The coast runs from the south-west to the north-east; the sea lies east of it.
const coast = (y) => 7600 + 1500 * Math.sin(y / 2900) + 500 * Math.sin(y / 1100 + 1) + (Math.abs(y - 5200) < 900 ? -1500 * Math.cos(((y - 5200) / 900) * (Math.PI / 2)) : 0);
const river = (x) => 5200 + 700 * Math.sin(x / 1700) - 0.02 * x;
const west = (y) => 500 + 260 * Math.sin(y / 1400);

function strip(y0, y1, x0, x1) {
  const ring = [];
  for (let y = y0; y <= y1; y += 150) ring.push(at(x1(y), y));
  for (let y = y1; y >= y0; y -= 150) ring.push(at(x0(y), y));
  ring.push(ring[0]);
  return { type: 'Polygon', coordinates: [ring] };
}

const DISTRICTS = [
  ['haibin', 'Haibin', '海滨区', 0, 3600, (y) => 4100 + 200 * Math.sin(y / 700), coast],
  ['gangwan', 'Gangwan', '港湾区', 3600, 6900, (y) => 4300 + 240 * Math.sin(y / 900), coast],
  ['beishan', 'Beishan', '北山区', 6900, 10200, (y) => 3800 + 300 * Math.sin(y / 1000), coast],
  ['xicheng', 'Xicheng', '西城区', 0, 5100, west, (y) => (y < 3600 ? 4100 + 200 * Math.sin(y / 700) : 4300 + 240 * Math.sin(y / 900))],
  ['longtan', 'Longtan', '龙潭县', 5100, 10200, west, (y) => (y < 6900 ? 4300 + 240 * Math.sin(y / 900) : 3800 + 300 * Math.sin(y / 1000))],
];

const KINDS = [
  ['fence-monitor', 'Fence-line methane monitor', '厂界甲烷监测仪', 'gas', 'methane-ambient', 'ppm', 2.1],
  ['kitchen-alarm', 'Restaurant gas alarm', '餐饮场所燃气报警器', 'gas', 'methane', '%LEL', 0.2],
  ['regulator', 'Gas pressure regulator', '燃气调压站', 'gas', 'pressure', 'kPa', 280],
  ['water-gauge', 'River gauge', '河道水位站', 'flood', 'level', 'm', 3.4],
  ['flow-meter', 'District flow meter', '供水分区流量计', 'water', 'flow', 'm³/h', 410],
];

export function city() {
  const areas = [];
  DISTRICTS.forEach(([code, en, zh, y0, y1, x0, x1], i) => {
    const id = 10 + i;
    areas.push({ id, external_id: `langang/${code}`, level: 'district', name: { en, 'zh-CN': zh }, geometry: strip(y0, y1, x0, x1) });
    let n = 0;
    const step = 850;
    for (let y = y0; y < y1 - 10; y += step) {
      const top = Math.min(y1, y + step);
      for (let k = 0; k < 4; k++) {
        const a = (yy) => x0(yy) + ((x1(yy) - x0(yy)) * k) / 4;
        const b = (yy) => x0(yy) + ((x1(yy) - x0(yy)) * (k + 1)) / 4;
        n++;
        areas.push({
          id: 1000 + i * 100 + n,
          external_id: `langang/${code}/g${n}`,
          level: 'grid',
          name: { en: `${en} cell ${n}`, 'zh-CN': `${zh.slice(0, 2)}第${n}网格` },
          parent: id,
          geometry: strip(y, top, a, b),
        });
      }
    }
  });

  const line = (points) => ({ type: 'LineString', coordinates: points.map(([x, y]) => at(x, y)) });
  const places = [];
  const road = (id, name, points, kind = 'road') => places.push({ id, kind, name, geometry: line(points) });
  const along = (from, to, step, fn) => {
    const out = [];
    for (let v = from; v <= to; v += step) out.push(fn(v));
    return out;
  };
  road(1, { en: 'Longtan River', 'zh-CN': '龙潭河' }, along(400, 6900, 120, (x) => [x, river(x)]), 'river');
  road(2, { en: 'Binhai Avenue', 'zh-CN': '滨海大道' }, along(200, 10000, 150, (y) => [coast(y) - 700, y]));
  road(3, { en: 'Ring Road West', 'zh-CN': '西环路' }, along(200, 10000, 200, (y) => [west(y) + 1400, y]));
  let rid = 10;
  for (let y = 700; y < 10000; y += 620) {
    if (Math.abs(y - 5200) < 300) continue;
    road(rid++, { en: `Street ${rid}`, 'zh-CN': `${rid}号路` }, along(west(y) + 500, coast(y) - 500, 300, (x) => [x, y + 90 * Math.sin(x / 900)]));
  }
  for (let x = 2200; x < 6600; x += 560) {
    road(rid++, { en: `Avenue ${rid}`, 'zh-CN': `${rid}号大街` }, along(400, 4700, 260, (y) => [x + 70 * Math.sin(y / 800), y]));
    road(rid++, { en: `Avenue ${rid}`, 'zh-CN': `${rid}号大街` }, along(5900, 9900, 260, (y) => [x + 70 * Math.sin(y / 800), y]));
  }

  const rnd = random(7);
  const districtOf = (x, y) => {
    const i = DISTRICTS.findIndex(([, , , y0, y1, x0, x1]) => y >= y0 && y < y1 && x >= x0(y) && x < x1(y));
    return i < 0 ? null : i;
  };
  const assets = [];
  const streams = [];
  for (let n = 0; assets.length < 260 && n < 2000; n++) {
    const y = 250 + rnd() * 9700;
    const x = west(y) + 300 + rnd() * (coast(y) - west(y) - 500);
    const d = districtOf(x, y);
    if (d === null) continue;
    const id = 101 + assets.length;
    const k = KINDS[id % KINDS.length];
    const [, den, dzh] = DISTRICTS[d];
    const roll = rnd();
    const asset = {
      id,
      external_id: `${k[0]}-${String(id).padStart(4, '0')}`,
      kind: k[0],
      kind_title: { en: k[1], 'zh-CN': k[2] },
      pack: k[3],
      name: { en: `${k[1]} ${den} ${id}`, 'zh-CN': `${dzh}${k[2]}${id}号` },
      place: null,
      area: 10 + d,
      organisation: 5,
      point: at(x, y),
      state: roll < 0.05 ? 'silent' : roll < 0.08 ? 'unknown' : 'ok',
      alert_level: null,
    };
    assets.push(asset);
    streams.push({ id: 5000 + id, asset: id, name: { en: propertyName(k[4])[0], 'zh-CN': propertyName(k[4])[1] }, property: `${k[3]}/${k[4]}`, unit: k[5], base: k[6] });
    streams.push({ id: 7000 + id, asset: id, name: { en: 'Battery', 'zh-CN': '电池电量' }, property: `${k[3]}/battery`, unit: '%', base: 92 });
  }
  return { areas, places, assets, streams, at };
}

function propertyName(p) {
  return { 'methane-ambient': ['Methane in open air', '环境甲烷浓度'], methane: ['Methane', '甲烷浓度'], pressure: ['Pressure', '压力'], level: ['Water level', '水位'], flow: ['Flow', '流量'] }[p];
}
