-- +goose Up

-- fault is what is wrong with the watch, '' for a hazard. lead is the alert that leads the group of one cause, null when it
-- is this one. shelf is who put it aside until when; design is the alert that explains it. Each *_over_at is since when the
-- alert counts all the same. chatters: it comes and goes. amended: a reading that it rests on was changed afterwards.
alter table alerts rename column on_place to scope;
alter table alerts add column fault TEXT not null default '';
update alerts set fault = 'silent' where kind = 'monitoring';
alter table alerts add column lead INTEGER;
alter table alerts add column shelf INTEGER;
alter table alerts add column shelf_until INTEGER;
alter table alerts add column shelf_over_at INTEGER;
alter table alerts add column design INTEGER;
alter table alerts add column design_over_at INTEGER;
alter table alerts add column chatters INTEGER not null default 0;
alter table alerts add column amended INTEGER not null default 0;
create index alerts_open_place on alerts (place) where state <> 'cleared';
create index alerts_datastream on alerts (datastream, since);
create index alerts_raised on alerts (raised_at);
create index alerts_lead on alerts (lead) where lead is not null;

-- Names of alerts. An alert is found by each name that it has had: a reading that comes late can show that its run began
-- earlier than was told.
create table alert_names (
  detector TEXT not null,
  kind TEXT not null,
  fault TEXT not null,
  scope INTEGER not null,
  subject INTEGER not null,
  since INTEGER not null,
  alert INTEGER not null,
  primary key (detector, kind, fault, scope, subject, since)
) STRICT;
insert into alert_names (detector, kind, fault, scope, subject, since, alert)
  select detector, kind, fault, scope, subject, since, id from alerts;

-- since names the run that a step of the detector belongs to. undone_at is when a reading that came late showed that the
-- step was not so; null: it holds.
alter table alert_events add column since INTEGER;
alter table alert_events add column undone_at INTEGER;
update alert_events set since = (select since from alerts where alerts.id = alert_events.alert) where kind in ('raised', 'level', 'cleared');

-- Alerts that a person has put aside until a time, by detector and subject. ended_at is when it was taken back early.
create table alert_shelves (
  id INTEGER PRIMARY KEY,
  detector TEXT not null,
  kind TEXT not null,
  fault TEXT not null,
  scope INTEGER not null,
  subject INTEGER not null,
  since INTEGER not null,
  until INTEGER not null,
  reason TEXT not null,
  actor TEXT not null,
  actor_id INTEGER not null,
  ended_at INTEGER
) STRICT;
create index alert_shelves_key on alert_shelves (detector, kind, fault, scope, subject, until);

-- Reports of people that detectors read: what, when, where, nothing else. Kept for as long as one can count.
create table detect_reports (
  id INTEGER PRIMARY KEY,
  at INTEGER not null,
  category TEXT not null,
  lon REAL not null,
  lat REAL not null
) STRICT;
create index detect_reports_at on detect_reports (at);

-- What people found out about an alert: one row for each, the newest word counts. onset is when the hazard began by what was
-- found, null where nobody knows; case_id is the case whose end says so, null when a person said it here.
create table alert_verdicts (
  alert INTEGER PRIMARY KEY,
  verdict TEXT not null check (verdict in ('real', 'false', 'unclear', 'drill')),
  onset INTEGER,
  note TEXT not null,
  actor TEXT not null,
  actor_id INTEGER not null,
  case_id INTEGER,
  at INTEGER not null
) STRICT;

-- States are written otherwise from now on; those that are there say so by their version.
alter table detect_state rename column on_place to scope;

-- +goose Down
drop table detect_reports;
drop table alert_verdicts;
drop table alert_shelves;
drop table alert_names;
