// To whom warnings go, what left, whose warnings come in and how good ours were, for the mock city: strict where the server is.

const L = (en, zh) => ({ en, 'zh-CN': zh });
const CHANNELS = ['webhook', 'email', 'sms', 'cell-broadcast', 'wecom', 'dingtalk', 'feishu', 'webpush', 'file'];
const day = 86_400_000;

export function keep({ c, clock, refuse, emit, world }) {
  const at = (ms) => new Date(clock().getTime() - ms).toISOString();
  const min = (n) => at(n * 60_000);
  const administrator = (r) => r.actor.roles.includes('administrator') || refuse(403, 'access.denied', 'only an administrator keeps this');
  const officer = (r) => r.actor.roles.includes('duty-officer') || refuse(403, 'access.denied', 'only a duty officer may');
  const one = (list, id, what) => list.find((x) => x.id === Number(id)) ?? refuse(404, `${what}.unknown`, `there is no ${what} ${id}`);
  let ids = 900;

  // ---- Recipients

  const base = { organisation: 0, signed: false, language: '', areas: [], hazards: [], from: 'blue', statuses: ['Actual'], restricted: false, active: true, created_at: at(40 * day), changed_at: at(40 * day), gone_at: null };
  const recipients = [
    { ...base, id: 1, title: L('Harbour school office', '港区学校办公室'), channel: 'webhook', address: 'https://school.example/warnings', signed: true, areas: [10, 11], hazards: ['gas-leak'], from: 'orange', language: 'zh-CN' },
    { ...base, id: 2, title: L('City broadcasting station', '市广播电视台'), channel: 'email', address: 'duty@broadcast.example', statuses: ['Actual', 'Exercise'] },
    { ...base, id: 3, title: L('Emergency response group', '应急响应工作群'), channel: 'wecom', address: 'https://qyapi.example/…', from: 'yellow', restricted: true },
    { ...base, id: 4, title: L('Port dispatch display', '港口调度大屏'), channel: 'webhook', address: 'http://10.4.1.7/sign', signed: true, gone_at: min(50), from: 'red' },
    { ...base, id: 5, title: L('Metro control centre', '轨道交通控制中心'), channel: 'sms', address: '+862155550110', active: false },
  ];
  function check(b, fresh) {
    for (const l of ['en', 'zh-CN']) if ((fresh || b.title) && !b.title?.[l]) refuse(422, 'recipient.title', `expected the organisation's name in ${l}, of at most 100 characters`, `title.${l}`);
    if (fresh && !CHANNELS.includes(b.channel)) refuse(422, 'recipient.channel', 'no such channel', 'channel');
    if ((fresh || b.address !== undefined) && /^ftp:|^\s*$/.test(b.address ?? '')) refuse(422, 'recipient.address', 'an address begins with https:// or http://', 'address');
    if (b.statuses && !b.statuses.length) refuse(422, 'recipient.statuses', 'expected Actual, Exercise or both', 'statuses');
  }

  // ---- What left

  const sent = (id, number, version, recipient, channel, state, minutes, more = {}) => ({ id, key: `warning:${number}.${version}:${recipient}`, channel, state, at: min(minutes), attempts: 1, ...(state === 'waiting' || state === 'failed' ? {} : { ended_at: min(minutes - 1) }), ...more });
  const deliveries = [
    sent(58, 'LG-2026-21', 2, 3, 'wecom', 'failed', 8, { attempts: 4, answer: 'code 45009: too many messages' }),
    sent(57, 'LG-2026-21', 2, 2, 'email', 'sent', 8, { answer: '250 2.0.0 Ok: queued as 4C1A9' }),
    sent(56, 'LG-2026-21', 2, 1, 'webhook', 'sent', 8, { answer: '202 school.example' }),
    sent(55, 'LG-2026-21', 2, 4, 'webhook', 'dead', 8, { answer: '410 Gone: 10.4.1.7' }),
    sent(54, 'LG-2026-21', 1, 3, 'wecom', 'withdrawn', 66),
    sent(53, 'LG-2026-21', 1, 2, 'email', 'dead', 66, { attempts: 9, answer: '550 5.1.1 mailbox unavailable' }),
    sent(52, 'LG-2026-21', 1, 1, 'webhook', 'sent', 66, { answer: '200 school.example', in_doubt: true }),
    sent(31, 'LG-2026-02', 1, 2, 'email', 'sent', 4000, { answer: '250 2.0.0 Ok' }),
  ];
  const counted = (list) => {
    const states = { waiting: 0, sending: 0, failed: 0, sent: 0, dead: 0, withdrawn: 0 };
    for (const s of list) states[s.state]++;
    return states;
  };

  // ---- Other services

  const partners = [
    {
      id: 1, title: L('City weather service', '市气象台'), url: 'https://cap.weather.example/feed.atom', service: 'weather', every: 60, trust: 'signed', pinned: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----', covers: 'city', events: { Gale: 'gale', 暴雨: 'rainstorm' }, hosts: [], active: true,
      added_at: at(90 * day), next_at: at(-40_000), last_ok_at: at(20_000), failures: 0, unread: false, messages: 14, in_force: 2, unplaced: 0, elsewhere: 0, refused: 1, unfetched: 0,
    },
    {
      id: 2, title: L('Marine forecasting station', '海洋预报台'), url: 'https://marine.example/rss', service: 'marine', every: 300, trust: 'transport', covers: 'wider', events: {}, hosts: ['files.marine.example'], active: true,
      added_at: at(60 * day), next_at: at(-1_200_000), last_ok_at: min(190), last_error: 'Get "https://marine.example/rss": connection refused', failures: 6, unread: true, messages: 31, in_force: 0, unplaced: 2, elsewhere: 24, refused: 0, unfetched: 1,
    },
    { id: 3, title: L('Provincial seismological bureau', '省地震局'), url: 'https://seismo.example/cap.xml', service: 'seismology', every: 60, trust: 'transport', covers: 'wider', events: {}, hosts: [], active: false, added_at: at(30 * day), next_at: at(0), last_ok_at: at(3 * day), failures: 0, unread: false, messages: 0, in_force: 0, unplaced: 0, elsewhere: 3, refused: 0, unfetched: 0 },
  ];
  const box = (x0, y0, x1, y1) => [c.at(x0, y0), c.at(x1, y0), c.at(x1, y1), c.at(x0, y1), c.at(x0, y0)];
  const message = (id, partner, more) => ({
    id, partner, sender: partner === 1 ? 'cap@weather.example' : 'warn@marine.example', identifier: `urn:oid:2.49.0.1.156.${id}`, sent: min(95), msg_type: 'Alert', status: 'Actual', scope: 'Public', verdict: 'accept', problems: [], received_at: min(94), hazard: 'rainstorm', level: 'yellow',
    texts: {}, places: [], placement: 'placed', onset: min(60), expires: min(-300), ended_at: null, unlisted_at: null, in_force: false, ...more,
  });
  const document = (id) => `<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">\n  <identifier>urn:oid:2.49.0.1.156.${id}</identifier>\n  <sender>cap@weather.example</sender>\n  <status>Actual</status>\n</alert>`;
  const received = [
    message(204, 1, { verdict: 'reject', level: '', hazard: '', msg_type: 'Alert', placement: 'unplaced', received_at: min(12), problems: [{ grade: 'wrong', rule: 'signature', message: 'the signature does not verify against what is pinned for City weather service' }, { grade: 'doubt', rule: 'expires', path: 'alert/info/expires', line: 14, message: 'expires is missing; 24 hours from the onset are taken' }], texts: { 'zh-CN': { event: '大风', headline: '大风橙色预警' } } }),
    message(203, 2, { placement: 'unplaced', level: 'blue', hazard: '', received_at: min(200), expires: min(100), ended_at: min(100), end_kind: 'expired', verdict: 'warn', problems: [{ grade: 'doubt', rule: 'area', message: 'the area has neither a polygon nor a code that is known here' }], texts: { en: { event: 'High waves', headline: 'High waves off the coast' } } }),
    message(202, 1, { in_force: true, level: 'orange', signed_by: 'City weather service', texts: { 'zh-CN': { event: '暴雨', issuer: '市气象台', headline: '市气象台发布暴雨橙色预警', description: '预计未来3小时沿海地区降雨量将达50毫米以上。', instruction: '请减少外出，远离低洼地带。' }, en: { event: 'Rainstorm', issuer: 'City weather service', headline: 'Orange rainstorm warning of the City weather service', description: 'More than 50 mm of rain are expected along the coast within 3 hours.', instruction: 'Stay indoors and away from low ground.' } }, places: [{ name: 'Coast', rings: [box(3000, 5600, 7400, 9300)], touches: [10] }] }),
    message(201, 1, { in_force: true, level: '', hazard: '', placement: 'city', unlisted_at: min(30), texts: { 'zh-CN': { event: '雷电', headline: '雷电黄色预警' } } }),
    message(200, 1, { level: 'yellow', ended_at: min(95), end_kind: 'update', replaced_by: 202, msg_type: 'Alert', texts: { en: { event: 'Rainstorm', headline: 'Yellow rainstorm warning' } } }),
  ];

  // ---- How good ours were

  const item = (warning, number, hazard, event, headline, level, ended, more = {}) => ({ warning, number, hazard, event, headline, level, issued: at(ended + 6 * 3_600_000), ended: at(ended), end: 'all-clear', began: null, lead_minutes: null, verdict: null, due: null, overdue: false, ...more });
  const gas = L('Gas leak', '燃气泄漏');
  const flood = L('River flood', '洪水');
  const items = [
    item(15, 'LG-2026-15', 'gas-leak', gas, L('Orange gas warning for Haibin', '海滨区燃气泄漏橙色预警'), 'orange', 2 * day, { due: at(-5 * day) }),
    item(9, 'LG-2026-09', 'flood', flood, L('Yellow flood warning for Gangwan', '港湾区洪水黄色预警'), 'yellow', 10 * day, { due: at(3 * day), overdue: true }),
    item(8, 'LG-2026-08', 'flood', flood, L('Blue flood warning for Haibin', '海滨区洪水蓝色预警'), 'blue', 12 * day, { began: at(12 * day + 3_600_000), lead_minutes: 300, verdict: { version: 1, verdict: 'happened', what: 'The quay was under water.', by: 'Lin Hai', at: at(11 * day) } }),
    item(7, 'LG-2026-07', 'gas-leak', gas, L('Yellow gas warning for Gangwan', '港湾区燃气泄漏黄色预警'), 'yellow', 20 * day, { verdict: { version: 1, verdict: 'did-not', by: 'Lin Hai', at: at(19 * day) } }),
    item(6, 'LG-2026-06', 'gas-leak', gas, L('Orange gas warning for Gangwan', '港湾区燃气泄漏橙色预警'), 'orange', 25 * day, { began: at(25 * day + 7 * 3_600_000), lead_minutes: -60, verdict: { version: 1, verdict: 'partly', what: 'One street only.', by: 'Zhou Min', at: at(24 * day) } }),
  ];
  const missed = [{ missed: 1, hazard: 'flood', event: flood, headline: L('', ''), level: 'yellow', issued: null, ended: null, began: at(33 * day), lead_minutes: null, verdict: null, due: null, overdue: false }];
  const is = {
    issued: (i) => !!i.warning, judged: (i) => !!i.warning && !!i.verdict, waiting: (i) => !!i.warning && !i.verdict, hits: (i) => ['happened', 'partly'].includes(i.verdict?.verdict), partly: (i) => i.verdict?.verdict === 'partly', false: (i) => i.verdict?.verdict === 'did-not',
    'cannot-tell': (i) => i.verdict?.verdict === 'cannot-tell', missed: (i) => !i.warning, lead: (i) => i.lead_minutes !== null, late: (i) => i.lead_minutes !== null && i.lead_minutes <= 0,
  };
  const within = (r) => [...items, ...missed].filter((i) => Date.parse(i.ended ?? i.began) >= Date.parse(r.query.get('from')) && Date.parse(i.ended ?? i.began) < Date.parse(r.query.get('to')));
  function figures(list, hazard, level) {
    const rows = list.filter((i) => (!hazard || i.hazard === hazard) && (!level || i.level === level));
    const n = Object.fromEntries(Object.entries(is).map(([k, f]) => [k, rows.filter(f).length]));
    const ratio = (a, of) => ({ value: of ? a / of : null, of });
    const leads = rows.filter(is.lead).map((i) => i.lead_minutes).sort((a, b) => a - b);
    return {
      hazard, level, issued: n.issued, judged: n.judged, waiting: n.waiting, hits: n.hits, partly: n.partly, false: n.false, cannot_tell: n['cannot-tell'], missed: n.missed, pod: ratio(n.hits, n.hits + n.missed), far: ratio(n.false, n.hits + n.false), csi: ratio(n.hits, n.hits + n.missed + n.false),
      lead: { n: leads.length, late: n.late, median_minutes: leads.length ? (leads[(leads.length - 1) >> 1] + leads[leads.length >> 1]) / 2 : null, tenth_minutes: leads[0] ?? null },
    };
  }

  const routes = {
    'GET /warnings/recipients': (r) => administrator(r) && { items: recipients },
    'POST /warnings/recipients': (r) => {
      administrator(r);
      check(r.body, true);
      const made = r.body.channel === 'webhook' && !r.body.secret;
      const got = { ...base, ...r.body, id: ++ids, secret: undefined, signed: made || !!r.body.secret };
      recipients.push(got);
      return made ? { ...got, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', ...(r.body.asymmetric ? { public_key: 'whpk_jYFd' } : {}) } : got;
    },
    'PATCH /warnings/recipients/:sub': (r) => {
      administrator(r);
      const x = one(recipients, r.parts[2], 'recipient');
      check(r.body, false);
      const { secret, ...rest } = r.body;
      Object.assign(x, rest, rest.address ? { gone_at: null } : {}, { changed_at: clock().toISOString() });
      return secret === '' ? { ...x, secret: 'whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXc=' } : x;
    },
    'DELETE /warnings/recipients/:sub': (r) => {
      administrator(r);
      recipients.splice(recipients.indexOf(one(recipients, r.parts[2], 'recipient')), 1);
      return null;
    },
    'GET /deliveries': (r) => {
      const all = deliveries.filter((s) => s.key.startsWith(r.query.get('key-prefix') ?? ''));
      const after = Number(r.query.get('after') ?? 0) || Infinity;
      const limit = Number(r.query.get('limit') ?? 100);
      const list = all.filter((s) => s.id < after && (!r.query.get('state') || s.state === r.query.get('state')));
      return { states: counted(all), items: list.slice(0, limit), next: list.length > limit ? list[limit - 1].id : undefined };
    },
    'GET /warnings/:id/deliveries': (r) => {
      const number = world.warnings.find((w) => w.id === Number(r.id))?.number ?? refuse(404, 'warning.unknown', 'no such warning');
      const list = deliveries.filter((s) => s.key.startsWith(`warning:${number}.`));
      return { states: counted(list), items: list.map((s) => ({ delivery: s.id, version: 1, recipient: Number(s.key.split(':').at(-1)), title: recipients.find((x) => x.id === Number(s.key.split(':').at(-1)))?.title, channel: s.channel, state: s.state, at: s.at, ended_at: s.ended_at ?? null, attempts: s.attempts, proof: s.answer })) };
    },
    'POST /deliveries/:id/retry': (r) => {
      if (!r.actor.roles.some((x) => x === 'duty-officer' || x === 'administrator')) refuse(403, 'access.denied', 'you may not have messages sent again');
      const s = one(deliveries, r.id, 'delivery');
      if (s.state !== 'dead') refuse(409, 'delivery.not_dead', 'only a dead message can be sent again');
      if (s.key.includes('.1:')) refuse(409, 'delivery.superseded', 'a newer message of this warning has taken its place');
      return Object.assign(s, { state: 'waiting', ended_at: null });
    },
    'GET /warnings/partners': () => ({ items: partners }),
    'POST /warnings/partners': (r) => {
      administrator(r);
      if (!/^https?:\/\//.test(r.body.url)) refuse(422, 'partner.invalid', `"${r.body.url}" is not an address such as https://cap.example/feed.atom`, 'url');
      const p = { active: true, added_at: clock().toISOString(), next_at: clock().toISOString(), last_ok_at: null, failures: 0, unread: false, messages: 0, in_force: 0, unplaced: 0, elsewhere: 0, refused: 0, unfetched: 0, ...r.body, id: ++ids };
      partners.push(p);
      return p;
    },
    'PATCH /warnings/partners/:sub': (r) => administrator(r) && Object.assign(one(partners, r.parts[2], 'partner'), r.body),
    'DELETE /warnings/partners/:sub': (r) => {
      administrator(r);
      partners.splice(partners.indexOf(one(partners, r.parts[2], 'partner')), 1);
      return null;
    },
    'POST /warnings/partners/:sub/poll': (r) => administrator(r) && Object.assign(one(partners, r.parts[2], 'partner'), { last_ok_at: clock().toISOString(), last_error: undefined, failures: 0, unread: false }),
    'GET /warnings/received': (r) => {
      const partner = Number(r.query.get('partner') ?? 0);
      return { items: received.filter((m) => (!partner || m.partner === partner) && (r.query.get('state') === 'all' || m.in_force)), next: null };
    },
    'GET /warnings/received/:sub/message': (r) => {
      const m = one(received, r.parts[2], 'message');
      return { ...m, document: document(m.id) };
    },
    'GET /warnings/verdicts': (r) => {
      const list = items.filter((i) => (r.query.get('waiting') !== 'false') === !i.verdict);
      return { items: list, overdue: list.filter((i) => i.overdue).length };
    },
    'GET /warnings/skill': (r) => {
      const list = within(r);
      const seen = new Map([['', ['', '']]]);
      for (const i of list) for (const k of [[i.hazard, ''], ['', i.level], [i.hazard, i.level]]) seen.set(k.join('/'), k);
      return { from: r.query.get('from'), to: r.query.get('to'), partly: 'counts as happened; shown apart as well', overdue: list.filter((i) => i.overdue).length, figures: [...seen.values()].map(([h, l]) => figures(list, h, l)) };
    },
    'GET /warnings/skill/rows': (r) => {
      const f = is[r.query.get('figure')] ?? refuse(422, 'verdict.figure', 'no such figure', 'figure');
      return { items: within(r).filter((i) => f(i) && (!r.query.get('hazard') || i.hazard === r.query.get('hazard')) && (!r.query.get('level') || i.level === r.query.get('level'))), overdue: 0 };
    },
    'POST /warnings/missed': (r) => {
      officer(r);
      if (!r.body.source) refuse(422, 'verdict.text', 'source is missing: say it in a sentence', 'source');
      missed.push({ missed: ++ids, hazard: r.body.hazard, event: r.body.hazard === 'flood' ? flood : gas, headline: L('', ''), level: r.body.level, issued: null, ended: null, began: r.body.at, lead_minutes: null, verdict: null, due: null, overdue: false });
      emit('warning.missed', { missed: ids });
      return { id: ids, ...r.body };
    },
  };
  return { routes, recipients, deliveries, partners, received };
}
