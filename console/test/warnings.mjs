// The mock city's warnings: from a detector's suggestion to the verdict. The shapes are the API's; the rules are as many as the pages need.

const L = (en, zh) => ({ en, 'zh-CN': zh });

const HAZARDS = [
  { id: 'gas-leak', event: L('Gas leak', '燃气泄漏'), instruction: L('Leave the area on foot, against the wind. Do not use lifts or switches.', '请步行向上风方向撤离，不要使用电梯和任何电器开关。') },
  { id: 'flood', event: L('River flood', '洪水'), instruction: L('Move to higher ground and keep away from rivers and low roads.', '请迅速向高处转移，远离河道和低洼路段。') },
  { id: 'rainstorm', event: L('Rainstorm', '暴雨'), instruction: L('', ''), relayed_from: 'weather' },
];

const LEVEL = { red: L('red', '红色'), orange: L('orange', '橙色'), yellow: L('yellow', '黄色'), blue: L('blue', '蓝色') };

/** The fields that a proposal may have: the server refuses others. */
const PROPOSAL = ['level', 'hazard', 'areas', 'drawn', 'around', 'headline', 'description', 'instruction', 'onset', 'expires', 'urgency', 'certainty', 'status', 'scope', 'restriction', 'suggestion'];

const DRAFT = ['hazard', 'text', 'level', 'areas', 'drawn', 'around', 'alert'];

const TEXTS = {
  flood: [
    {
      id: 'rising',
      title: L('River over its mark and rising', '河道水位超警戒并上涨'),
      levels: ['red', 'orange', 'yellow'],
      hours: 6,
      headline: L('River flood, {{level}} level, in {{area}}', '{{area}}洪水{{level}}预警'),
      description: L('The water at {{asset}} stands above its warning mark: {{because}}.', '{{asset}}水位已超过警戒：{{because}}。'),
    },
    {
      id: 'coming',
      title: L('Flood wave on its way', '上游洪峰将至'),
      levels: ['blue', 'yellow'],
      hours: 12,
      headline: L('High water expected in {{area}}, {{level}} level', '{{area}}预计出现较高水位（{{level}}预警）'),
      description: L('Prepare now: the river may leave its banks in {{area}} within hours.', '未来数小时{{area}}沿河地段可能漫溢，请提前做好防范。'),
    },
  ],
};

