-- +goose Up

-- Cases of a kind that some detector opens, which were opened for something else while no alert of such a detector was there:
-- they came to light in another way. detectors are those that watched the asset or the place, as JSON. proven_at is when the
-- case ended as proven, null while it is open; one that ends otherwise leaves no row.
create table missed_events (
  case_id INTEGER PRIMARY KEY,
  kind TEXT not null,
  pack TEXT not null,
  report INTEGER not null,
  finding INTEGER not null,
  asset INTEGER not null,
  place INTEGER not null,
  at INTEGER not null,
  detectors TEXT not null,
  proven_at INTEGER
) STRICT;
create index missed_events_at on missed_events (at);

-- How far the detectors' steps are on disk: all of the log's rows before position, and so many of that row. One row.
create table detect_recorded (
  id INTEGER PRIMARY KEY,
  position INTEGER not null,
  steps INTEGER not null
) STRICT;

-- The load of a position is counted by when alerts were told, which is when their step was recorded.
create index alert_events_told on alert_events (recorded_at) where kind in ('raised', 'again', 'cleared');
create index alerts_cleared on alerts (cleared_at) where cleared_at is not null;
create index alerts_detector on alerts (detector, raised_at);

-- +goose Down
drop index alerts_detector;
drop index alerts_cleared;
drop index alert_events_told;
drop table detect_recorded;
drop table missed_events;
