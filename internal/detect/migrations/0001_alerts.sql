-- +goose Up

-- One row for each alert. detector, kind, on_place, subject and since name it, so that a step that is evaluated a second
-- time after a crash finds the row it made the first time. facts is JSON: texts in both languages, names, readings.
create table alerts (
  id INTEGER PRIMARY KEY,
  detector TEXT not null,
  kind TEXT not null check (kind in ('hazard', 'monitoring')),
  on_place INTEGER not null,
  subject INTEGER not null,
  since INTEGER not null,
  level INTEGER not null,
  state TEXT not null check (state in ('raised', 'acknowledged', 'cleared')),
  raised_at INTEGER not null,
  acknowledged_at INTEGER,
  acknowledged_by TEXT,
  acknowledged_by_id INTEGER,
  cleared_at INTEGER,
  datastream INTEGER not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  organisation INTEGER not null,
  lon REAL,
  lat REAL,
  case_id INTEGER,
  facts TEXT not null,
  unique (detector, kind, on_place, subject, since)
) STRICT;

create index alerts_open on alerts (id) where state <> 'cleared';
create index alerts_open_asset on alerts (asset) where state <> 'cleared';

-- The history of an alert: raised, level, acknowledged, cleared. at is event time, recorded_at the clock's.
create table alert_events (
  id INTEGER PRIMARY KEY,
  alert INTEGER not null references alerts (id),
  at INTEGER not null,
  recorded_at INTEGER not null,
  kind TEXT not null,
  level INTEGER not null,
  actor TEXT not null,
  actor_id INTEGER not null,
  note TEXT not null,
  facts TEXT not null,
  unique (alert, kind, at, level)
) STRICT;

-- States of detectors, 64 subjects a row. rule is the fingerprint of the rule that the state belongs to.
create table detect_state (
  detector TEXT not null,
  on_place INTEGER not null,
  shard INTEGER not null,
  rule TEXT not null,
  state BLOB not null,
  primary key (detector, on_place, shard)
) STRICT;

-- The log position that the states belong to, and what was counted up to it. One row.
create table detect_position (
  id INTEGER PRIMARY KEY,
  position INTEGER not null,
  evaluated INTEGER not null,
  late INTEGER not null,
  saved_at INTEGER not null
) STRICT;

-- +goose Down
drop table detect_position;
drop table detect_state;
drop table alert_events;
drop table alerts;