export function warnings({ c, world, find, clock, refuse, emit }) {
  const iso = (minutes = 0) => new Date(clock().getTime() + minutes * 60_000).toISOString();
  const named = (ids) => (ids ?? []).map((id) => ({ id, name: find(c.areas, id, 'area').name }));
  const areasOf = (b) => [
    ...named(b.areas),
    ...(b.drawn ?? []).map((d) => ({ id: 0, name: d.name ?? L('Part of Gangwan', '港湾区部分区域'), rings: [[...d.ring, d.ring[0]]] })),
    ...(b.around ?? []).map((a) => {
      const x = find(c.assets, a.asset, 'asset');
      const [lon, lat] = x.point;
      const d = a.metres / 111_320;
      return { id: 0, name: L(`Within ${a.metres} m of ${x.name.en}`, `${x.name['zh-CN']}周边${a.metres}米`), rings: [[[lon - d, lat - d], [lon + d, lat - d], [lon + d, lat + d], [lon - d, lat + d], [lon - d, lat - d]]] };
    }),
  ];
  const checkPlace = (b) => {
    if (!b.areas?.length && !b.drawn?.length && !b.around?.length) refuse(422, 'warning.no_area', 'a warning needs at least one area', 'areas');
    for (const [i, d] of (b.drawn ?? []).entries()) if (d.ring.some(([lon]) => lon < 120)) refuse(422, 'warning.drawn_outside', 'the drawn area lies far outside the city', `drawn[${i}].ring[0]`);
  };
  // Of this city a drainage company may not publish, and red is the leaders' alone.
  const authority = (b, who) => {
    if (b.level === 'red' && who.id !== 2) refuse(403, 'warning.not_authorised', 'you may not propose warnings of level red about flood there; red flood warnings are published by the inspector', 'level');
  };
  const secondPerson = (b) => b.level !== 'blue';

  const alert = world.alerts.find((a) => a.id === 115);
  const suggestions = [
    { id: 7, kind: 'issue', state: 'open', hazard: 'flood', event: HAZARDS[1].event, level: 'orange', text: 'rising', areas: named([11]), around: [], alerts: [{ alert: 115, title: alert.title, level: 'yellow', asset: alert.asset_name, place: L('', ''), because: alert.because, since: alert.since, stands: true }], at: iso(-2), changed_at: iso(-2) },
  ];
  const received = [
    {
      id: 3,
      partner: 1,
      identifier: 'urn:oid:2.49.0.1.156.0.2026.11.23.1',
      hazard: 'rainstorm',
      level: 'yellow',
      texts: {
        en: { event: 'Rainstorm', issuer: 'Langang weather service', headline: 'Yellow rainstorm warning of the weather service', description: 'More than 50 mm of rain are expected within 6 hours.', instruction: 'Keep away from underpasses.', web: 'https://weather.example/1' },
        'zh-CN': { event: '暴雨', issuer: '澜港市气象台', headline: '市气象台发布暴雨黄色预警信号', description: '预计未来6小时内降雨量将达50毫米以上。', instruction: '请远离下穿通道。', web: 'https://weather.example/1' },
      },
      places: [{ name: '澜港市', rings: [], touches: [10, 11] }],
      sent: iso(-50),
      onset: iso(-40),
      expires: iso(250),
      status: 'Actual',
    },
  ];
  const deliveries = [
    { delivery: 91, version: 1, recipient: 4, title: L('Harbour loudspeakers', '港区广播站'), channel: 'webhook', state: 'sent', at: iso(-66), ended_at: iso(-66), attempts: 1, proof: '200 OK' },
    { delivery: 92, version: 1, recipient: 5, title: L('Gangwan street displays', '港湾区户外显示屏'), channel: 'webhook', state: 'failed', at: iso(-66), ended_at: null, attempts: 4, proof: '503 Service Unavailable' },
    { delivery: 94, version: 1, recipient: 7, title: L('Port authority', '港务局'), channel: 'email', state: 'dead', at: iso(-66), ended_at: iso(-20), attempts: 12, proof: '550 no such mailbox' },
    { delivery: 93, version: 1, recipient: 6, title: L('City operators’ cell broadcast', '运营商小区广播'), channel: 'cell-broadcast', state: 'sent', at: iso(-66), ended_at: iso(-65), attempts: 1 },
  ];

  // One that is over and waits for its verdict, and one that has it.
  const past = (id, level, more) => ({ id, number: `LG-2026-${id}`, level, hazard: 'flood', event: HAZARDS[1].event, headline: L(`Flood warning ${id} for Haibin`, `海滨区洪水预警${id}`), description: L('The river is rising.', '河道水位上涨。'), instruction: HAZARDS[1].instruction, areas: named([10]), proposed_by: 'Lin Hai', approved_by: 'Zhou Min', version: 2, onset: iso(-1500), sent: iso(-1500), expires: iso(-900), ...more });
  world.warnings.push(
    past(19, 'yellow', { state: 'cancelled', end_kind: 'all-clear', end_reason: 'The water has gone down.', ended_at: iso(-1000), ended_by: 'Zhou Min', alerts: [115] }),
    past(18, 'blue', { state: 'expired', end_kind: 'expired', ended_at: iso(-5000), verdicts: [{ version: 1, verdict: 'did-not', what: 'The wave stayed in its bed.', by: 'Zhou Min', at: iso(-4900) }] }),
  );

  const messages = (w) => {
    const out = [{ version: 1, kind: 'alert', change: 'issue', level: w.first ?? w.level, state: w.sent ? 'issued' : 'proposed', proposed_by: w.proposed_by, proposed_at: w.onset, approved_by: w.approved_by ?? undefined, sent: w.sent }];
    for (const m of w.more ?? []) out.push(m);
    if (w.pending) out.push({ version: w.pending.version, kind: 'update', change: w.pending.change, level: w.pending.level, state: 'proposed', proposed_by: w.pending.proposed_by, proposed_at: w.pending.proposed_at, sent: null });
    if (w.end_kind === 'all-clear' || w.end_kind === 'cancel') out.push({ version: out.length + 1, kind: w.end_kind, change: w.end_kind, level: w.level, state: 'issued', proposed_by: w.ended_by, proposed_at: w.ended_at, approved_by: w.ended_by, sent: w.ended_at, reason: w.end_reason });
    return out;
  };
  const view = (w, who, whole = false) => {
    const by = w.pending?.proposed_by ?? w.proposed_by;
    const { first: _f, more: _m, verdicts: _v, ...x } = w;
    const second_person = secondPerson(w.pending ?? w);
    const waits = w.state === 'proposed' || !!w.pending;
    return { status: 'Actual', pending: null, ...x, second_person, may_approve: waits && (by !== who.name || !second_person), public: w.state === 'issued' && (w.status ?? 'Actual') === 'Actual', messages: whole ? messages(w) : undefined };
  };
  const change = (from, to) => {
    const at = (l) => ['red', 'orange', 'yellow', 'blue'].indexOf(l);
    return at(to) < at(from) ? 'upgrade' : at(to) > at(from) ? 'downgrade' : 'update';
  };
  const content = (b) => ({ level: b.level, headline: b.headline, description: b.description, instruction: b.instruction, areas: areasOf(b), onset: iso(), expires: b.expires });
  const check = (b, who) => {
    for (const l of ['zh-CN', 'en']) if (!b.headline?.[l]) refuse(422, 'warning.text_missing', 'write the headline in both languages', `headline.${l}`);
    if (HAZARDS.find((h) => h.id === b.hazard)?.relayed_from) refuse(422, 'warning.relayed', 'weather warnings are passed on, never composed here', 'hazard');
    checkPlace(b);
    authority(b, who);
  };
  function end(r, how) {
    const w = find(world.warnings, r.id, 'warning');
    if (!r.body.reason) refuse(422, 'warning.no_reason', 'say why', 'reason');
    if (how === 'withdrawn' && w.pending) {
      w.pending = null;
      emit('warning.withdrawn', { warning: w.id });
      return view(w, r.actor, true);
    }
    if (w.state !== (how === 'withdrawn' ? 'proposed' : 'issued')) refuse(409, 'warning.wrong_state', `this warning is ${w.state}`);
    Object.assign(w, { state: 'cancelled', end_kind: how, end_reason: r.body.reason, ended_at: iso(), ended_by: r.actor.name });
    emit(how === 'withdrawn' ? 'warning.withdrawn' : 'warning.cancelled', { warning: w.id });
    return view(w, r.actor, true);
  }

  function draft(b) {
    const x = (TEXTS[b.hazard] ?? []).find((x) => x.id === b.text) ?? refuse(422, 'warning.unknown_text', 'there is no such text', 'text');
    const a = world.alerts.find((a) => a.id === b.alert);
    const values = (l) => ({ level: LEVEL[b.level][l], area: areasOf(b).map((a) => a.name[l]).join(l === 'en' ? ' and ' : '、'), asset: a?.asset_name[l], because: a?.because[l] });
    const filled = (t) => Object.fromEntries(['en', 'zh-CN'].map((l) => [l, t[l].replace(/\{\{(\w+)\}\}/g, (whole, name) => values(l)[name] || whole)]));
    return { level: b.level, hazard: b.hazard, areas: b.areas, headline: filled(x.headline), description: filled(x.description), instruction: HAZARDS.find((h) => h.id === b.hazard).instruction, onset: iso(), expires: iso(x.hours * 60), missing: [] };
  }

  const routes = {
    'GET /warnings/hazards': () => ({ items: HAZARDS }),
    'GET /warnings/texts': (r) => ({ items: (TEXTS[r.query.get('hazard')] ?? []).map(({ id, title, levels }) => ({ id, title, levels })) }),
    'POST /warnings/draft': (r) => {
      for (const f of Object.keys(r.body)) if (!DRAFT.includes(f)) refuse(422, 'web.invalid', `unexpected property ${f}`, f);
      authority(r.body, r.actor);
      return draft(r.body, r.actor);
    },
    'POST /warnings/inside': (r) => {
      checkPlace(r.body);
      const n = (r.body.areas?.length ?? 0) * 4 + (r.body.drawn?.length ?? 0) * 2 + (r.body.around?.length ?? 0);
      const kind = (id, en, zh, count, items = []) => ({ id, title: L(en, zh), needs_care: true, count, items });
      return {
        places: n + Math.ceil(n / 3) + 1,
        assets: 0,
        kinds: [
          kind('schools', 'Schools', '学校', n, [{ type: 'place', id: 1, name: L('Harbour primary school', '港湾小学') }]),
          kind('hospitals', 'Hospitals', '医院', Math.ceil(n / 3)),
          kind('stations', 'Stations', '车站', 1),
        ],
        residents: { about: 12000, shown: L('about 12,000', '约1.2万人'), complete: false, from: [{ area: 1, name: L('Harbour', '港区'), total: 40000, year: 2025, source: 'Census office', share: 0.3 }] },
        areas: [],
      };
    },
    'POST /warnings/preview': (r) => {
      check(r.body, r.actor);
      return { cap: `<?xml version="1.0"?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">\n  <status>${r.body.status ?? 'Actual'}</status>\n</alert>\n` };
    },
    'GET /warnings/suggestions': (r) => ({ items: suggestions.map((s) => ({ ...s, draft: s.kind === 'all-clear' ? null : draft({ hazard: s.hazard, text: s.text, level: s.level, areas: s.areas.map((a) => a.id), alert: s.alerts[0].alert }, r.actor) })) }),
    'POST /warnings/suggestions/:sub/dismiss': (r) => {
      const i = suggestions.findIndex((s) => s.id === Number(r.parts[2]));
      if (i < 0) refuse(404, 'warning.unknown', 'there is no such suggestion');
      if (!r.body.reason) refuse(422, 'warning.no_reason', 'say why', 'reason');
      suggestions.splice(i, 1);
      emit('warning.dismissed', { suggestion: Number(r.parts[2]) });
      return {};
    },
    'GET /warnings/received': () => ({ items: received, next: null }),
    'GET /warnings/partners': () => ({ items: [{ id: 1, title: L('Weather service', '市气象台'), service: 'weather' }] }),
    'GET /warnings/verdicts': (r) => {
      const waiting = r.query.get('waiting') !== 'false';
      const over = world.warnings.filter((w) => (w.state === 'cancelled' || w.state === 'expired') && w.sent && (w.status ?? 'Actual') === 'Actual');
      return { items: over.filter((w) => !w.verdicts?.length === waiting).map((w) => ({ warning: w.id, number: w.number, hazard: w.hazard, level: w.level, verdict: w.verdicts?.at(-1) ?? null })), overdue: 0 };
    },
    'GET /warnings/:id/verdict': (r) => ({ items: find(world.warnings, r.id, 'warning').verdicts ?? [] }),
    'GET /warnings/:id': (r) => view(find(world.warnings, r.id, 'warning'), r.actor, true),
    'GET /warnings': (r) => {
      if (Number(r.query.get('limit')) > 200) refuse(422, 'web.invalid', 'limit is at most 200', 'limit');
      const s = r.query.get('state');
      const items = s === 'all' ? world.warnings : world.warnings.filter((w) => (s === 'draft' ? w.state === 'proposed' || w.pending : w.state === 'issued'));
      return { items: items.map((w) => view(w, r.actor)) };
    },
    'POST /warnings': (r) => {
      const b = r.body;
      for (const f of Object.keys(b)) if (!PROPOSAL.includes(f)) refuse(422, 'web.invalid', `unexpected property ${f}`, f);
      check(b, r.actor);
      const id = ++world.ids;
      const w = { id, number: `LG-2026-${id}`, hazard: b.hazard, event: HAZARDS.find((h) => h.id === b.hazard)?.event, version: 1, ...content(b), status: b.status ?? 'Actual', alerts: suggestions.filter((s) => s.id === b.suggestion).flatMap((s) => s.alerts.map((a) => a.alert)), state: 'proposed', proposed_by: r.actor.name, approved_by: null, sent: null };
      world.warnings.push(w);
      const at = suggestions.findIndex((s) => s.id === b.suggestion);
      if (at >= 0) suggestions.splice(at, 1);
      emit('warning.proposed', { warning: id });
      return view(w, r.actor, true);
    },
    'POST /warnings/:id/update': (r) => {
      const w = find(world.warnings, r.id, 'warning');
      check(r.body, r.actor);
      if (w.pending) refuse(409, 'warning.pending', 'an update waits already');
      w.pending = { version: (w.version ?? 1) + 1, ...content(r.body), change: change(w.level, r.body.level), proposed_by: r.actor.name, proposed_at: iso() };
      emit('warning.proposed', { warning: w.id });
      return view(w, r.actor, true);
    },
    'POST /warnings/:id/approve': (r) => {
      const w = find(world.warnings, r.id, 'warning');
      if ((w.pending?.proposed_by ?? w.proposed_by) === r.actor.name && secondPerson(w.pending ?? w)) refuse(403, 'warning.second_officer', 'another officer must approve this warning');
      if (w.pending) {
        const { change, proposed_by, proposed_at, version, ...rest } = w.pending;
        (w.more ??= []).push({ version, kind: 'update', change, level: rest.level, state: 'issued', proposed_by, proposed_at, approved_by: r.actor.name, sent: iso() });
        Object.assign(w, { first: w.first ?? w.level }, rest, { version, pending: null, approved_by: r.actor.name, sent: iso() });
        emit('warning.updated', { warning: w.id });
      } else {
        Object.assign(w, { state: 'issued', approved_by: r.actor.name, sent: iso() });
        emit('warning.issued', { warning: w.id });
      }
      return view(w, r.actor, true);
    },
    'POST /warnings/:id/cancel': (r) => end(r, 'cancel'),
    'POST /warnings/:id/all-clear': (r) => end(r, 'all-clear'),
    'POST /warnings/:id/withdraw': (r) => end(r, 'withdrawn'),
    'GET /warnings/:id/deliveries': (r) => {
      const items = Number(r.id) === 21 ? deliveries : [];
      return { states: items.reduce((n, d) => ({ ...n, [d.state]: (n[d.state] ?? 0) + 1 }), {}), items };
    },
    'POST /deliveries/:id/retry': (r) => {
      const d = deliveries.find((d) => d.delivery === Number(r.id)) ?? refuse(404, 'delivery.unknown', 'there is no such message');
      if (d.state !== 'dead') refuse(409, 'delivery.not_dead', 'only a dead message is sent again');
      Object.assign(d, { state: 'waiting', ended_at: null });
      emit('delivery.retried', { delivery: d.delivery });
      return d;
    },
    'POST /warnings/:id/verdict': (r) => {
      const w = find(world.warnings, r.id, 'warning');
      if (!['happened', 'partly', 'did-not', 'cannot-tell'].includes(r.body.verdict)) refuse(422, 'warning.verdict', 'unknown verdict', 'verdict');
      if (/happened|partly/.test(r.body.verdict) && !r.body.began) refuse(422, 'verdict.began', 'say when it began', 'began');
      if (w.verdicts?.length && !r.body.reason) refuse(422, 'verdict.reason', 'say why', 'reason');
      w.verdicts = [...(w.verdicts ?? []), { version: (w.verdicts?.length ?? 0) + 1, ...r.body, by: r.actor.name, at: iso() }];
      emit('warning.judged', { warning: w.id });
      return { items: w.verdicts };
    },
  };
  return { routes, suggestions, received, deliveries };
}
