-- +goose Up

-- owner holds the case and answers for its deadlines, by its post; desk runs it: it gave the work out, checks it and ends it
-- (0: the city's own watch). parties are the other organisations in it, as JSON: [{organisation, role, by, at}].
alter table cases add column post TEXT not null default '';
alter table cases add column desk INTEGER not null default 0;
alter table cases add column parties TEXT not null default '[]';
-- private cases are for their parties alone: no list, count or search of others shows them.
alter table cases add column private INTEGER not null default 0;
-- parent is the case that this one was split from, merged_into the one that goes on in its place; 0 where there is none.
alter table cases add column parent INTEGER not null default 0;
alter table cases add column merged_into INTEGER not null default 0;
-- the category of the report that it was opened for, if one was.
alter table cases add column category TEXT not null default '';
-- the level at which its supervision is listed (挂牌督办), '' where it is not.
alter table cases add column listed TEXT not null default '';
-- how often it was closed and opened again.
alter table cases add column reopened INTEGER not null default 0;
create index cases_parent on cases (parent, id) where parent <> 0;
create index cases_merged on cases (merged_into, id) where merged_into <> 0;
create index cases_asset on cases (asset, kind, id) where asset <> 0;
create index cases_place on cases (place, kind, id) where place <> 0;

-- A task is acknowledged by a person of its team before it is done. origin says what gave it, where that was not the case
-- itself: "plan:7", "instruction:3", "lesson:2"; answer is what was said when it was done.
alter table case_tasks add column acknowledged_at INTEGER;
alter table case_tasks add column acknowledged_by TEXT not null default '';
alter table case_tasks add column origin TEXT not null default '';
alter table case_tasks add column answer TEXT not null default '';
create index case_tasks_team on case_tasks (organisation, state, id);
create index case_tasks_origin on case_tasks (origin, id) where origin <> '';

-- Each promise of a time: a state's, one across states, a task's, an answer to an ask. Never deleted: the report on deadlines
-- is made of these rows alone. Who had to is whoever did at its end, or does now; a case that is handed on ends the row
-- ('passed-on') and begins another. started_at <= due_at; ended_at is when it was met or given up.
create table case_limits (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null references cases (id),
  name TEXT not null,
  what TEXT not null check (what in ('state', 'case', 'task', 'ask')),
  en TEXT not null,
  zh TEXT not null,
  kind TEXT not null,
  category TEXT not null,
  organisation INTEGER not null,
  post TEXT not null,
  area INTEGER not null,
  started_at INTEGER not null,
  first_due_at INTEGER not null,
  due_at INTEGER not null,
  extensions INTEGER not null default 0,
  ended_at INTEGER,
  state TEXT not null check (state in ('running', 'met', 'withdrawn', 'passed-on')),
  private INTEGER not null default 0
) STRICT;
create index case_limits_case on case_limits (case_id, id);
create unique index case_limits_running on case_limits (case_id, name) where state = 'running';
create index case_limits_due on case_limits (due_at, id);

-- A move that waits for another person's approval: it takes effect when it is granted, and leaves no trace but this row and
-- the timeline when it is refused.
create table case_asks (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null references cases (id),
  move TEXT not null,
  fields TEXT not null,
  note TEXT not null,
  asked_by INTEGER not null,
  asked_by_name TEXT not null,
  organisation INTEGER not null,
  asked_at INTEGER not null,
  decide_by INTEGER,
  state TEXT not null check (state in ('open', 'granted', 'refused', 'withdrawn')),
  decided_by INTEGER,
  decided_by_name TEXT not null default '',
  decided_at INTEGER,
  reason TEXT not null default ''
) STRICT;
create index case_asks_case on case_asks (case_id, id);

-- What belongs to a case that it did not open: further alerts of its cause, and what came again after it was closed.
create table case_links (
  what TEXT not null,
  id INTEGER not null,
  case_id INTEGER not null references cases (id),
  primary key (what, id)
) STRICT;
create index case_links_case on case_links (case_id);

-- One report, one case.
create unique index cases_report on cases (report) where report <> 0;

-- Cases that stood open before there were limits.
insert into case_limits (case_id, name, what, en, zh, kind, category, organisation, post, area, started_at, first_due_at, due_at, state)
  select id, 'state', 'state', state, state, kind, '', owner, '', area, since, due_at, due_at, 'running'
  from cases where closed_at is null and due_at is not null;

-- +goose Down
drop index cases_report;
drop table case_links;
drop table case_asks;
drop table case_limits;
drop index case_tasks_origin;
drop index case_tasks_team;
alter table case_tasks drop column answer;
alter table case_tasks drop column origin;
alter table case_tasks drop column acknowledged_by;
alter table case_tasks drop column acknowledged_at;
drop index cases_place;
drop index cases_asset;
drop index cases_merged;
drop index cases_parent;
alter table cases drop column reopened;
alter table cases drop column listed;
alter table cases drop column category;
alter table cases drop column merged_into;
alter table cases drop column parent;
alter table cases drop column private;
alter table cases drop column parties;
alter table cases drop column desk;
alter table cases drop column post;
