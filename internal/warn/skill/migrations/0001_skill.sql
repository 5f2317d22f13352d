-- +goose Up

-- What officers found out about a warning that has ended. The newest version of a warning counts; rows never change.
create table warning_verdicts (
  id INTEGER PRIMARY KEY,
  warning INTEGER not null,
  version INTEGER not null,
  verdict TEXT not null,
  began INTEGER,
  what TEXT not null,
  reason TEXT not null,
  evidence TEXT not null,
  actor TEXT not null,
  actor_id INTEGER not null,
  at INTEGER not null,
  unique (warning, version)
) STRICT;

-- Dangers that came without a warning of their level. areas is a JSON list of ids.
create table warning_missed (
  id INTEGER PRIMARY KEY,
  hazard TEXT not null,
  level TEXT not null,
  areas TEXT not null,
  began INTEGER not null,
  what TEXT not null,
  source TEXT not null,
  actor TEXT not null,
  actor_id INTEGER not null,
  at INTEGER not null
) STRICT;
create index warning_missed_began on warning_missed (began);

-- +goose Down
drop table warning_missed;
drop table warning_verdicts;
