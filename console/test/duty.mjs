// The watch, from memory: as much of it as its pages ask for, and as strict as the server where a page could be careless.

const L = (en, zh) => ({ en, 'zh-CN': zh });
const CITY = L('City Party Committee and government duty office', '市委、市政府总值班室');

export function duty({ c, world, find, clock, refuse, emit }) {
  const at = (minutes) => new Date(clock().getTime() + minutes * 60_000).toISOString();
  const org = (id, en, zh) => ({ organisation: id, organisation_name: L(en, zh) });
  const d = (world.duty = {
    ids: 900,
    organisations: [
      { id: 2, name: L('City emergency bureau', '市应急管理局') },
      { id: 5, name: L('Langang Gas Company', '澜港燃气公司') },
    ],
    posts: [
      { id: 1, ...org(2, 'City emergency bureau', '市应急管理局'), name: 'duty-office', title: L('Duty office', '值班室'), phone: '021-6288 1200', covered: true, now: [{ id: 1, post: 1, from: at(-240), to: at(240), who: 'Lin Hai' }], next: { id: 2, post: 1, from: at(300), to: at(1020), who: 'Zhou Min' } },
      { id: 2, ...org(5, 'Langang Gas Company', '澜港燃气公司'), name: '', title: L('', ''), phone: '6288 9600 转 21', covered: false, now: [], next: null },
      { id: 0, ...org(5, 'Langang Gas Company', '澜港燃气公司'), name: 'gas-crew', title: L('gas-crew', 'gas-crew'), phone: '', covered: false, from_register: true, now: [], next: null },
    ],
    lines: [{ id: 1, at: at(-50), recorded_at: at(-49), by: 'Zhou Min', caller: 'unit', unit: 5, unit_name: L('Langang Gas Company', '澜港燃气公司'), where: '调度中心', what: '晚高峰供气正常' }],
    clocks: [{ id: 1, case: 40, title: L('Gas leak', '燃气泄漏'), report: 'follow-up', how: 'writing', to: CITY, source: '21', basis: 'rule', grade: 'larger', started_at: at(-1500), due_at: at(-12), state: 'running', overdue: true, ended_at: null }],
    reports: [],
    instructions: [{ id: 1, at: at(-30), leader: '分管副市长', text: '查明原因，确保安全', case: 40, teams: [{ organisation: 5, organisation_name: L('Langang Gas Company', '澜港燃气公司'), state: 'open', done_at: null }], due_at: at(90), overdue: false, state: 'open' }],
    handovers: [],
    open: [{ kind: 'alert', id: 117, title: L('Methane indoors', '室内甲烷泄漏'), state: L('not acknowledged', '待签收'), level: 'red', since: at(-4) }],
  });
  const own = (l) => l.filter((x) => x.id > 0);
  const roster = () => own(d.posts).map((p) => ({ ...p, shifts: [...p.now, ...(p.next ? [p.next] : [])], gaps: p.covered ? [{ from: at(240), to: at(300) }] : [] }));
  const news = (what, id) => emit('watch.changed', { what, id });
  const need = (r, field, code = 'watch.missing') => {
    if (!String(r.body[field] ?? '').trim()) refuse(422, code, 'write something here', field);
  };
  const items = () => [
    ...d.clocks.filter((k) => k.state === 'running').map((k) => ({ kind: 'report', id: k.id, case: k.case, title: L(`${k.report} to ${k.to.en}`, `${k.report}，报${k.to['zh-CN']}`), state: L('not told yet', '待报送'), level: k.grade, since: k.started_at, due_at: k.due_at, overdue: k.overdue })),
    ...d.instructions.filter((i) => i.state === 'open').map((i) => ({ kind: 'instruction', id: i.id, case: i.case, title: L(i.text, i.text), state: L('not answered yet', '待反馈'), due_at: i.due_at })),
    ...d.open,
    ...world.cases.filter((x) => !x.closed_at && x.incident).map((x) => ({ kind: 'case', id: x.id, case: x.id, title: L(`Emergency incident: ${x.title}`, `突发事件：${x.title}`), state: L('Being handled', '处置中') })),
  ];
  const key = (i) => `${i.kind}:${i.id}`;
  // As the server's: an item as it stands, not its number alone.
  const stands = (i) => `${key(i)}.${[i.state.en, i.level, i.due_at].join('|')}`;
  const token = (list) => list.map(stands).join(';');
  const open = (h, who) => {
    const now = items();
    const list = h.items ?? now.map((i) => ({ ...i, remark: h.remarks[key(i)] }));
    const since = h.state === 'left' ? now.filter((i) => !h.items.some((x) => key(x) === key(i))) : (h.since ?? []);
    const was = new Map((h.items ?? []).map((i) => [key(i), stands(i)]));
    const changed = h.state === 'left' ? now.filter((i) => was.has(key(i)) && was.get(key(i)) !== stands(i)) : (h.changed ?? []);
    const may_sign = h.state === 'draft' ? 'leave' : h.state === 'left' && h.left_by !== who.name ? 'arrive' : undefined;
    return { ...h, items: list, since, changed, seen: token([...list, ...since, ...changed]), may_sign };
  };
  const sign = (r, what) => {
    const h = find(d.handovers, r.id, 'handover');
    if (h.state !== (what === 'leave' ? 'draft' : 'left')) refuse(409, 'watch.handover_state', `the handover is ${h.state}`);
    if (what === 'arrive' && h.left_by === r.actor.name) refuse(403, 'access.same_person', 'it needs a second person');
    const page = open(h, r.actor);
    const seen = new Set(String(r.body.seen).split(';'));
    const fresh = [...page.items, ...page.since, ...page.changed].filter((i) => !seen.has(stands(i)));
    if (fresh.length) refuse(409, 'watch.handover_news', `${fresh.length} things are open that you have not seen yet`, '', { errors: fresh.map((i) => ({ field: key(i), message: i.title.en })) });
    if (what === 'leave') Object.assign(h, { state: 'left', items: structuredClone(page.items), left_at: at(0), left_by: r.actor.name, left_remark: r.body.remark, sha256: 'ab'.repeat(32) });
    else Object.assign(h, { state: 'done', since: page.since, changed: page.changed, arrived_at: at(0), arrived_by: r.actor.name, arrived_remark: r.body.remark });
    news('handover', h.id);
    return { id: h.id };
  };

  const routes = {
    'GET /organisations': () => ({ items: d.organisations }),
    'GET /watch/phones': () => ({ items: d.posts }),
    'GET /watch/roster': () => ({ items: roster() }),
    'POST /watch/posts': (r) => {
      if (/^1[3-9]\d{9}$/.test(String(r.body.phone).replace(/\D/g, ''))) refuse(422, 'watch.mobile', 'this is a mobile telephone', 'phone');
      const o = find(d.organisations, r.body.organisation, 'organisation');
      d.posts = d.posts.filter((p) => p.organisation !== o.id || p.name !== r.body.name);
      d.posts.push({ id: ++d.ids, organisation: o.id, organisation_name: o.name, name: r.body.name, title: r.body.title, phone: r.body.phone, covered: r.body.covered, now: [], next: null });
      news('roster', d.ids);
      return { id: d.ids };
    },
    'POST /watch/shifts': (r) => {
      need(r, 'who');
      if (r.body.to <= r.body.from) refuse(422, 'watch.shift', 'the shift ends before it begins', 'to');
      find(own(d.posts), r.body.post, 'post').next = { id: ++d.ids, ...r.body };
      return { id: d.ids };
    },
    'GET /watch/log': () => ({ items: [...d.lines].reverse() }),
    'POST /watch/log': (r) => {
      need(r, 'where');
      need(r, 'what');
      if (r.body.contact && (!r.body.open || r.body.caller !== 'resident')) refuse(422, 'watch.contact', 'kept only in the vault', 'contact');
      const l = { id: ++d.ids, at: r.body.at ?? at(0), recorded_at: at(0), by: r.actor.name, ...r.body, contact: !!r.body.contact, opened: !!r.body.open };
      if (r.body.corrects) find(d.lines, r.body.corrects, 'line').corrected_by = l.id;
      if (r.body.open) {
        const x = { ...world.hazard(++world.ids, c.assets[0], `${r.body.where} ${r.body.what}`, clock()), kind: 'incident', incident: true, title: `${r.body.where} ${r.body.what}` };
        world.cases.push(x);
        l.case = x.id;
        for (const [id, how, minutes] of [[++d.ids, 'phone', 30], [++d.ids, 'writing', 60]]) d.clocks.push({ id, case: x.id, title: x.title, report: 'first', how, to: CITY, source: 'SH', basis: 'rule', grade: r.body.grade || 'larger', started_at: at(0), due_at: at(minutes), state: 'running', overdue: false, ended_at: null });
        emit('case.opened', { case: x.id });
      }
      d.lines.push(l);
      emit('watch.logged', { line: l.id, case: l.case });
      return { id: l.id, case: l.case };
    },
    'POST /watch/log/:id/contact': (r) => ({ contact: `kept for line ${find(d.lines, r.id, 'line').id}` }),
    'GET /watch/reports': (r) => {
      const one = Number(r.query.get('case') ?? 0);
      return { clocks: d.clocks.filter((k) => (one ? k.case === one : k.state === 'running')).sort((a, b) => (a.due_at < b.due_at ? -1 : 1)), reports: d.reports.filter((x) => !one || x.case === one).toReversed() };
    },
    'GET /watch/reports/:id': (r) => find(d.reports, r.id, 'report'),
    'GET /watch/reports/:id/draft': (r) => ({ text: `drafted anew in ${r.query.get('lang')}` }),
    'POST /watch/reports': (r) => {
      const l = d.lines.findLast((x) => x.case === r.body.case);
      const text = l ? `First report\n\n${l.where}: ${l.what}\n${l.harm ?? ''}` : 'Report';
      d.reports.push({ id: ++d.ids, case: r.body.case, title: d.clocks.find((k) => k.case === r.body.case)?.title ?? '', report: r.body.report, number: 1, at: at(0), by: r.actor.name, versions: [{ version: 1, at: at(0), by: r.actor.name, text, drafted: true, signed_at: null }], tellings: [] });
      return { id: d.ids, case: r.body.case };
    },
    'POST /watch/reports/:id/versions': (r) => {
      need(r, 'text');
      const x = find(d.reports, r.id, 'report');
      x.versions.push({ version: x.versions.length + 1, at: at(0), by: r.actor.name, text: r.body.text, drafted: false, signed_at: null });
      return { id: x.id };
    },
    'POST /watch/reports/:id/sign': (r) => {
      const v = find(d.reports, r.id, 'report').versions.at(-1);
      if (v.version !== r.body.version) refuse(409, 'watch.newer_version', 'there is a newer version', 'version');
      Object.assign(v, { signed_at: at(0), signed_by: r.actor.name });
      return { id: Number(r.id) };
    },
    'POST /watch/reports/:id/tell': (r) => {
      const x = find(d.reports, r.id, 'report');
      if (r.body.how !== 'phone' && !x.versions.at(-1).signed_at) refuse(409, 'watch.unsigned', 'only a signed report goes out in writing', 'version');
      x.tellings.push({ id: ++d.ids, version: r.body.version, how: r.body.how, to: r.body.to, clock: r.body.clock, at: r.body.at ?? at(0), recorded_at: at(0), by: r.actor.name });
      const k = d.clocks.find((k) => k.id === r.body.clock);
      if (k) k.state = 'met';
      news('report', x.id);
      return { id: x.id };
    },
    'GET /watch/instructions': () => ({ items: d.instructions.filter((i) => i.state === 'open') }),
    'POST /watch/instructions': (r) => {
      need(r, 'leader');
      need(r, 'text');
      need(r, 'case');
      find(world.cases, r.body.case, 'case');
      d.instructions.push({ id: ++d.ids, at: at(0), ...r.body, teams: r.body.teams.map((x) => ({ ...x, organisation_name: find(d.organisations, x.organisation, 'organisation').name, state: 'open', done_at: null })), overdue: false, state: 'open' });
      return { id: d.ids };
    },
    'POST /watch/instructions/:id/answer': (r) => {
      need(r, 'answer');
      if (find(d.instructions, r.id, 'instruction').teams.some((x) => x.state === 'open') && !r.body.reason) refuse(409, 'watch.instruction_unfinished', 'teams have not reported back', 'reason');
      Object.assign(find(d.instructions, r.id, 'instruction'), { state: 'answered', answer: r.body.answer });
      return { id: Number(r.id) };
    },
    'POST /watch/instructions/:id/withdraw': (r) => {
      need(r, 'reason');
      const i = find(d.instructions, r.id, 'instruction');
      if (i.state !== 'open') refuse(409, 'watch.instruction_ended', `the instruction is ${i.state}`);
      Object.assign(i, { state: 'withdrawn', answer: r.body.reason });
      return { id: Number(r.id) };
    },
    'GET /watch/handovers': () => ({ items: d.handovers.toReversed() }),
    'GET /watch/handovers/:id': (r) => open(find(d.handovers, r.id, 'handover'), r.actor),
    'POST /watch/handovers': (r) => {
      let h = d.handovers.find((x) => x.state === 'draft' || x.state === 'left');
      if (!h) d.handovers.push((h = { id: ++d.ids, state: 'draft', begun_at: at(0), begun_by: r.actor.name, left_at: null, arrived_at: null, remarks: {} }));
      return { id: h.id };
    },
    'POST /watch/handovers/:id/remarks': (r) => {
      find(d.handovers, r.id, 'handover').remarks[r.body.item] = r.body.text;
      return { id: Number(r.id) };
    },
    'POST /watch/handovers/:id/leave': (r) => sign(r, 'leave'),
    'POST /watch/handovers/:id/arrive': (r) => sign(r, 'arrive'),
    'POST /watch/handovers/:id/withdraw': (r) => {
      find(d.handovers, r.id, 'handover').state = 'withdrawn';
      return { id: Number(r.id) };
    },
    'GET /watch/brief': (r) => ({
      type: 'text/html; charset=utf-8',
      raw: `<!doctype html><html lang="${r.query.get('lang')}"><title>brief</title><main><h1>${r.query.get('lang') === 'en' ? 'Morning brief of the watch' : '值班日报'}</h1><h2 id="h-incidents">x</h2><table><tr><td><a href="/console/duty/rows?figure=incidents/major/new">${items().length}</a></td></tr></table></main></html>`,
    }),
    'GET /watch/brief/rows': () => ({ group: 'incidents', line: 'major', title: L('Major', '重大'), column: 'new', n: items().length, rows: items() }),
  };
  // Below /watch/ a number stands one step further down than elsewhere.
  return Object.fromEntries(Object.entries(routes).map(([path, fn]) => [path.replace(':id', ':sub'), (r) => fn({ ...r, id: r.parts[2] })]));
}
