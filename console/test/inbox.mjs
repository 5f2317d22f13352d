// The inbox of a post as the server tells it, and web push as far as the server has a part in it.

const L = (en, zh) => ({ en, 'zh-CN': zh });
const NAMES = { 0: L("the city's watch", '市值班室'), 2: L('City emergency bureau', '市应急管理局'), 5: L('Langang Gas Company', '澜港燃气公司') };

/** The routes of inboxes. `refuse` throws a problem; `emit` tells the live stream. */
export function inbox({ clock, emit, refuse }) {
  const iso = (minutes = 0) => new Date(clock().getTime() + minutes * 60_000).toISOString();
  const items = [
    { what: 'task', id: 31, case: 38, title: L('Send the repair crew and cordon off the place', '派出抢修队伍，划定警戒区'), why: L('Gas leak', '燃气泄漏处置'), level: 'red', post: 'gas-crew', at: iso(-22), due_at: iso(-2) },
    { what: 'notice', id: 7, about: 'alert', on: 118, title: L('Methane indoors · Restaurant gas alarm 8', '室内甲烷泄漏 · 8 号餐饮燃气报警器'), why: L('Alert to be acknowledged (reminder 1)', '告警待签收（第 1 次催办）'), level: 'orange', round: 1, at: iso(-4) },
    { what: 'task', id: 32, case: 40, title: L('', ''), text: 'Look at the valve in chamber 3', why: L('Valve check', '阀门检查'), post: 'gas-crew', at: iso(-50), due_at: iso(130) },
    { what: 'task', id: 33, case: 38, title: L('Close the valve upstream', '关闭上游阀门'), why: L('Gas leak', '燃气泄漏处置'), level: 'red', post: 'gas-office', at: iso(-20), due_at: iso(25), acknowledged_at: iso(-18), acknowledged_by: 'Zhou Min' },
    { what: 'notice', id: 5, about: 'case', on: 37, case: 37, title: L('Hazard rectification · Harbour Road', '隐患整改 · 港湾路'), why: L('What was late has been done', '超时事项已办理'), over: true, at: iso(-90) },
  ];
  const subscriptions = [];
  let next = 100;
  const list = (q) => {
    const post = q.get('post') ?? '';
    const shown = items.filter((i) => (!post || !i.post || i.post === post) && !(i.what === 'notice' && i.acknowledged_at));
    return { organisation: Number(q.get('organisation') || 2), organisation_name: NAMES[Number(q.get('organisation') || 2)] ?? L('', ''), post, posts: ['gas-crew', 'gas-office'], items: shown, waiting: shown.filter((i) => !i.over && !i.acknowledged_at).length };
  };
  const take = (r, what) => {
    const i = items.find((x) => x.what === what && x.id === Number(what === 'task' ? r.sub : r.id)) ?? refuse(404, 'notice.not_found', 'there is no such notice');
    Object.assign(i, { acknowledged_at: iso(), acknowledged_by: r.actor.name });
    emit(what === 'task' ? 'task.acknowledged' : 'notice.acknowledged', { about: i.about, id: i.on });
    return { id: i.id, state: 'acknowledged', acknowledged_by: r.actor.name };
  };
  return {
    items,
    subscriptions,
    /** A new notice, told to the live stream. */
    give(change) {
      const i = { what: 'notice', id: ++next, about: 'alert', on: 118, title: L('Pressure falls · Regulator 2', '压力下降 · 2 号调压站'), why: L('Alert to be acknowledged', '告警待签收'), level: 'red', at: iso(), ...change };
      items.push(i);
      emit('notice.given', { notice: i.id, organisation: 2, about: i.about, id: i.on, level: i.level });
      return i;
    },
    take: (r) => take(r, 'task'),
    routes: {
      'GET /inbox': (r) => list(r.query),
      'POST /notices/:id/acknowledge': (r) => take(r, 'notice'),
      'GET /push/key': () => ({ key: 'BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM' }),
      'POST /push/subscriptions': (r) => {
        if (!r.body.keys?.p256dh) refuse(422, 'push.subscription', 'p256dh is no public key of P-256', 'endpoint');
        subscriptions.push(r.body);
        return null;
      },
      'POST /push/subscriptions/remove': (r) => {
        subscriptions.splice(0, subscriptions.length, ...subscriptions.filter((s) => s.endpoint !== r.body.endpoint));
        return null;
      },
    },
  };
}
