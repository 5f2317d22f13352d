// Figures of the watch for tests of the page: two detectors, one post in a flood.

const undefinedShare = { low: null, high: null };

const detector = (name, en, zh, change = {}) => ({
  name, title: { en, 'zh-CN': zh }, hazard: name.split('/')[0], owner: 'gas-duty', maturity: 'trial',
  raised: 0, alarms: 0, real: 0, false: 0, unclear: 0, drill: 0, unverified: 0, missed: 0,
  verified: null, pod: null, pod_95: undefinedShare, far: null, far_95: undefinedShare, csi: null, bias: null,
  lead: { n: 0, median_s: null, tenth_s: null },
  ...change,
});

const found = {
  raised: 23, alarms: 20, real: 12, false: 4, unclear: 1, drill: 1, unverified: 2, missed: 3, verified: 0.9,
  pod: 0.8, pod_95: { low: 0.548, high: 0.93 }, far: 0.25, far_95: { low: 0.102, high: 0.495 }, csi: 12 / 19,
  lead: { n: 9, median_s: 5400, tenth_s: -300 },
};

export function figures(now = new Date('2026-11-23T06:05:09Z')) {
  const to = now.toISOString();
  const from = new Date(now.getTime() - 30 * 86_400_000).toISOString();
  const flood = now.getTime() - 5 * 86_400_000;
  return {
    from, to,
    detectors: [
      detector('gas/methane-ambient', 'Methane at the fence', '厂界甲烷'),
      detector('gas/methane-indoor', 'Methane indoors', '室内甲烷泄漏', found),
    ],
    hazards: [{ ...detector('gas', '', ''), ...found, name: 'gas', missed: 4, unwatched: 1 }],
    positions: [
      {
        position: 'gas-duty', detectors: 2,
        load: {
          alarms: 3000, per_10_min: 0.69, per_hour: 8.2, per_day: 400, over_periods: 3, over_share: 0.0007, largest: 14, largest_at_us: flood * 1000,
          floods: [{ start_us: flood * 1000, end_us: (flood + 1_200_000) * 1000, alarms: 25, largest: 14 }],
          flood_share: 0.0005, top_share: 0.42, chattering: 2, fleeting: 5, stale: 6,
        },
        top: [{ detector: 'gas/methane-indoor', title: { en: 'Methane indoors', 'zh-CN': '室内甲烷泄漏' }, asset: 104, name: { en: 'Kitchen alarm 4', 'zh-CN': '4号报警器' }, alarms: 900 }],
        returned: 7, monitoring: 3, grouped: 11, flapping: 2, rested: { alerts: 9, works: 4, shelved: 3, design: 2, counted: 1, shelvings: 1 }, stale_now: 2,
      },
    ],
    missed: [
      { case: 40, kind: 'gas-leak', hazard: 'gas', report: 71, asset: 104, at: from, detectors: ['gas/methane-indoor'] },
      { case: 38, kind: 'gas-leak', hazard: 'gas', report: 70, at: from, detectors: [] },
    ],
    targets: { per_10_min: { target: 1, limit: 2 }, per_hour: { target: 6, limit: 12 }, per_day: { target: 150, limit: 300 }, over_share: 0.01, flood_share: 0.01, top_share: 0.05, stale: 5 },
  };
}

export function loadNow(now = new Date('2026-11-23T06:05:09Z')) {
  return { at: now.toISOString(), positions: [{ position: 'gas-duty', last_10_min: 12, last_hour: 15, last_day: 60, flood_since: new Date(now.getTime() - 420_000).toISOString(), standing: 9, resting: 2 }] };
}

/** Before anything was raised. */
export function quiet() {
  const f = figures();
  const p = f.positions[0];
  return {
    ...f, detectors: [], hazards: [], missed: [],
    positions: [{ ...p, detectors: 0, top: [], returned: 0, monitoring: 0, grouped: 0, flapping: 0, stale_now: 0, rested: { alerts: 0, works: 0, shelved: 0, design: 0, counted: 0, shelvings: 0 }, load: { ...p.load, alarms: 0, per_10_min: 0, per_hour: 0, per_day: 0, over_share: 0, largest: 0, largest_at_us: 0, floods: [], flood_share: 0, top_share: null, chattering: 0, fleeting: 0, stale: 0 } }],
  };
}
