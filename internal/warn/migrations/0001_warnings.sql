-- +goose Up

-- One row per warning: where it stands. current is the version that was published last (0: none yet), pending the one
-- that waits for a second officer (0: none). expires is that of current. changed is when the public picture last changed.
create table warnings (
  id INTEGER PRIMARY KEY,
  number TEXT not null unique,
  year INTEGER not null,
  serial INTEGER not null,
  status TEXT not null,
  scope TEXT not null,
  restriction TEXT not null,
  state TEXT not null,
  current INTEGER not null,
  pending INTEGER not null,
  expires INTEGER not null,
  changed INTEGER not null,
  ended_at INTEGER,
  ended_by TEXT,
  end_kind TEXT,
  end_reason TEXT,
  unique (year, serial)
) STRICT;
create index warnings_state on warnings (state, expires);

-- One row per proposal, and once approved per published message. Rows of state issued never change again.
create table warning_versions (
  id INTEGER PRIMARY KEY,
  warning INTEGER not null,
  version INTEGER not null,
  kind TEXT not null,
  state TEXT not null,
  content TEXT not null,
  reason TEXT not null,
  proposed_at INTEGER not null,
  proposed_by INTEGER not null,
  proposed_by_name TEXT not null,
  approved_by INTEGER,
  approved_by_name TEXT,
  identifier TEXT unique,
  sent INTEGER,
  cap TEXT,
  unique (warning, version)
) STRICT;

-- +goose Down
drop table warning_versions;
drop table warnings;
