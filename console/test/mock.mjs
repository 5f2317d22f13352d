// A server that speaks the console's contract from memory, for page tests and
// for looking at pages. It is strict where the console could be careless: a
// POST without an Idempotency-Key is refused, and a repeated key repeats the
// answer, not the deed. Run alone: node test/mock.mjs [port]

import { readFile, stat } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { board } from './board.mjs';
import { city } from './city.mjs';
import { coverage } from './coverage.mjs';
import { inbox } from './inbox.mjs';
import { duty } from './duty.mjs';
import { keep } from './keep.mjs';
import { requests as withRequests } from './requests.mjs';
import { warnings } from './warnings.mjs';

/** The built console: another folder for whoever builds while others test. */
export const dist = process.env.CONSOLE_DIST ?? fileURLToPath(new URL('../dist/', import.meta.url));
// The same words as embed.go; pages.test.mjs compares the two.
export const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; worker-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

const OFFICERS = {
  'duty-officer': { id: 1, name: 'Lin Hai', organisation: 2, organisation_name: { en: 'City emergency bureau', 'zh-CN': '市应急管理局' }, roles: ['duty-officer'] },
  'second-officer': { id: 2, name: 'Zhou Min', organisation: 2, organisation_name: { en: 'City emergency bureau', 'zh-CN': '市应急管理局' }, roles: ['duty-officer', 'inspector'] },
  drainage: { id: 3, name: 'demo-drainage', organisation: 3, organisation_name: { en: 'Langang Drainage Company', 'zh-CN': '澜港排水有限公司' }, roles: ['operator'] },
  administrator: { id: 4, name: 'city-administrator', organisation: 2, organisation_name: { en: 'City emergency bureau', 'zh-CN': '市应急管理局' }, roles: ['administrator'] },
};

// A few of those that the packs name; others are shown by their ids.
const POSTS = {
  'flood-crew': { en: 'Flood crew', 'zh-CN': '防汛抢险队' },
  'gas-crew': { en: 'Gas repair crew', 'zh-CN': '燃气抢修队' },
  'pump-crew': { en: 'Pump crew', 'zh-CN': '排涝抢险队' },
  'town-duty': { en: 'Town duty office', 'zh-CN': '街镇值班室' },
};

class Problem extends Error {
  constructor(status, code, detail, field = '', more = undefined) {
    super(detail);
    Object.assign(this, { status, code, field, more });
  }
}

