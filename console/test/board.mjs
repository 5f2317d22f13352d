// Responses by an emergency plan, as the server tells them: one plan with three
// levels, five agencies of which the register does not know one.

const L = (en, zh) => ({ en, 'zh-CN': zh });
const RANK = ['IV', 'III', 'II'];

const AGENCIES = [
  { agency: 'command', title: L('Flood control office', '防汛指挥部办公室'), lead: true, organisations: [{ id: 31, name: L('Langang Water Affairs Bureau', '澜港市水务局') }] },
  { agency: 'drainage', title: L('Drainage company', '排水运营单位'), organisations: [{ id: 32, name: L('Langang Drainage Company', '澜港排水有限公司') }] },
  { agency: 'towns', title: L('Towns and streets', '街道、乡镇'), organisations: [{ id: 33, name: L('Gangwan Subdistrict', '港湾街道办事处') }, { id: 34, name: L('Xicheng Town', '西城镇人民政府') }] },
  { agency: 'police', title: L('Traffic police', '公安交警'), organisations: [] },
  { agency: 'health', title: L('Health', '卫生健康部门'), organisations: [{ id: 35, name: L('Langang Health Commission', '澜港市卫生健康委员会') }] },
];

const TASKS = [
  { name: 'consult', agency: 'command', post: 'flood-duty', due: 30, from: 'IV', title: L('Double the watch and consult with weather and hydrology', '加强值班，组织气象、水文会商'), asks: { title: L('Result of the consultation', '会商结论'), kind: 'text' } },
  { name: 'empty-ahead', agency: 'drainage', post: 'pump-crew', due: 60, from: 'IV', title: L('Draw the sewers and sumps down before the rain', '片区泵站预抽空，预降管网水位'), asks: { title: L('Stations drawn down', '已预抽空泵站数（座）'), kind: 'number' }, needs: 4 },
  { name: 'watch-spots', agency: 'drainage', post: 'flood-crew', due: 60, from: 'IV', title: L('Crews look in at underpasses each hour', '对下立交逐小时巡查'), needs: 6 },
  { name: 'tell', agency: 'towns', post: 'town-duty', due: 60, from: 'IV', title: L('Warn low-lying streets and clear their drains', '通知低洼地区居民，清理雨水口') },
  { name: 'close', agency: 'police', post: '', due: 20, from: 'III', title: L('Close each underpass from 25 cm of water on', '下立交积水达25厘米立即封道') },
  { name: 'hold-spots', agency: 'drainage', post: 'flood-crew', due: 30, from: 'II', title: L('Crews stay at each underpass', '下立交一点一队驻守'), needs: 10 },
];
const WITHOUT = { II: ['watch-spots'] };
const TITLE = L('Flood and joint drainage plan', '防汛防台与排水联合调度应急预案');
const level = (id) => L(`Level ${id} response`, `${{ IV: 'Ⅳ', III: 'Ⅲ', II: 'Ⅱ' }[id]}级响应`);
const OFFICE = L('Flood control office', '市防汛指挥部办公室');
const at = (id) => TASKS.filter((x) => RANK.indexOf(x.from) <= RANK.indexOf(id) && !(WITHOUT[id] ?? []).includes(x.name));

