// A request with everything that a case can have beside: limits, asks, parts, parties, a listing, a private sister. It is no part of
// the mock city until a test calls add().

const L = (en, zh) => ({ en, 'zh-CN': zh });
const ORGANISATIONS = [
  { id: 5, name: L('Langang Roads Company', '澜港市政道路有限公司') },
  { id: 6, name: L('Langang Water Company', '澜港水务有限公司') },
  { id: 8, name: L('Gangwan Subdistrict', '港湾街道办事处') },
];

export function requests({ clock, emit, refuse, find, world }) {
  const at = (minutes) => new Date(clock().getTime() + minutes * 60_000).toISOString();
  const nameOf = (id) => ORGANISATIONS.find((o) => o.id === id)?.name ?? null;
  const limit = (name, title, organisation, due, more = {}) => ({
    name, title, organisation, organisation_name: nameOf(organisation), started_at: at(-600), due_at: at(due), first_due_at: at(due), extensions: 0, ended_at: null, state: 'running', late: due < 0, ...more,
  });
  const time = (field, en, zh) => ({ field, kind: 'time', title: L(en, zh) });
  const MOVES = [
    { name: 'transfer', title: L('Hand over', '改派'), does: 'transfer', requires: [{ field: 'organisation', kind: 'organisation', title: L('To whom', '承办单位') }, { field: 'post', kind: 'post', title: L('Post', '岗位') }] },
    { name: 'split', title: L('Split', '拆分'), does: 'split', requires: [{ field: 'units', kind: 'organisations', title: L('Among whom', '承办单位') }] },
    { name: 'merge', title: L('Merge', '并案'), does: 'merge', requires: [{ field: 'into', kind: 'case', title: L('Into which case', '并入案卷') }] },
    { name: 'extend', title: L('More time', '延期'), does: 'extend', approval: true, requires: [time('until', 'Until', '延至')] },
  ];
  const base = (id, title) => ({
    id, kind: 'request', kind_title: L('Service request', '热线工单'), title, state: 'handling', level: null, alert: null, finding: null, report: 71, asset: null, asset_name: null,
    place: null, area: null, point: null, owner: 5, owner_name: nameOf(5), post: 'road-crew', desk: 8, desk_name: nameOf(8), opened_at: at(-600), due_at: at(90), closed_at: null,
    made: [], entered: at(-500), evidence: [], tasks: [], limits: [], asks: [], parties: [], parts: [], merged: [], timeline: [],
  });

  function add() {
    const whole = {
      ...base(61, L('Road damage', '道路破损')), listed: 'city', listed_title: L('City', '市级'), reopened: 1, parent: 60, merged: [58, 59],
      parties: [{ organisation: 6, role: 'assist', name: nameOf(6) }],
      parts: [{ id: 62, owner: 6, owner_name: nameOf(6), state_title: L('Closed', '已办结'), outcome: 'proven', closed_at: at(-5) }, { id: 63, owner: 8, owner_name: nameOf(8), state_title: L('Being handled', '办理中'), closed_at: null }],
      limits: [
        limit('state', L('Intake', '待派单'), 8, -520, { state: 'met', ended_at: at(-540), late: false }),
        limit('limit:first-answer', L('First answer', '首次答复'), 6, -300, { state: 'passed-on', ended_at: at(-350), late: false }),
        limit('task:7', L('Close the lane', '封闭车道'), 5, -200, { state: 'met', ended_at: at(-100), late: true }),
        limit('limit:closing', L('Closing', '办结'), 5, 4000, { extensions: 1, first_due_at: at(2000) }),
        limit('state', L('Being handled', '办理中'), 5, 90, { post: 'road-crew' }),
        limit('ask:2', L('More time', '延期'), null, -30),
      ],
      asks: [
        { id: 1, move: 'extend', title: L('More time', '延期'), fields: { until: at(300) }, note: '', asked_by: 'Chen Bo', asked_at: at(-400), decide_by: null, state: 'refused', decided_by: 'Zhou Min', decided_at: at(-390), reason: 'Start at once.', may_decide: false },
        { id: 2, move: 'extend', title: L('More time', '延期'), fields: { until: at(800) }, note: 'The asphalt plant is closed.', asked_by: 'Chen Bo', asked_at: at(-60), decide_by: at(-30), state: 'open', may_decide: true },
      ],
      tasks: [{ id: 611, title: L('Close the lane', '封闭车道'), state: 'open', assignee: 'patrol', organisation: 6, organisation_name: nameOf(6), due_at: at(20), acknowledged_at: null }],
    };
    const secret = { ...base(64, L('Mediation', '纠纷调解')), kind_title: L('Mediation', '纠纷调解'), private: true, report: null, timeline: [{ id: 641, at: at(-600), actor: 'Lin Hai', kind: 'note', text: L('Opened by hand', '人工立案'), data: null }] };
    world.duty.organisations = ORGANISATIONS; // the register is then that of these cases
    world.cases.push(whole, secret);
    return { whole, secret };
  }

  const of = (r) => find(world.cases, r.id, 'case');
  return {
    add,
    moves: (x) => (x.kind === 'request' && !x.private ? MOVES.map((m) => ({ ...m, to: '', allowed: true, why_not: null })) : x.kind === 'request' ? [] : null),
    states: { handling: L('Being handled', '办理中'), merged: L('Merged', '已并案') },
    routes: {
      'POST /cases/:id/asks/:sub/decision': (r) => {
        const x = of(r);
        const a = find(x.asks, r.sub, 'ask');
        if (a.state !== 'open') refuse(409, 'case.ask_decided', `this was decided on already: ${a.state}`);
        if (!r.body.granted && !r.body.reason) refuse(422, 'case.text', 'write something here', 'reason');
        Object.assign(a, { state: r.body.granted ? 'granted' : 'refused', decided_by: r.actor.name, decided_at: at(0), reason: r.body.reason ?? '', may_decide: false });
        emit('case.ask', { case: x.id });
        return x;
      },
      'POST /cases/:id/parties': (r) => {
        const x = of(r);
        x.parties.push({ organisation: r.body.organisation, role: r.body.role, name: nameOf(r.body.organisation) });
        return x;
      },
      'POST /cases/:id/tasks/:sub/acknowledge': (r) => {
        const x = of(r);
        Object.assign(find(x.tasks, r.sub, 'task'), { acknowledged_at: at(0), acknowledged_by: r.actor.name });
        return x;
      },
      'GET /cases/:id/words': (r) => {
        const x = of(r);
        if (!x.private) refuse(404, 'case.not_private', 'nothing in the vault');
        x.opened = (x.opened ?? 0) + 1;
        return [{ entry: 0, title: 'Noise upstairs' }, { entry: 641, text: 'Every night since May.', fields: { since: 'May' } }];
      },
    },
  };
}