/** Start a city. `now` is frozen unless the test moves it. `keeps`: messages, partners and verdicts as keep.mjs has them. */
export async function startMock({ port = 0, now = Date.parse('2026-11-23T06:05:09Z'), ticking = false, demo = true, keeps = false } = {}) {
  const started = Date.now();
  const clock = () => new Date(ticking ? now + (Date.now() - started) : now);
  const ago = (minutes) => new Date(clock().getTime() - minutes * 60_000).toISOString();
  const c = city();
  const world = seed(c, ago);
  const sessions = new Map();
  const keys = new Map();
  const requests = [];
  const live = new Set();
  let seq = 1000;
  const log = [];
  let cut = false;

  function emit(subject, data = {}) {
    const id = ++seq;
    const text = `event: ${subject}\nid: ${id}\ndata: ${JSON.stringify({ subject, ...data })}\n\n`;
    log.push({ id, text });
    for (const res of live) res.write(text);
  }

  const actor = (req) => sessions.get(/(?:^|;\s*)sid=(\w+)/.exec(req.headers.cookie ?? '')?.[1]);
  const sessionBody = (a) => ({
    actor: a,
    demo,
    city: { name: { en: 'Langang', 'zh-CN': '澜港市' }, time_zone: 'Asia/Shanghai', bounds: null },
    version: 'v0.1.0-test',
  });

  async function body(req) {
    const chunks = [];
    for await (const ch of req) chunks.push(ch);
    const raw = Buffer.concat(chunks);
    const type = req.headers['content-type'] ?? '';
    if (type.startsWith('multipart/form-data')) return multipart(raw, type);
    if (!raw.length) return {};
    try {
      return JSON.parse(raw.toString());
    } catch {
      throw new Problem(400, 'web.bad_json', 'the body is not JSON');
    }
  }

  const find = (list, id, what) => {
    const x = list.find((x) => x.id === Number(id));
    if (!x) throw new Problem(404, `${what}.unknown`, `there is no ${what} ${id}`);
    return x;
  };
  const filter = (items, q, open) => (q.get('state') === 'all' ? items : items.filter(open));
  const stream = (id) => {
    const s = find(c.streams, id, 'datastream');
    const latest = world.silent.has(s.asset) ? null : { at: ago(s.old ?? 0.3), value: world.homes.has(s.asset) ? null : (world.latest.get(s.id) ?? value(s, clock().getTime())) };
    return { id: s.id, name: s.name, property: s.property, unit: s.unit, count: 40210 + s.id, latest };
  };

  const shownStream = (id) => {
    const s = find(c.streams, id, 'datastream');
    if (world.homes.has(s.asset)) throw new Problem(403, 'sensing.home', 'a sensor in a home shows whether it is alive, and no values');
    return s;
  };
  /** Outages, so that gaps are seen: some minutes now and then, and most of a day once. */
  const spoke = (s, ts) => {
    const back = clock().getTime() - ts;
    if (back < (s.old ?? 0) * 60_000 || back > 40 * 86_400_000) return false;
    return ((ts / 60_000) | 0) % 397 >= 12 && !(back > 4 * 86_400_000 && back < 4.7 * 86_400_000);
  };

  const refuse = (...what) => {
    throw new Problem(...what);
  };
  const plans = board({ clock, emit, refuse, ids: () => ++world.ids });
  const boxes = inbox({ clock, emit, refuse });
  const services = withRequests({ clock, emit, refuse, find, world });
  const warned = warnings({ c, world, find, clock, refuse, emit });
  const kept = keep({ c, clock, refuse, emit, world });
  const api = {
    ...kept.routes,
    ...warned.routes,
    ...(keeps ? kept.routes : {}),
    ...plans.routes,
    ...services.routes,
    ...boxes.routes,
    'POST /cases/:id/tasks/:sub/acknowledge': (r) => (boxes.items.some((i) => i.what === 'task' && i.id === Number(r.sub)) ? boxes.take(r) : (world.cases.some((x) => x.id === Number(r.id) && x.kind === 'request') ? services : plans).routes['POST /cases/:id/tasks/:sub/acknowledge'](r)),
    ...coverage({ c, find, clock, refuse }),
    ...duty({ c, world, find, clock, refuse, emit }),
    'GET /session': (r) => {
      if (!r.actor) throw new Problem(401, 'access.sign_in', 'nobody is signed in');
      return sessionBody(r.actor);
    },
    'GET /session/demo': () => ({
      demo,
      notice: L('Demo', '演示'),
      posts: demo
        ? [
            { as: 'drainage', title: L('Langang Drainage Company', '澜港排水有限公司') },
            { as: 'traffic', title: L('Langang Traffic Police', '澜港市公安局交通警察支队') },
            { as: 'power', title: L('Langang Power Supply Company', '澜港供电公司') },
            { as: 'town', title: L('Yancang Subdistrict Office', '盐仓街道办事处') },
          ]
        : [],
    }),
    'POST /session': (r) => {
      const found = Object.values(OFFICERS).find((o) => o.name === r.body.name && r.body.password === 'a long pass phrase');
      if (!found) throw new Problem(401, 'access.wrong_credentials', 'name or password is wrong');
      return signIn(r, found);
    },
    'POST /session/demo': (r) => {
      if (!demo) throw new Problem(403, 'access.no_demo', 'this server is not a demo');
      return signIn(r, OFFICERS[r.body.as]);
    },
    'DELETE /session': (r) => {
      sessions.delete(r.sid);
      return null;
    },
    'GET /areas': () => ({ items: c.areas }),
    'GET /posts': () => ({ posts: POSTS }),
    'GET /places': (r) => {
      if (Number(r.query.get('limit')) > 1000) throw new Problem(422, 'web.invalid', 'limit is at most 1000', 'limit');
      const from = Number(r.query.get('after') ?? 0);
      return { items: c.places.slice(from, from + 20), next: from + 20 < c.places.length ? String(from + 20) : undefined };
    },
    'GET /assets': (r) => {
      const q = (r.query.get('q') ?? '').toLowerCase();
      const limit = Number(r.query.get('limit') ?? 50);
      const after = Number(r.query.get('after') ?? 0);
      const all = c.assets.filter(
        (a) => a.id > after && (!q || JSON.stringify([a.name, a.external_id]).toLowerCase().includes(q)) && (!r.query.get('kind') || a.kind === r.query.get('kind')) && (!r.query.get('state') || a.state === r.query.get('state')),
      );
      return { items: all.slice(0, limit), next: all.length > limit ? all[limit - 1].id : null };
    },
    'GET /assets.geojson': () => ({ type: 'FeatureCollection', features: c.assets.map((a) => ({ type: 'Feature', id: a.id, geometry: { type: 'Point', coordinates: a.point }, properties: { ...a, point: undefined } })) }),
    'GET /assets/:id': (r) => {
      const a = find(c.assets, r.id, 'asset');
      return {
        ...a,
        datastreams: c.streams.filter((s) => s.asset === a.id).map((s) => stream(s.id)),
        duties: [
          { kind: 'enterprise', organisation: 5, organisation_name: { en: 'Langang Gas Company', 'zh-CN': '澜港燃气公司' } },
          { kind: 'regulator', organisation: 3, organisation_name: { en: 'Housing and construction bureau', 'zh-CN': '市住房和城乡建设局' } },
          { kind: 'territory', organisation: 7, organisation_name: { en: 'Gangwan district', 'zh-CN': '港湾区人民政府' } },
        ],
      };
    },
    'GET /datastreams/:id/history': (r) => {
      const s = shownStream(r.id);
      const from = Date.parse(r.query.get('from'));
      const to = Date.parse(r.query.get('to'));
      const items = [];
      for (let ts = Math.ceil(from / STEP) * STEP; ts <= to; ts += STEP) {
        if (!spoke(s, ts)) continue;
        const item = { at: new Date(ts).toISOString(), value: value(s, ts) + bump(world, s, ts, clock().getTime()) };
        // One gauge is doubtful at times: it sends twice, and more than its tube is long.
        const nth = ts / STEP;
        if (s.id === MARKED && nth % 20 === 0) Object.assign(item, { value: s.base * 1.3, marks: ['range'] });
        items.push(item);
        if (s.id === MARKED && nth % 40 === 0) items.push({ ...item, marks: ['duplicate', 'range'] });
      }
      return { items: items.slice(-Number(r.query.get('limit') ?? 1000)), unit: s.unit };
    },
    'GET /datastreams/:id/buckets': (r) => {
      const s = shownStream(r.id);
      const to = Date.parse(r.query.get('to') ?? clock().toISOString());
      const begin = clock().getTime() - 40 * 86_400_000;
      const from = r.query.has('from') ? Date.parse(r.query.get('from')) : begin;
      const count = Number(r.query.get('count'));
      if (!(count >= 1 && count <= 10_000)) throw new Problem(422, 'web.invalid', 'count is 1 to 10000', 'count');
      const width = Math.ceil((to - from) / count);
      const items = [];
      for (let b = from; b < to; b += width) {
        const values = [];
        const every = Math.max(1, Math.floor(width / STEP / 12)) * STEP;
        for (let ts = Math.ceil(Math.max(b, begin) / STEP) * STEP; ts < Math.min(b + width, to, clock().getTime()); ts += every) if (spoke(s, ts)) values.push(value(s, ts) + bump(world, s, ts, clock().getTime()));
        if (values.length) items.push({ from: new Date(b).toISOString(), count: values.length * (every / STEP), avg: values.reduce((p, q) => p + q) / values.length, min: Math.min(...values), max: Math.max(...values), last: values.at(-1) });
      }
      return { items, unit: s.unit, interval: `PT${width / 1000}S` };
    },
    'GET /datastreams/:id/readings.csv': (r) => ({ raw: `datastream,at,value,unit,until,result_time,marks\n# from ${r.query.get('from')} to ${r.query.get('to')}\n`, type: 'text/csv; charset=utf-8' }),
    'GET /alerts/:id': (r) => {
      const a = find(world.alerts, r.id, 'alert');
      const history = [{ id: 1, at: a.raised_at, kind: 'raised', level: a.level, because: a.because }];
      if (a.acknowledged_at) history.push({ id: 2, at: a.acknowledged_at, kind: 'acknowledged', level: a.level, actor: a.acknowledged_by, note: a.note });
      if (a.works?.over_at) history.push({ id: 4, at: a.works.over_at, kind: 'works_over', level: a.level, actor: a.attended_by });
      if (a.cleared_at) history.push({ id: 3, at: a.cleared_at, kind: 'cleared', level: a.level, note: 'condition' });
      return { ...a, ...told(a), origin: a.origin ? true : undefined, instruments: instruments(a), history: [...history, ...(a.steps ?? [])] };
    },
    'GET /alerts/:id/origin': (r) => {
      const a = find(world.alerts, r.id, 'alert');
      if (!a.origin) throw new Problem(404, 'alert.no_origin', 'of this alert it is not worked out where it comes from');
      return a.origin;
    },
    'GET /alerts': (r) => {
      const lead = Number(r.query.get('lead') ?? 0);
      const limit = Number(r.query.get('limit') ?? 100);
      if (limit > 1000) throw new Problem(422, 'web.invalid', 'limit is at most 1000', 'limit');
      const after = Number(r.query.get('after') ?? 0) || Infinity;
      const items = filter(world.alerts, r.query, (a) => a.state !== 'cleared').filter((a) => (!lead || a.lead === lead) && a.id < after).sort((a, b) => b.id - a.id);
      return { items: items.slice(0, limit).map((a) => ({ ...a, ...told(a), origin: undefined })), resting: world.alerts.filter((a) => told(a).rests).length, next: items.length > limit ? items[limit - 1].id : undefined };
    },
    'POST /alerts/:id/attend': (r) => {
      const a = find(world.alerts, r.id, 'alert');
      if (!a.works && !a.shelf && !a.design) throw new Problem(409, 'alert.no_rest', 'this alert does not rest');
      const over_at = clock().toISOString();
      if (a.works) a.works = { ...a.works, rests: false, over_at };
      if (a.shelf) a.shelf = { ...a.shelf, over_at };
      if (a.design) a.design = { ...a.design, over_at };
      if (a.shelf) step(a, 'shelf_over', r.actor.name);
      a.attended_by = r.actor.name;
      emit('alert.rest_over', { alert: a.id });
      return { ...a, ...told(a) };
    },
    'POST /alerts/:id/shelve': (r) => {
      const a = find(world.alerts, r.id, 'alert');
      if (!r.body.reason) throw new Problem(422, 'alert.reason_missing', 'shelving needs a reason', 'reason');
      const ahead = Date.parse(r.body.until) - clock().getTime();
      if (!(ahead > 0)) throw new Problem(422, 'alert.shelf_past', 'the end of the shelving has passed', 'until');
      if (ahead > 24 * 3_600_000) throw new Problem(422, 'alert.shelf_long', 'an alert may be shelved for 24h at most', 'until');
      if (/refuse/.test(r.body.reason)) throw new Problem(422, 'alert.reason_missing', 'Say it in other words.', 'reason');
      a.shelf = { shelf: ++world.ids, until: r.body.until, reason: r.body.reason, by: r.actor.name, over_at: null };
      step(a, 'shelved', r.actor.name, r.body.reason);
      return { ...a, ...told(a) };
    },
    'POST /alerts/:id/verdict': (r) => {
      const a = find(world.alerts, r.id, 'alert');
      if (!['real', 'false', 'unclear', 'drill'].includes(r.body.verdict)) throw new Problem(422, 'alert.verdict', 'unknown verdict', 'verdict');
      if (r.body.onset && Date.parse(r.body.onset) < Date.parse(a.since) - 86_400_000) throw new Problem(422, 'alert.onset', 'That is a day before the first reading.', 'onset');
      a.outcome = { verdict: r.body.verdict, onset: r.body.onset ?? null, note: r.body.note ?? '', by: r.actor.name, at: clock().toISOString() };
      step(a, 'verdict', r.actor.name, `${r.body.verdict}: ${r.body.note ?? ''}`);
      return { ...a, ...told(a) };
    },
    'POST /alerts/:id/group/acknowledge': (r) => {
      const all = groupOf(find(world.alerts, r.id, 'alert'));
      const out = { lead: all[0].id, done: [], refused: [] };
      for (const a of all.filter((a) => a.state !== 'cleared')) {
        if (a.state === 'acknowledged' && a.acknowledged_by !== r.actor.name) out.refused.push({ alert: a.id, title: a.title, asset_name: a.asset_name, code: 'alert.acknowledged', reason: `${a.acknowledged_by} has acknowledged the alert`, by: a.acknowledged_by });
        else if (a.state !== 'acknowledged') {
          Object.assign(a, { state: 'acknowledged', acknowledged_at: clock().toISOString(), acknowledged_by: r.actor.name, note: r.body.note });
          out.done.push(a.id);
        }
      }
      if (out.done.length) {
        all[0].whole = { at: clock().toISOString(), by: r.actor.name };
        step(all[0], 'group_acknowledged', r.actor.name, r.body.note);
      }
      for (const id of out.done) emit('alert.acknowledged', { alert: id });
      return out;
    },
    'POST /alerts/:id/group/verdict': (r) => {
      const all = groupOf(find(world.alerts, r.id, 'alert'));
      const out = { lead: all[0].id, done: [], refused: [] };
      for (const a of all) {
        if (a.outcome && a.outcome.by !== r.actor.name && a.id !== Number(r.id)) out.refused.push({ alert: a.id, title: a.title, asset_name: a.asset_name, code: 'alert.judged', reason: `${a.outcome.by} has found it to be ${a.outcome.verdict}`, by: a.outcome.by });
        else {
          a.outcome = { verdict: r.body.verdict, onset: r.body.onset ?? null, note: r.body.note ?? '', by: r.actor.name, at: clock().toISOString() };
          step(a, 'verdict', r.actor.name, `${r.body.verdict}: ${r.body.note ?? ''}`);
          out.done.push(a.id);
        }
      }
      return out;
    },
    'GET /datastreams': (r) => ({ items: c.streams.filter((s) => s.asset === Number(r.query.get('asset'))).map((s) => stream(s.id)) }),
    'POST /alerts/:id/acknowledge': (r) => {
      const a = find(world.alerts, r.id, 'alert');
      if (a.state !== 'raised') throw new Problem(409, 'alert.not_raised', 'this alert was already acknowledged');
      Object.assign(a, { state: 'acknowledged', acknowledged_at: clock().toISOString(), acknowledged_by: r.actor.name, note: r.body.note });
      emit('alert.acknowledged', { alert: a.id });
      return a;
    },
    'GET /cases': (r) => ({ items: filter(world.cases, r.query, (x) => !x.closed_at).map(brief) }),
    'GET /cases/:id': (r) => detail(find(world.cases, r.id, 'case'), r.actor),
    'GET /cases/:id/timeline': (r) => {
      const { timeline: items, earlier } = stretch(find(world.cases, r.id, 'case').timeline, Number(r.query.get('before')) || Infinity, Number(r.query.get('limit')) || 100);
      return { items, earlier };
    },
    'POST /cases/:id/moves': (r) => {
      const x = find(world.cases, r.id, 'case');
      const m = moves(x, r.actor).find((m) => m.name === r.body.move);
      if (!m) throw new Problem(409, 'case.no_such_move', 'this move does not start here');
      if (!m.allowed) throw new Problem(403, 'case.not_allowed', m.why_not.en);
      for (const q of m.requires) {
        if (q.field && !r.body.fields?.[q.field]) throw new Problem(422, 'case.field_missing', `${q.title.en} is missing`, `fields.${q.field}`);
        if (q.evidence && !x.evidence.some((e) => e.kind === q.evidence && e.at > x.entered)) throw new Problem(422, 'case.evidence_missing', `Attach first: ${q.title.en}.`, q.evidence);
        if (q.evidence === 'reading') {
          const last = x.evidence.filter((e) => e.kind === 'reading').at(-1);
          if (!(last.reading.value < 3)) throw new Problem(422, 'case.reading_over', `The reading is ${last.reading.value} %LEL; it must be below 3 %LEL.`, 'reading');
        }
      }
      x.state = m.to;
      x.made.push([m.name, r.actor.id]);
      x.entered = tick();
      if (m.to === 'closed' || m.to === 'written-off') x.closed_at = clock().toISOString();
      timeline(x, r.actor.name, 'move', { en: `${m.title.en}${r.body.note ? `: ${r.body.note}` : ''}`, 'zh-CN': `${m.title['zh-CN']}${r.body.note ? `：${r.body.note}` : ''}` });
      emit(x.closed_at ? 'case.closed' : 'case.moved', { case: x.id });
      return detail(x, r.actor);
    },
    'POST /cases/:id/evidence': (r) => {
      const x = find(world.cases, r.id, 'case');
      const id = ++world.ids;
      const e = { id, kind: r.body.kind, at: tick(), by: r.actor.name, text: r.body.text || null, url: null };
      if (r.body.kind === 'photo' || r.body.kind === 'form') {
        if (!r.body.file) throw new Problem(422, 'case.no_file', 'choose a photo', 'file');
        world.files.set(id, r.body.file);
        e.url = `/api/v1/cases/${x.id}/evidence/${id}/file`;
      } else if (r.body.kind === 'reading') {
        const s = stream(r.body.datastream);
        e.reading = { datastream: s.id, property: s.property, unit: s.unit, value: s.latest.value, at: s.latest.at };
      } else if (!r.body.text) throw new Problem(422, 'case.no_text', 'write what it shows', 'text');
      x.evidence.push(e);
      timeline(x, r.actor.name, 'evidence', { en: `Evidence attached (${e.kind})`, 'zh-CN': { photo: '附照片', form: '附表单', reading: '附复测数据', note: '附文字说明' }[e.kind] });
      return detail(x, r.actor);
    },
    'GET /cases/:id/evidence/:sub/file': (r) => ({ raw: world.files.get(Number(r.sub)), type: 'image/png' }),
    'POST /cases/:id/notes': (r) => {
      const x = find(world.cases, r.id, 'case');
      if (!r.body.text) throw new Problem(422, 'case.no_text', 'write the note', 'text');
      timeline(x, r.actor.name, 'note', r.body.text);
      return detail(x, r.actor);
    },
    'POST /cases/:id/tasks': (r) => {
      const x = find(world.cases, r.id, 'case');
      if (!r.body.title) throw new Problem(422, 'case.no_title', 'say what is to be done', 'title');
      x.tasks.push({ id: ++world.ids, title: r.body.title, state: 'open', assignee: r.body.assignee ?? null, due_at: r.body.due_at ?? null });
      timeline(x, r.actor.name, 'task', { en: `Task: ${r.body.title}`, 'zh-CN': `派单：${r.body.title}` });
      return detail(x, r.actor);
    },
    'POST /cases/:id/tasks/:sub/done': (r) => {
      const ours = plans.finish(r);
      if (ours) return ours;
      const x = find(world.cases, r.id, 'case');
      find(x.tasks, r.sub, 'task').state = 'done';
      return detail(x, r.actor);
    },
    'GET /cases/kinds': () => ({
      items: [
        { id: 'enterprise-request', title: L('Enterprise request', '企业诉求'), asks: [{ field: 'subject', title: L('What it is about', '诉求类别'), options: [{ id: 'licence', title: L('Licence or approval', '审批许可') }, { id: 'policy', title: L('Support by policies', '惠企政策') }] }] },
        { id: 'incident', title: L('Emergency incident', '突发事件'), asks: [] },
        { id: 'lesson', title: L('Lesson for all alike', '举一反三'), asks: [] },
        { id: 'dispute-mediation', title: L('Dispute mediation', '纠纷调解'), private: true, asks: [] },
      ],
    }),
    'POST /cases': (r) => {
      if (!r.body.title) throw new Problem(422, 'case.text', 'write something here', 'title');
      if (r.body.title === 'refuse me') throw new Problem(422, 'case.unknown_spot', 'there is no such asset, place or area', 'asset');
      const x = world.hazard(++world.ids, r.body.asset ? find(c.assets, r.body.asset, 'asset') : null, r.body.title, clock());
      world.opened = r.body;
      world.cases.push(x);
      emit('case.opened', { case: x.id });
      return detail(x, r.actor);
    },
    'POST /findings': (r) => {
      if (!r.body.description) throw new Problem(422, 'finding.no_description', 'describe what is wrong', 'description');
      const asset = r.body.asset ? find(c.assets, r.body.asset, 'asset') : null;
      const x = world.hazard(++world.ids, asset, r.body.description, clock());
      world.cases.push(x);
      timeline(x, r.actor.name, 'move', { en: 'Finding recorded', 'zh-CN': '问题隐患登记' });
      emit('case.opened', { case: x.id });
      return { finding: { id: x.finding }, case: { id: x.id } };
    },
    'GET /reports/:id': (r) => find(world.reports, r.id, 'report'),
    'GET /reports': (r) => ({ items: filter(world.reports, r.query, (x) => x.state !== 'closed') }),
    'GET /watch/counters': () => world.counters,
    'GET /dead-letters': (r) => {
      const limit = Number(r.query.get('limit') ?? 100);
      if (!(limit >= 1 && limit <= 1000)) throw new Problem(422, 'web.invalid', 'limit is 1 to 1000', 'limit');
      const before = Number(r.query.get('before') ?? 0) || Infinity;
      return { items: world.letters.filter((d) => d.id < before).slice(0, limit), total: world.letters.length + 12 };
    },
    'GET /score': () => world.score,
  };

  /** What the server works out about an alert for each answer. */
  const told = (a) => ({
    rests: a.state !== 'cleared' && (!!a.works?.rests || (!!a.shelf && !a.shelf.over_at && Date.parse(a.shelf.until) > clock().getTime()) || (!!a.design && !a.design.over_at)),
    group: world.alerts.filter((b) => b.lead === a.id && b.state !== 'cleared').length || undefined,
    group_acknowledged: groupOf(a)[0].whole,
    steps: undefined,
  });
  const step = (a, kind, actor = '', note = '') => (a.steps = [...(a.steps ?? []), { id: ++world.ids, at: tick(), kind, level: a.level, actor, note }]);
  /** The instruments of an alert under their names, when it is asked for by itself. */
  const instruments = (a) =>
    a.datastreams.map((id) => {
      const s = c.streams.find((s) => s.id === id);
      const on = c.assets.find((x) => x.id === (s?.asset ?? a.asset));
      const home = !!s && world.homes.has(s.asset);
      const latest = s && !home && !world.silent.has(s.asset) ? { at: ago(s.old ?? 0.3), value: world.latest.get(s.id) ?? value(s, clock().getTime()) } : null;
      const raised = !home && a.kind !== 'monitoring' && !a.fault ? (id === a.datastream ? (a.readings.at(-1) ?? null) : s && { at: a.raised_at, value: s.base }) : null;
      return { datastream: id, name: s ? `sensor-${id}` : '', property: s?.name ?? L('', ''), unit: s?.unit ?? '', asset: on?.id ?? 0, asset_name: on?.name ?? a.asset_name, place: 0, place_name: L('', ''), home: home || undefined, raised, latest, heard_at: latest?.at ?? null, deviates: (a.deviates ?? []).includes(id) || undefined };
    });
  /** The alerts of one's group, the one that leads first. */
  const groupOf = (a) => {
    const lead = a.lead ? find(world.alerts, a.lead, 'alert') : a;
    return [lead, ...world.alerts.filter((b) => b.lead === lead.id)];
  };
  // Evidence must be newer than the last move, also while the clock stands.
  let ticks = 0;
  const tick = () => new Date(clock().getTime() + ++ticks).toISOString();
  function timeline(x, who, kind, text) {
    x.timeline.push({ id: ++world.ids, at: tick(), actor: who, kind, text, data: null });
  }
  function signIn(r, who) {
    const sid = Math.random().toString(36).slice(2);
    sessions.set(sid, who);
    r.res.setHeader('Set-Cookie', `sid=${sid}; Path=/; HttpOnly; SameSite=Lax`);
    return sessionBody(who);
  }
  // The newest lines before one, as the server gives them.
  const stretch = (all, before = Infinity, limit = 100) => {
    const there = all.filter((e) => e.id < before);
    return { timeline: there.slice(-limit), earlier: Math.max(0, there.length - limit) };
  };
  const brief = ({ made: _m, entered: _e, timeline: _t, tasks: _k, evidence: _v, ...x }) => ({ ...x, since: x.entered, state_title: (STATES[x.kind] ?? services.states)[x.state] });
  const detail = (x, who) => ({ ...brief(x), ...stretch(x.timeline), tasks: x.tasks.map((y) => ({ ...y, may_acknowledge: !x.closed_at && y.state === 'open' && !y.acknowledged_at, may_finish: !x.closed_at && y.state === 'open' })), evidence: x.evidence, moves: x.closed_at ? [] : (services.moves(x) ?? moves(x, who)) });

  const server = http.createServer(async (req, res) => {
    const url = new URL(req.url, 'http://mock');
    requests.push({ method: req.method, path: url.pathname, headers: req.headers });
    try {
      if (url.pathname === '/api/v1/live') return openLive(req, res);
      if (url.pathname.startsWith('/api/v1')) return await serveAPI(req, res, url);
      return await serveFile(res, url);
    } catch (err) {
      if (!(err instanceof Problem)) console.error(err);
      const status = err.status ?? 500;
      res.writeHead(status, { 'Content-Type': 'application/problem+json' });
      res.end(JSON.stringify({ status, code: err.code ?? 'mock.broken', title: http.STATUS_CODES[status], detail: err.message, field: err.field || undefined, ...err.more }));
    }
  });

  function openLive(req, res) {
    if (!actor(req)) throw new Problem(401, 'access.signed_out', 'sign in first');
    if (cut) return req.socket.destroy();
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write(`: hello\n\nevent: heartbeat\ndata: {"at":"${clock().toISOString()}"}\n\n`);
    const last = Number(req.headers['last-event-id'] ?? 0);
    if (last) for (const e of log) if (e.id > last) res.write(e.text);
    live.add(res);
    const beat = setInterval(() => res.write(`: beat\n\nevent: heartbeat\ndata: {"at":"${clock().toISOString()}"}\n\n`), 15_000);
    req.on('close', () => {
      clearInterval(beat);
      live.delete(res);
    });
  }

  async function serveAPI(req, res, url) {
    const parts = url.pathname.slice('/api/v1/'.length).split('/');
    const pattern = `${req.method} /` + parts.map((p, i) => (/^\d+$/.test(p) ? (i === 1 ? ':id' : ':sub') : p)).join('/');
    const fn = api[pattern];
    if (!fn) throw new Problem(404, 'web.no_route', `no ${pattern}`);
    const who = actor(req);
    if (!who && !url.pathname.startsWith('/api/v1/session')) throw new Problem(401, 'access.signed_out', 'sign in first');
    const r = { actor: who, sid: /sid=(\w+)/.exec(req.headers.cookie ?? '')?.[1], query: url.searchParams, id: parts[1], sub: parts[3], parts, res, body: {} };
    if (req.method === 'POST') {
      const key = req.headers['idempotency-key'];
      if (!key) throw new Problem(400, 'web.no_idempotency_key', 'a POST needs an Idempotency-Key');
      r.body = await body(req);
      if (!keys.has(key)) keys.set(key, fn(r));
      return answer(res, keys.get(key));
    }
    if (req.method === 'PATCH') r.body = await body(req);
    return answer(res, fn(r));
  }
  function answer(res, out) {
    if (out === null) return res.writeHead(204).end();
    if (out?.raw) return res.writeHead(200, { 'Content-Type': out.type }).end(out.raw);
    res.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    res.end(JSON.stringify(out));
  }

  async function serveFile(res, url) {
    if (!url.pathname.startsWith('/console/')) {
      res.writeHead(url.pathname === '/' ? 302 : 404, { Location: '/console/' });
      return res.end();
    }
    let file = path.join(dist, path.normalize(url.pathname.slice('/console/'.length)));
    const known = file.startsWith(dist) && (await stat(file).catch(() => null))?.isFile();
    if (!known) file = path.join(dist, 'app.html');
    res.writeHead(200, { 'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff' });
    res.end(await readFile(file));
  }

  await new Promise((ok) => server.listen(port, '127.0.0.1', ok));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    world,
    plans,
    inbox: boxes,
    services,
    warned,
    kept,
    city: c,
    requests,
    emit,
    /** Cut every live stream and refuse new ones, or let them in again. */
    cut(on) {
      cut = on;
      if (on) for (const res of live) res.destroy();
    },
    listeners: () => live.size,
    raise: (over) => {
      const a = world.alert(++world.ids, over);
      world.alerts.push(a);
      emit('alert.raised', { alert: a.id, level: a.level });
      return a;
    },
    async stop() {
      for (const res of live) res.destroy();
      server.closeAllConnections();
      await new Promise((ok) => server.close(ok));
    },
  };
}

