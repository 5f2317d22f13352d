-- +goose Up

-- Another service's warning is a reason too: kind relay. SQLite can't change a check, so the table is written anew.
drop index plan_reasons_standing;
drop index plan_reasons_ref;
alter table plan_reasons rename to plan_reasons_before;
create table plan_reasons (
  id INTEGER PRIMARY KEY,
  plan TEXT not null,
  site TEXT not null,
  kind TEXT not null check (kind in ('alert', 'warning', 'relay', 'incident')),
  ref INTEGER not null,
  name TEXT not null,
  level TEXT not null,
  en TEXT not null,
  zh TEXT not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  owner INTEGER not null,
  lon REAL,
  lat REAL,
  drill INTEGER not null,
  streams TEXT not null,
  since INTEGER not null,
  ended_at INTEGER,
  event INTEGER not null default 0,
  unique (plan, kind, ref)
) STRICT;
insert into plan_reasons (plan, site, kind, ref, name, level, en, zh, asset, place, area, owner, lon, lat, drill, streams, since, ended_at, event)
  select plan, site, kind, ref, name, level, en, zh, asset, place, area, owner, lon, lat, drill, streams, since, ended_at, event from plan_reasons_before order by id nulls last;
drop table plan_reasons_before;
create index plan_reasons_standing on plan_reasons (plan, site, id) where ended_at is null;
create index plan_reasons_ref on plan_reasons (kind, ref, id);

-- +goose Down
delete from plan_reasons where kind = 'relay';
