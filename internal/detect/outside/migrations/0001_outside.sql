-- +goose Up

-- Models of others. registration is JSON as it was registered; ids_key makes the opaque ids that this model knows series by.
-- moved_at is when the model came into its state: what it scored before is not judged. version is what it answered with
-- last, approved_version what it went live with. fails counts failures in a row, fault is the last one's reason.
create table outside_models (
  id INTEGER PRIMARY KEY,
  name TEXT not null unique,
  state TEXT not null check (state in ('draft', 'shadow', 'live', 'retired')),
  registration TEXT not null,
  ids_key BLOB not null,
  registered_at INTEGER not null,
  registered_by TEXT not null,
  registered_by_id INTEGER not null,
  moved_at INTEGER not null,
  shadow_at INTEGER,
  live_at INTEGER,
  approved_by TEXT not null,
  approved_by_id INTEGER not null,
  approved_version TEXT not null,
  version TEXT not null,
  answered_at INTEGER,
  fails INTEGER not null,
  fault TEXT not null
) STRICT;

-- Who has ever written a registration: none of them may approve the model.
create table outside_authors (
  model INTEGER not null references outside_models (id),
  account INTEGER not null,
  primary key (model, account)
) STRICT;

-- What a model was asked: one row for each window, written before the question goes out, so that none is asked twice. answer
-- is its scores and forecasts, gzipped JSON.
create table outside_asks (
  model INTEGER not null references outside_models (id),
  due INTEGER not null,
  state TEXT not null,
  asked_at INTEGER not null,
  ended_at INTEGER,
  outcome TEXT not null check (outcome in ('asking', 'answered', 'failed', 'refused', 'lost')),
  attempts INTEGER not null,
  version TEXT not null,
  fault TEXT not null,
  series INTEGER not null,
  scores INTEGER not null,
  forecasts INTEGER not null,
  answer BLOB,
  primary key (model, due)
) STRICT;

-- States of the machines that judge the scores, as of the newest answer.
create table outside_state (
  model INTEGER not null references outside_models (id),
  scope INTEGER not null,
  shard INTEGER not null,
  state BLOB not null,
  primary key (model, scope, shard)
) STRICT;

-- What a model raised. In state 'shadow' nobody was told; what it raised in state 'live' stands in the list of alerts as well.
create table outside_alerts (
  id INTEGER PRIMARY KEY,
  model INTEGER not null references outside_models (id),
  state TEXT not null,
  version TEXT not null,
  datastream INTEGER not null,
  since INTEGER not null,
  asset INTEGER not null,
  place INTEGER not null,
  level INTEGER not null,
  raised_at INTEGER not null,
  cleared_at INTEGER,
  facts TEXT not null,
  unique (model, datastream, since)
) STRICT;
create index outside_alerts_raised on outside_alerts (model, raised_at);

-- Cases that came to light otherwise than by an alert: what a model, and everyone, may have missed.
create table outside_cases (
  case_id INTEGER PRIMARY KEY,
  kind TEXT not null,
  asset INTEGER not null,
  place INTEGER not null,
  opened_at INTEGER,
  closed_at INTEGER,
  outcome TEXT not null
) STRICT;

-- +goose Down
drop table outside_cases;
drop table outside_alerts;
drop table outside_state;
drop table outside_asks;
drop table outside_authors;
drop table outside_models;