const L = (en, zh) => ({ en, 'zh-CN': zh });

/** An instrument speaks each half minute. */
const STEP = 30_000;
/** The datastream whose readings are doubtful at times. */
const MARKED = 5108;

const STATES = {
  'gas-leak': {
    opened: L('Waiting to be accepted', '待接警'),
    accepted: L('Accepted, crew on its way', '已接警，赶赴现场'),
    'on-site': L('On site', '现场处置'),
    'made-safe': L('Made safe, to be verified', '险情已排除，待核查'),
    closed: L('Verified and closed', '核查结案'),
  },
  'hazard-rectification': {
    found: L('Found, to be graded', '已发现，待定级'),
    graded: L('Graded, to be planned', '已定级，待落实整改方案'),
    rectifying: L('Being rectified', '整改中'),
  },
};

const MOVES = {
  'gas-leak': [
    { name: 'accept', title: L('Accept', '接警'), from: 'opened', to: 'accepted', requires: [] },
    { name: 'arrive', title: L('Crew has arrived', '到达现场'), from: 'accepted', to: 'on-site', requires: [] },
    {
      name: 'report-safe',
      title: L('Report made safe', '报告险情排除'),
      from: 'on-site',
      to: 'made-safe',
      requires: [
        { field: 'cause', kind: 'choice', title: L('Cause', '泄漏原因'), options: [{ id: 'digging', title: L('Damage by digging', '第三方施工破坏') }, { id: 'corrosion', title: L('Corrosion or ageing', '管道腐蚀老化') }, { id: 'joint', title: L('Leaking joint or valve', '接口或阀门泄漏') }] },
        { field: 'action', kind: 'text', title: L('What was done', '处置措施') },
      ],
    },
    { name: 'verify', title: L('Verify and close', '核查结案'), from: 'made-safe', to: 'closed', other: 'report-safe', requires: [{ evidence: 'reading', title: L('A reading back under the limit', '复测浓度已降至限值以下'), below: { methane: '3 %LEL' } }] },
    { name: 'send-back', title: L('Not safe yet', '退回继续处置'), from: 'made-safe', to: 'on-site', requires: [{ field: 'reason', kind: 'text', title: L('Why', '退回理由') }] },
  ],
  'hazard-rectification': [
    {
      name: 'grade',
      title: L('Grade', '定级'),
      from: 'found',
      to: 'graded',
      requires: [
        { field: 'grade', kind: 'choice', title: L('Grade', '隐患等级'), options: [{ id: 'general', title: L('General hazard', '一般隐患') }, { id: 'major', title: L('Major hazard', '重大隐患') }] },
        { field: 'grade_basis', kind: 'text', title: L('On what ground', '定级依据') },
      ],
    },
    {
      name: 'plan',
      title: L('Fix the five elements', '落实整改方案（五落实）'),
      from: 'graded',
      to: 'rectifying',
      requires: [
        { field: 'responsible', kind: 'text', title: L('Responsible unit or post', '责任（整改责任单位或岗位）') },
        { field: 'measures', kind: 'text', title: L('Measures', '措施') },
        { field: 'funds', kind: 'text', title: L('Funds and their source', '资金（金额及来源）') },
        { field: 'rectify_by', kind: 'time', title: L('To be done by', '时限') },
        { field: 'contingency', kind: 'text', title: L('Contingency plan until then', '预案（整改期间应急措施）') },
      ],
    },
  ],
};

