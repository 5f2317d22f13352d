-- +goose Up
-- Appointments moved to the table that all rooms share.
insert into timers (owner, id, name, generation, due_at) select 'case', case_id, name, generation, due_at from case_timers;
drop table case_timers;

-- +goose Down
create table case_timers (
  case_id INTEGER not null references cases (id),
  name TEXT not null,
  generation INTEGER not null,
  due_at INTEGER not null,
  primary key (case_id, name)
) STRICT;
create index case_timers_due on case_timers (due_at, case_id, name);
