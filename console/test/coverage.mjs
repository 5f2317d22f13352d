// What watches each asset of the mock city, as the server tells it.

const STATES = ['unwatched', 'mute', 'partly', 'works', 'watched', 'none'];
const RANK = ['unwatched', 'mute', 'overdue', 'partly', 'works', 'watched', 'none'];

/** The routes of coverage. `refuse` throws a problem. */
export function coverage({ c, find, clock, refuse }) {
  const works = [];
  const calibrations = [];
  const bare = new Set(c.assets.filter((a) => a.kind === 'flow-meter').map((a) => a.id)); // nobody measures these
  const ago = (minutes) => new Date(clock().getTime() - minutes * 60_000).toISOString();
  const today = () => new Date(clock().getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
  const dueOf = (d) => (d < today() ? 'overdue' : d <= new Date(clock().getTime() + 30 * 86_400_000).toISOString().slice(0, 10) ? 'soon' : 'ok');
  calibrations.push({ id: 1, asset: c.assets.find((a) => a.kind === 'regulator').id, certificate: 'JL-2025-0142', calibrated_on: '2025-11-01', due_on: '2026-11-01' });

  const line = (a) => {
    const title = { en: 'Measured value', 'zh-CN': '监测值' };
    const work = works.find((w) => w.asset === a.id && !w.ended_at && Date.parse(w.from) <= clock() && Date.parse(w.until) > clock());
    const silent = a.state === 'silent';
    const state = bare.has(a.id) ? 'unwatched' : silent ? (work ? 'works' : 'mute') : 'watched';
    const reasons = [];
    if (state === 'unwatched') reasons.push({ code: 'no_datastream', text: { en: `${title.en}: nothing measures it`, 'zh-CN': `${title['zh-CN']}：未接入监测` } });
    if (silent && !bare.has(a.id)) reasons.push({ code: 'mute', text: { en: `${title.en}: silent for 2 h 5 min, expected every 40 min`, 'zh-CN': `${title['zh-CN']}：已静默2小时5分钟，应每40分钟上报` } });
    if (work) reasons.push({ code: 'works', text: { en: `Planned works: ${work.reason}`, 'zh-CN': `计划作业：${work.reason}` } });
    const cal = calibrations.filter((x) => x.asset === a.id).at(-1);
    const due = cal && dueOf(cal.due_on);
    if (due === 'overdue') reasons.push({ code: 'calibration_overdue', text: { en: `Calibration was due on ${cal.due_on}`, 'zh-CN': `检定已于${cal.due_on}到期` } });
    const last_heard = state === 'unwatched' ? null : ago(silent ? 125 : 0.3);
    return { id: a.id, external_id: a.external_id, kind: a.kind, kind_title: a.kind_title, name: a.name, place_name: { en: '', 'zh-CN': '' }, area: a.area, area_name: c.areas.find((x) => x.id === a.area).name, point: a.point, state, late: false, judged: state !== 'unwatched', last_heard, reasons, works: work, due_on: cal?.due_on, due };
  };
  const rank = (l) => RANK.indexOf(l.due === 'overdue' && !['unwatched', 'mute'].includes(l.state) ? 'overdue' : l.state);
  const filtered = (q) =>
    c.assets
      .map(line)
      .filter((l) => !q.get('kind') || l.kind === q.get('kind'))
      .filter((l) => !q.get('area') || l.area === Number(q.get('area')))
      .filter((l) => !q.get('state') || q.get('state').split(',').includes(l.state))
      .filter((l) => !q.get('calibration') || l.due === q.get('calibration'))
      .filter((l) => q.get('late') !== 'true' && q.get('unjudged') !== 'true')
      .filter((l) => JSON.stringify([l.name, l.external_id]).toLowerCase().includes((q.get('q') ?? '').toLowerCase()));
  const counts = (ls) => ({
    assets: ls.length,
    ...Object.fromEntries(STATES.map((s) => [s, ls.filter((l) => l.state === s).length])),
    late: 0,
    unjudged: 0,
    overdue: ls.filter((l) => l.due === 'overdue').length,
    due_soon: ls.filter((l) => l.due === 'soon').length,
  });
  const by = (ls, key) => [...new Set(ls.map(key))].sort();
  const officer = (r) => r.actor.roles.includes('duty-officer') || refuse(403, 'access.denied', 'you may not shelve an alert');

  return {
    'GET /coverage': (r) => {
      const ls = filtered(r.query);
      return {
        at: clock().toISOString(),
        total: counts(ls),
        kinds: by(ls, (l) => l.kind).map((kind) => ({ kind, title: ls.find((l) => l.kind === kind).kind_title, ...counts(ls.filter((l) => l.kind === kind)) })),
        areas: by(ls, (l) => l.area).map((area) => ({ area, name: ls.find((l) => l.area === area).area_name, ...counts(ls.filter((l) => l.area === area)) })),
        cells: by(ls, (l) => `${l.kind} ${l.area}`).map((k) => ({ kind: k.split(' ')[0], area: Number(k.split(' ')[1]), ...counts(ls.filter((l) => `${l.kind} ${l.area}` === k)) })),
        datastreams: { alive: 400, late: 0, mute: 20, never: 1 },
      };
    },
    'GET /coverage/assets': (r) => {
      const limit = Number(r.query.get('limit') ?? 100);
      const from = Number(r.query.get('after') ?? 0);
      const ls = filtered(r.query).sort((a, b) => rank(a) - rank(b) || a.id - b.id);
      return { items: ls.slice(from, from + limit), next: from + limit < ls.length ? String(from + limit) : undefined };
    },
    'GET /coverage/assets.geojson': (r) => ({ type: 'FeatureCollection', features: filtered(r.query).map((l) => ({ type: 'Feature', id: l.id, geometry: { type: 'Point', coordinates: l.point }, properties: { id: l.id, kind: l.kind, name: l.name, area: l.area, state: l.state } })) }),
    'GET /assets/:id/coverage': (r) => {
      const a = find(c.assets, r.id, 'asset');
      const l = line(a);
      const liveness = l.state === 'watched' ? 'alive' : 'mute';
      const datastreams = bare.has(a.id) ? [] : c.streams.filter((s) => s.asset === a.id).slice(0, 1).map((s) => ({ id: s.id, name: s.property, liveness, last_heard: l.last_heard, every: 'PT40M', every_from: 'detector' }));
      return {
        ...l,
        properties: [{ property: 'x', title: { en: 'Measured value', 'zh-CN': '监测值' }, due: true, watched: datastreams.length > 0, judged: true, liveness, datastreams }],
        planned: works.filter((w) => w.asset === a.id && !w.ended_at && Date.parse(w.until) > clock()),
        calibrations: calibrations.filter((x) => x.asset === a.id).slice(-1).map((x) => ({ ...x, due: dueOf(x.due_on) })),
        may_announce: r.actor.roles.includes('duty-officer'),
        may_calibrate: r.actor.roles.includes('inspector'),
      };
    },
    'POST /coverage/works': (r) => {
      officer(r);
      if (!r.body.reason) refuse(422, 'coverage.no_reason', 'say what is done', 'reason');
      if (!(Date.parse(r.body.until) > clock())) refuse(422, 'coverage.over', 'this time has passed', 'until');
      const w = { id: works.length + 1, asset: r.body.asset, from: r.body.from ?? clock().toISOString(), until: r.body.until, reason: r.body.reason, by: r.actor.name, by_id: r.actor.id, created_at: clock().toISOString() };
      works.push(w);
      return w;
    },
    'POST /coverage/works/:sub/end': (r) => {
      officer(r);
      return Object.assign(works.findLast((w) => !w.ended_at) ?? refuse(404, 'coverage.no_works', 'no works are on'), { ended_at: clock().toISOString(), ended_by: r.actor.name });
    },
    'POST /coverage/calibrations': (r) => {
      if (!/^\d{4}-\d\d-\d\d$/.test(r.body.due_on)) refuse(422, 'coverage.bad_date', 'expected a date such as 2027-11-28', 'due_on');
      const x = { id: calibrations.length + 1, ...r.body };
      calibrations.push(x);
      return { ...x, due: dueOf(x.due_on) };
    },
  };
}