function moves(x, who) {
  return MOVES[x.kind]
    .filter((m) => m.from === x.state)
    .map((m) => {
      const self = m.other && x.made.some(([n, by]) => n === m.other && by === who.id);
      const requires = m.requires.map((q) => ({ ...q, met: !!q.evidence && x.evidence.some((e) => e.kind === q.evidence && e.at > x.entered && !(e.reading?.value >= 3)) }));
      const lacking = requires.find((q) => q.evidence && !q.met);
      const why = self
        ? L('You made the move “Report made safe” yourself; another person has to verify it.', '“报告险情排除”由您本人办理，须由他人核查。')
        : lacking
          ? L(`Attach first: ${lacking.title.en}.`, `请先上传：${lacking.title['zh-CN']}。`)
          : null;
      return { ...m, requires, allowed: !why, why_not: why };
    });
}

function value(s, ts) {
  const day = Math.sin((ts / 86_400_000) * 2 * Math.PI);
  const wobble = Math.sin(ts / 47_000 + s.id) * 0.35 + Math.sin(ts / 231_000 + s.id * 3) * 0.65;
  return Math.round((s.base * (1 + 0.04 * day) + s.base * 0.025 * wobble) * 100) / 100;
}

function bump(world, s, ts, now) {
  const a = world.alerts.find((a) => a.asset === s.asset && a.state !== 'cleared');
  if (!a || s.property.endsWith('battery')) return 0;
  const t0 = Date.parse(a.since);
  if (ts < t0 - 300_000 || ts > now) return 0;
  return Math.round(s.base * 4 * Math.min(1, (ts - t0 + 300_000) / 900_000) * 100) / 100;
}