/** The routes of plans. `refuse` throws a problem; `emit` tells the live stream. */
export function board({ clock, emit, refuse, ids }) {
  const responses = [];
  const proposals = [
    {
      id: 71, plan: 'flood', plan_title: TITLE, what: 'open', level: 'IV', level_title: level('IV'), decided_in: OFFICE, state: 'open', drill: false,
      reasons: [{ kind: 'alert', ref: 105, level: 'blue', text: L('River above its warning mark: 4.2 m at gauge Xicheng for 15 min', '河道水位超警戒：西城水位站水位 4.2 m，已持续15分钟'), since: new Date(clock().getTime() - 15 * 60_000).toISOString() }],
      asset_name: L('River gauge Xicheng', '西城水位站'), place_name: L('Xicheng Bridge', '西城桥'), area_name: L('Xicheng', '西城区'), gaps: [{ agency: 'police', title: AGENCIES[3].title }], at: new Date(clock().getTime() - 5 * 60_000).toISOString(),
    },
  ];
  const found = (list, id) => list.find((x) => x.id === Number(id)) ?? refuse(404, 'plan.no_response', `there is no response ${id}`);
  const iso = (minutes = 0) => new Date(clock().getTime() + minutes * 60_000).toISOString();

  function give(r, tasks) {
    for (const x of tasks) {
      const a = AGENCIES.find((a) => a.agency === x.agency);
      for (const o of a.organisations.length ? a.organisations : [{ id: 0, name: L('', '') }]) {
        r.tasks.push({
          id: ids(), name: x.name, agency: x.agency, title: x.title, level: r.level, organisation: o.id, organisation_name: o.name, post: x.post, state: 'waiting', given_at: iso(), due_at: iso(x.due),
          acknowledged_at: null, done_at: null, asks: x.asks, done_when: L('Reported', '已报告'), needs: x.needs ? [{ resource: 'crew', title: L('Drainage crews', '排水抢险队'), count: x.needs, unit: L('crews', '支') }] : [],
        });
      }
    }
  }
  const open = (x) => x.state === 'waiting' || x.state === 'acknowledged';
  const late = (x) => (open(x) ? Date.parse(x.due_at) < clock().getTime() : x.state === 'done' && x.done_at > x.due_at);
  const counts = (ts) => ({ waiting: ts.filter((x) => x.state === 'waiting').length, acknowledged: ts.filter((x) => x.state === 'acknowledged').length, done: ts.filter((x) => x.state === 'done').length, withdrawn: ts.filter((x) => x.state === 'withdrawn').length, late: ts.filter((x) => open(x) && late(x)).length, done_late: ts.filter((x) => x.state === 'done' && late(x)).length });
  const brief = (r) => ({ id: r.id, plan: 'flood', title: TITLE, level: r.level, level_title: level(r.level), state: r.state, drill: r.drill, case: r.case, case_closed: false, asset_name: L('River gauge Xicheng', '西城水位站'), place_name: L('Xicheng Bridge', '西城桥'), area_name: L('Xicheng', '西城区'), opened_at: r.opened_at, ended_at: r.ended_at ?? null, counts: counts(r.tasks) });
  const parts = (tasks) => AGENCIES.map((a) => ({ lead: false, ...a, gap: a.organisations.length === 0, counts: counts(tasks.filter((x) => x.agency === a.agency)), tasks: tasks.filter((x) => x.agency === a.agency).map((x) => ({ ...x, late: late(x), may_acknowledge: x.state === 'waiting', may_finish: open(x) })) }));
  const view = (r) => ({
    ...brief(r), now: iso(), source: 'A plan of the tests.', may_decide: true,
    levels: RANK.map((id) => ({ id, title: level(id), decided_by: OFFICE, in_force: id === r.level, gives: at(id).filter((x) => !at(r.level).includes(x)).length, withdraws: at(r.level).filter((x) => !at(id).includes(x)).length })),
    agencies: parts(r.tasks),
    resources: [{ id: 'crew', title: L('Drainage crews', '排水抢险队'), agency: 'drainage', count: 12, taken: r.tasks.filter(open).reduce((n, x) => n + (x.needs[0]?.count ?? 0), 0), unit: L('crews', '支') }],
    changes: r.changes, proposal: proposals.find((p) => p.activation === r.id && p.state === 'open') ?? null, advice: r.advice,
  });
  const task = (caseId, id) => {
    const r = responses.find((r) => r.case === Number(caseId));
    return r ? [r, r.tasks.find((x) => x.id === Number(id))] : [];
  };

  const routes = {
    'GET /plans': () => ({ items: [{ id: 'flood', pack: 'flood', title: TITLE, about: 'flood', per: 'city', levels: RANK.map((id) => ({ id, title: level(id), decided_by: OFFICE, proposed_by: [], tasks: at(id).length })) }] }),
    'GET /plans/flood': () => ({ ...routes['GET /plans']().items[0], source: 'A plan of the tests.', agencies: parts([]), resources: [], tasks: [], may_decide: true }),
    'GET /plan-proposals': () => ({ items: proposals.filter((p) => p.state === 'open') }),
    'POST /plan-proposals/:id/decline': (r) => {
      const p = found(proposals, r.id);
      if (!r.body.why) refuse(422, 'plan.text', 'write why', 'why');
      p.state = 'declined';
      emit('plan.proposed', { proposal: p.id });
      return null;
    },
    'GET /responses': () => ({ items: responses.map(brief).reverse() }),
    'GET /responses/:id': (r) => view(found(responses, r.id)),
    'POST /plans/flood/responses': (r) => {
      if (!r.body.why) refuse(422, 'plan.text', 'write why', 'why');
      if (responses.some((x) => x.state === 'active')) refuse(409, 'plan.open_already', 'the response is under way');
      const x = { id: ids(), case: 900 + responses.length, level: r.body.level, state: 'active', drill: !!r.body.drill, opened_at: iso(), tasks: [], advice: [], changes: [{ at: iso(), to: r.body.level, by: r.actor.name, organisation_name: r.actor.organisation_name, why: r.body.why, decided_by: OFFICE }] };
      responses.push(x);
      give(x, at(x.level));
      for (const p of proposals) if (p.id === r.body.proposal) p.state = 'taken';
      emit('plan.opened', { activation: x.id, case: x.case });
      return view(x);
    },
    'POST /responses/:id/level': (r) => {
      const x = found(responses, r.id);
      if (r.body.from !== x.level) refuse(409, 'plan.level_changed', `the response is at level ${x.level} by now, not ${r.body.from}`);
      const [before, after] = [at(x.level), at(r.body.level)];
      for (const y of x.tasks) if (open(y) && before.some((z) => z.name === y.name) && !after.some((z) => z.name === y.name)) Object.assign(y, { state: 'withdrawn', done_at: iso() });
      x.changes.push({ at: iso(), from: x.level, to: r.body.level, by: r.actor.name, organisation_name: r.actor.organisation_name, why: r.body.why, decided_by: OFFICE });
      x.level = r.body.level;
      give(x, after.filter((z) => !before.includes(z)));
      for (const p of proposals) if (p.id === r.body.proposal) p.state = 'taken';
      emit('plan.changed', { activation: x.id, case: x.case });
      return view(x);
    },
    'POST /responses/:id/end': (r) => {
      const x = found(responses, r.id);
      for (const w of r.body.withdraw ?? []) if (w.reason) Object.assign(found(x.tasks, w.task), { state: 'withdrawn', done_at: iso() });
      if (x.tasks.some(open)) refuse(409, 'plan.open_tasks', 'each task must be done, or withdrawn with a reason', 'withdraw');
      Object.assign(x, { state: 'ended', ended_at: iso() });
      x.changes.push({ at: iso(), from: x.level, by: r.actor.name, organisation_name: r.actor.organisation_name, why: r.body.why, decided_by: OFFICE });
      emit('plan.ended', { activation: x.id, case: x.case });
      return view(x);
    },
    'POST /responses/:id/advice/:sub': (r) => {
      const x = found(responses, r.id);
      if (!r.body.why) refuse(422, 'plan.text', 'write why', 'why');
      const a = found(x.advice, r.sub);
      Object.assign(a, { state: r.body.take ? 'taken' : 'declined', why: r.body.why });
      if (r.body.take) give(x, [{ name: 'advice', agency: 'drainage', post: 'pump-crew', due: 15, title: L(`${a.title.en}: 3 pumps`, `${a.title['zh-CN']}：3台`) }]);
      emit('plan.advised', { activation: x.id });
      return view(x);
    },
    'POST /cases/:id/tasks/:sub/acknowledge': (r) => {
      const [x, y] = task(r.id, r.sub);
      if (!y) refuse(404, 'case.no_task', 'no such task');
      Object.assign(y, { state: 'acknowledged', acknowledged_at: iso(), acknowledged_by: r.actor.name });
      emit('task.acknowledged', { case: x.case, task: y.id });
      return { id: x.case };
    },
  };
  return {
    routes,
    responses,
    proposals,
    /** The proposal is fetched anew, with another reason. */
    again() {
      proposals[0] = { ...proposals[0], gaps: [] };
      emit('plan.proposed', { proposal: proposals[0].id });
    },
    /** A task of a response that is done, with its answer; false when the case is none of ours. */
    finish(r) {
      const [x, y] = task(r.id, r.sub);
      if (!y) return false;
      if (y.asks && !r.body.answer) refuse(422, 'case.text', 'write something here', 'answer');
      Object.assign(y, { state: 'done', done_at: iso(), answer: r.body.answer });
      emit('task.done', { case: x.case, task: y.id });
      return { id: x.case };
    },
    advise(x) {
      x.advice.push({ id: ids(), state: 'open', at: iso(), title: L('Run the pumps of Xicheng', '开启西城泵站水泵'), because: L('The basin fills within 40 min', '片区预计40分钟后达到控制水位'), agency: 'drainage', model: 'basin 1', figures: [{ title: L('Pumps', '开机台数'), value: 3, unit: '1' }, { title: L('Peak level', '最高水位'), value: 2.35, unit: 'm' }] });
      emit('plan.advised', { activation: x.id });
    },
  };
}
