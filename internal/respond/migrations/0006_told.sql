-- +goose Up

-- told: that the limit has passed stands in the timeline. One that is told has no appointment, unless the clock was put back
-- before it. inherited: it had passed when the case was given to whoever has to keep it now, and is late for whoever had it then.
alter table case_limits add column told INTEGER not null default 0;
alter table case_limits add column inherited INTEGER not null default 0;
update case_limits set told = 1 where state = 'running'
  and not exists (select 1 from timers t where t.owner = 'case' and t.id = case_limits.case_id and t.name = case_limits.name);
create index case_limits_told on case_limits (due_at, id) where state = 'running' and told = 1;

-- +goose Down
drop index case_limits_told;
alter table case_limits drop column inherited;
alter table case_limits drop column told;