function seed(c, ago) {
  const byKind = (k, i) => c.assets.filter((a) => a.kind === k)[i];
  const world = { ids: 900, files: new Map(), latest: new Map(), silent: new Set(c.assets.filter((a) => a.state === 'silent').map((a) => a.id)), homes: new Set() };
  // One stands in a home, and one gauge has not spoken for ten days.
  world.homes.add(c.assets.findLast((a) => a.kind === 'kitchen-alarm' && a.state === 'ok').id);
  for (const s of c.streams) if (s.asset === c.assets.findLast((a) => a.kind === 'water-gauge' && a.state === 'ok').id) s.old = 10 * 1440;
  const curve = (minutes, from, to, n = 40) => Array.from({ length: n }, (_, i) => ({ at: ago(minutes * 1.6 * (1 - i / (n - 1))), value: Math.round((from + (to - from) / (1 + Math.exp(-12 * (i / n - 0.45))) + 0.06 * to * Math.sin(i * 2.1)) * 100) / 100 }));

  world.alert = (id, { asset, level = 'orange', state = 'raised', minutes = 3, kind = 'indoor', value: v = 12, caseId = null, by = null, works = null, ...more } = {}) => {
    const a = asset ?? byKind('kitchen-alarm', id % 20);
    const k = {
      indoor: {
        detector: 'gas/methane-indoor',
        title: L('Methane indoors', '室内甲烷泄漏'),
        because: L(`${v} %LEL for ${Math.round(minutes)} min, still rising`, `甲烷浓度 ${v} %LEL，已持续 ${Math.round(minutes)} 分钟，仍在上升`),
        rule: L('Yellow: at least 5 %LEL for 1 min. Orange: at least 10 %LEL for 30 s. Red: at least 20 %LEL for 10 s. Recovers when below 3 %LEL for 10 min.', '黄色：甲烷不低于 5 %LEL 持续 1 分钟；橙色：不低于 10 %LEL 持续 30 秒；红色：不低于 20 %LEL 持续 10 秒。低于 3 %LEL 持续 10 分钟后恢复。'),
        clears: L('Below 3 %LEL for 10 min.', '低于 3 %LEL 并持续 10 分钟。'),
        unit: '%LEL',
      },
      ambient: {
        detector: 'gas/methane-ambient',
        title: L('Methane at the fence line', '厂界甲烷浓度异常'),
        because: L(`${v} ppm above the site's own background of 2.1 ppm`, `高出本站背景值（2.1 ppm）${v} ppm`),
        rule: L('At least 4 ppm above the moving background of the past 6 h, for 2 min.', '高出近 6 小时滑动背景值 4 ppm 以上并持续 2 分钟。'),
        clears: L('Less than 2 ppm above the background for 15 min.', '高出背景值不足 2 ppm 并持续 15 分钟。'),
        unit: 'ppm',
      },
      level: {
        detector: 'flood/river-level',
        title: L('River above the guard level', '河道水位超警戒'),
        because: L(`${v} m, guard level 4.2 m`, `水位 ${v} 米，警戒水位 4.2 米`),
        rule: L('Above the gauge’s guard level for 10 min.', '超过本站警戒水位并持续 10 分钟。'),
        clears: null,
        unit: 'm',
      },
      pressure: {
        detector: 'gas/pressure-drop',
        title: L('Pressure falls in the network', '管网压力下降'),
        because: L(`${v} kPa, 18 % under the usual for this hour`, `压力 ${v} kPa，较同时段常值低 18%`),
        rule: L('More than 15 % under the usual value for this hour of the week, for 5 min.', '较每周同时段常值低 15% 以上并持续 5 分钟。'),
        clears: null,
        unit: 'kPa',
      },
      silent: {
        kind: 'monitoring',
        fault: 'silent',
        detector: 'gas/methane-indoor',
        title: L('Instrument silent', '监测设备失联'),
        because: L('No reading for 2 h; readings usually come every 30 s', '已 2 小时无数据，正常每 30 秒上报一次'),
        rule: L('An instrument that sends nothing for 2 h is silent.', '监测设备 2 小时无数据即判定为失联。'),
        clears: L('The next reading.', '恢复上报数据。'),
        unit: '%LEL',
      },
    }[kind];
    if (state !== 'cleared' && level !== 'none') Object.assign(a, { state: 'alert', alert_level: level });
    return {
      id,
      level,
      state,
      ...k,
      asset: a.id,
      asset_name: a.name,
      place: null,
      area: a.area,
      point: a.point,
      since: ago(minutes),
      raised_at: ago(minutes - 0.4),
      acknowledged_at: state === 'raised' ? null : ago(minutes - 2),
      acknowledged_by: state === 'raised' ? null : (by ?? 'Zhou Min'),
      cleared_at: state === 'cleared' ? ago(1) : null,
      case: caseId,
      works,
      datastream: 5000 + a.id,
      datastreams: [5000 + a.id],
      maturity: 'stable',
      readings: kind === 'silent' ? [] : curve(minutes, kind === 'pressure' ? v * 1.2 : v * 0.1, v),
      ...more,
    };
  };

  world.alerts = [
    world.alert(118, { asset: byKind('kitchen-alarm', 7), level: 'red', minutes: 4, value: 23.4, caseId: 41 }),
    world.alert(117, { asset: byKind('fence-monitor', 4), level: 'orange', minutes: 12, kind: 'ambient', value: 6.2 }),
    world.alert(116, { asset: byKind('regulator', 9), level: 'orange', state: 'acknowledged', minutes: 34, kind: 'pressure', value: 231, caseId: 40 }),
    world.alert(115, { asset: byKind('water-gauge', 3), level: 'yellow', minutes: 48, kind: 'level', value: 4.31 }),
    world.alert(113, { asset: byKind('kitchen-alarm', 12), level: 'yellow', state: 'acknowledged', minutes: 95, value: 5.8, caseId: 38 }),
    world.alert(112, { asset: byKind('water-gauge', 8), level: 'blue', state: 'acknowledged', minutes: 160, kind: 'level', value: 4.02 }),
    world.alert(111, { asset: c.assets.find((a) => a.state === 'silent' && a.kind === 'kitchen-alarm') ?? byKind('kitchen-alarm', 2), level: 'none', minutes: 125, kind: 'silent', value: 0 }),
    world.alert(109, { asset: byKind('fence-monitor', 9), level: 'yellow', state: 'cleared', minutes: 300, kind: 'ambient', value: 4.4 }),
  ];

  const near = (i, probability, distance, bearing) => ({ asset: byKind('regulator', i).id, name: byKind('regulator', i).name, point: byKind('regulator', i).point, distance, bearing, probability });
  world.alerts[1].origin = {
    verdict: 'named',
    says: L(`The wind points at ${byKind('regulator', 1).name.en}, 96 m west of ${world.alerts[1].asset_name.en}: 81 % probable. A hint for where to look first, not a finding.`, `据风向研判，来源较可能为${byKind('regulator', 1).name['zh-CN']}（位于${world.alerts[1].asset_name['zh-CN']}以西约96米），可能性81%。仅供优先排查参考，不作为认定依据。`),
    from: ago(26),
    until: ago(1),
    candidates: [near(1, 0.81, 96, 268), near(2, 0.07, 240, 231), near(3, 0.02, 310.4, 12), near(4, 0.001, 402, 95), near(5, 0.001, 466, 140), near(6, 0.0004, 490, 182)],
    none: 0.0976,
    instruments: 6,
    wind: { asset: byKind('water-gauge', 1).id, name: L('Harbour mast', '港区测风塔'), distance: 640, from: 274, speed: 3.24, carried: 0.92 },
  };

  const gas = (id, alert, state, opened, due, made = []) => ({
    id,
    kind: 'gas-leak',
    kind_title: L('Gas leak', '燃气泄漏处置'),
    title: L(`Methane, ${alert.asset_name.en}`, `${alert.asset_name['zh-CN']}甲烷泄漏`),
    state,
    level: alert.level,
    alert: alert.id,
    finding: null,
    report: null,
    asset: alert.asset,
    asset_name: alert.asset_name,
    place: null,
    area: alert.area,
    point: alert.point,
    owner: 5,
    owner_name: L('Langang Gas Company', '澜港燃气公司'),
    opened_at: ago(opened),
    due_at: ago(-due),
    closed_at: null,
    made,
    entered: ago(opened - 1),
    timeline: [{ id: id * 10, at: ago(opened), actor: null, kind: 'alert', text: L(`Opened by alert ${alert.id}: ${alert.because.en}`, `由告警 ${alert.id} 立案：${alert.because['zh-CN']}`), data: null }],
    tasks: [],
    evidence: [],
  });
  world.hazard = (id, asset, text, at) => ({
    id,
    kind: 'hazard-rectification',
    kind_title: L('Hazard rectification', '隐患整改'),
    title: text,
    state: 'found',
    level: null,
    alert: null,
    finding: id - 10,
    report: null,
    asset: asset?.id ?? null,
    asset_name: asset?.name ?? null,
    place: null,
    area: asset?.area ?? null,
    point: asset?.point ?? null,
    owner: 3,
    owner_name: L('Housing and construction bureau', '市住房和城乡建设局'),
    opened_at: at.toISOString(),
    due_at: new Date(at.getTime() + 3 * 86_400_000).toISOString(),
    closed_at: null,
    made: [],
    entered: at.toISOString(),
    timeline: [],
    tasks: [],
    evidence: [],
  });
  const [red, , pressure, , old] = world.alerts;
  const busy = gas(40, pressure, 'on-site', 33, 42, [['accept', 1]]);
  busy.tasks.push({ id: 401, title: L('Send the repair crew and cordon off the place', '派出抢修队伍，划定警戒区'), state: 'done', assignee: L('Gas crew 2', '燃气抢修二班').en, due_at: ago(3) });
  busy.timeline.push({ id: 402, at: ago(31), actor: 'Zhou Min', kind: 'move', text: L('Accept', '接警'), data: null }, { id: 403, at: ago(30), actor: 'Zhou Min', kind: 'task', text: L('Task: Send the repair crew and cordon off the place', '派单：派出抢修队伍，划定警戒区'), data: null }, { id: 404, at: ago(9), actor: 'Zhou Min', kind: 'move', text: L('Crew has arrived', '到达现场'), data: null }, { id: 405, at: ago(6), actor: 'Lin Hai', kind: 'note', text: L('Valve V-212 closed, pressure holds.', '已关闭 V-212 阀门，压力稳定。'), data: null });
  const done = gas(38, old, 'made-safe', 90, -14, [['report-safe', 1]]);
  done.timeline.push({ id: 382, at: ago(40), actor: 'Lin Hai', kind: 'move', text: L('Report made safe: hose replaced', '报告险情排除：已更换连接软管'), data: null });
  const hazard = world.hazard(36, c.assets[20], L('Regulator cabinet has no lock; the vent is blocked by a stall', '调压箱门锁缺失，放散口被摊位遮挡'), new Date(Date.parse(ago(1500))));
  hazard.state = 'graded';
  hazard.timeline.push({ id: 361, at: ago(1500), actor: 'Zhou Min', kind: 'move', text: L('Finding recorded', '问题隐患登记'), data: null });
  world.cases = [gas(41, red, 'opened', 3.5, 1.4), busy, done, hazard];

  const place = (i) => ({ point: c.assets[i].point, area: c.assets[i].area });
  world.reports = [
    { id: 71, number: '20261123-0071', category: 'gas-smell', category_title: L('Smell of gas', '燃气异味'), text: '小区3号楼一层楼道闻到明显燃气味，已经半个小时了，请尽快来看。联系电话 138****5521', ...place(13), state: 'open', received_at: ago(6), channel: 'web' },
    { id: 70, number: '20261123-0070', category: 'road-damage', category_title: L('Road damage', '道路破损'), text: 'Manhole cover broken on Binhai Avenue, right lane, in front of the fish market.', ...place(44), state: 'open', received_at: ago(51), channel: 'web' },
    { id: 68, number: '20261123-0068', category: 'flooding', category_title: L('Water on the road', '道路积水'), text: '西环路下穿通道积水约二十厘米，车辆绕行。', ...place(88), state: 'assigned', received_at: ago(126), channel: 'hotline' },
  ];
  const areas = (...ids) => ids.map((id) => ({ id, name: c.areas.find((a) => a.id === id).name }));
  world.warnings = [
    {
      id: 21,
      number: 'LG-2026-21',
      level: 'yellow',
      hazard: 'rainstorm',
      event: L('Rainstorm', '暴雨'),
      headline: L('Yellow rainstorm warning for Haibin and Gangwan', '海滨区、港湾区暴雨黄色预警'),
      description: L('More than 50 mm of rain are expected within 6 hours; low streets near the harbour may flood.', '预计未来6小时内降雨量将达50毫米以上，港区低洼路段可能出现积水。'),
      instruction: L('Keep away from underpasses and river banks. Move cars from low ground.', '请远离下穿通道和河岸，及时转移低洼处车辆。'),
      areas: areas(10, 11),
      state: 'issued',
      proposed_by: 'Lin Hai',
      approved_by: 'Zhou Min',
      onset: ago(70),
      expires: ago(-290),
      sent: ago(66),
    },
    {
      id: 22,
      number: 'LG-2026-22',
      level: 'orange',
      hazard: 'gas',
      event: L('Gas leak', '燃气泄漏'),
      headline: L('Orange gas warning for Gangwan', '港湾区燃气泄漏橙色预警'),
      description: L('A gas main near the fish market has lost pressure. Supply is cut in two streets.', '鱼市附近燃气干管失压，两条道路停气。'),
      instruction: L('Do not use open fire. Leave the building if you smell gas and call 110.', '请勿使用明火。如闻到燃气味，请立即离开并拨打110。'),
      areas: areas(11),
      state: 'proposed',
      proposed_by: 'Zhou Min',
      approved_by: null,
      onset: ago(4),
      expires: ago(-180),
      sent: null,
    },
  ];
  world.counters = {
    sources: [
      { source: 'langang-gas', in: 1204433, accepted: 1204401, refused: 32 },
      { source: 'langang-water', in: 880210, accepted: 880210, refused: 0 },
      { source: 'hydrology', in: 43120, accepted: 43120, refused: 0 },
    ],
    total: { in: 2127763, accepted: 2127731, refused: 32, logged: 2127731, stored: 2127731, deleted: 0, evaluated: 2127689, lag: 42 },
    stale: world.silent.size,
    mqtt: [
      { listener: 'tcp', received: 880_245, accepted: 880_210, refused: 33, failed: 0 },
      { listener: 'ws', received: 12, accepted: 12, refused: 0, failed: 0 },
    ],
  };
  // What was refused, the newest first.
  const refusals = [
    ['tcp', 'gw-07', 'v1.1/Observations', '{"result": 4.2, "Datastream": {"@iot.id": 99120}}', 131, 'Datastream: there is none with the id 99120'],
    ['hook', '10.2.0.14', 'hooks/chirpstack', '{"deviceInfo":{"devEui":"a84041"},"object":{"level":"n/a"}}', 0, '1 readings: value: n/a is observed as a number in m'],
    ['tcp', 'pump-3', 'v1.1/Datastreams(5103)/Observations', '<b>not JSON</b>', 153, 'the payload is not JSON: unexpected character < at byte 1'],
    ['tls', 'gw-11', 'v1.1/Observations', '', 153, 'the payload is empty'],
  ];
  world.letters = Array.from({ length: 130 }, (_, i) => {
    const [listener, client, topic, payload, code, reason] = refusals[i % refusals.length];
    return { id: 130 - i, time: ago(3 + i * 11), listener, client, topic, payload, size: payload.length, code, reason };
  });
  world.score = {
    planted: 4,
    found: 2,
    missed: 1,
    false_alerts: 1,
    minutes_of_warning: [21.5, 34],
    incidents: [
      { id: 'leak-1', kind: 'gas', name: L('Leak on a street main', '市政燃气管泄漏'), start: ago(62), found: true, raised_at: ago(58), minutes_of_warning: 21.5 },
      { id: 'flood-1', kind: 'flood', name: L('River rises', '河道涨水'), start: ago(80), found: true, raised_at: ago(48), minutes_of_warning: 34 },
      { id: 'leak-2', kind: 'gas', name: L('Kitchen leak', '餐饮场所泄漏'), start: ago(4.5), found: false },
      { id: 'burst-1', kind: 'main-burst', name: L('Main bursts', '供水管爆裂'), start: ago(-30), found: false },
    ],
  };
  return world;
}

function multipart(raw, type) {
  const boundary = '--' + /boundary=(.+)$/.exec(type)[1];
  const out = {};
  const s = raw.toString('latin1');
  for (const part of s.split(boundary).slice(1, -1)) {
    const at = part.indexOf('\r\n\r\n');
    const head = part.slice(0, at);
    const value = part.slice(at + 4, -2);
    const name = /name="([^"]+)"/.exec(head)[1];
    out[name] = /filename="/.test(head) ? Buffer.from(value, 'latin1') : Buffer.from(value, 'latin1').toString('utf8');
  }
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const m = await startMock({ port: Number(process.argv[2] ?? 8099), ticking: true, now: Date.now() });
  console.log(`mock city on ${m.url}/console/`);
}
