-- +goose Up

-- Lists are narrowed to one owner. (What is past its limit, respond/deadline has an index for: case_limits_open.)
create index cases_owner_open on cases (owner, id) where closed_at is null;

-- Tasks that stood open before there were limits.
insert into case_limits (case_id, name, what, en, zh, kind, category, organisation, post, area, started_at, first_due_at, due_at, state)
  select t.case_id, 'task:' || t.id, 'task', t.en, t.zh, c.kind, c.category, t.organisation, t.post, c.area, t.opened_at, t.due_at, t.due_at, 'running'
  from case_tasks t join cases c on c.id = t.case_id
  where t.state = 'open' and t.due_at is not null and c.closed_at is null
    and not exists (select 1 from case_limits l where l.case_id = t.case_id and l.name = 'task:' || t.id);

-- +goose Down
drop index cases_owner_open;
