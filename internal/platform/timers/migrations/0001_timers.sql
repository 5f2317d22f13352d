-- +goose Up
-- An appointment of whatever an owner keeps: a case, a chain of notices, a report upward. A new one under the same name takes
-- the old one's place.
create table timers (
  owner TEXT not null,
  id INTEGER not null,
  name TEXT not null,
  generation INTEGER not null,
  due_at INTEGER not null,
  primary key (owner, id, name)
) STRICT;
create index timers_due on timers (due_at, owner, id, name);

-- +goose Down
drop table timers;
