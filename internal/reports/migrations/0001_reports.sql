-- +goose Up

-- One row per report. There is no column for who reported: that is sealed in the vault under ("report", id). text and
-- address are masked. precision: point, area (lon and lat are the middle of the area) or unknown (lon and lat are null).
create table reports (
  id INTEGER PRIMARY KEY,
  number TEXT not null unique,
  source TEXT,
  external_id TEXT,
  submission TEXT unique,
  category TEXT not null,
  source_category TEXT not null,
  text TEXT not null,
  address TEXT not null,
  channel TEXT not null,
  queue TEXT not null,
  area INTEGER not null,
  lon REAL,
  lat REAL,
  precision TEXT not null,
  state TEXT not null,
  contact INTEGER not null,
  received_at INTEGER not null,
  due_at INTEGER,
  closed_at INTEGER,
  unique (source, external_id)
) STRICT;
create index reports_received on reports (received_at, id);
create index reports_state on reports (state, received_at, id);

-- +goose Down
drop table reports;
