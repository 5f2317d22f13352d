-- +goose Up

-- Everything that happens in a joint room is an entry of its case's timeline (respond). The tables here hold what stands now, so
-- that a deed can be checked without reading the whole timeline; a test replays the entries and finds the same.

-- Which cases have a room: it begins with the first deed in it.
create table rooms (
  case_id INTEGER PRIMARY KEY,
  opened_at INTEGER not null
) STRICT;

-- A post of an agency in a room. left_at is null while it is there.
create table room_seats (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  organisation INTEGER not null,
  post TEXT not null,
  joined_at INTEGER not null,
  left_at INTEGER
) STRICT;
create index room_seats_case on room_seats (case_id, id);
create unique index room_seats_here on room_seats (case_id, organisation, post) where left_at is null;

-- Marks on the map; shape is GeoJSON. ended_at is null while in force.
create table room_marks (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  organisation INTEGER not null,
  post TEXT not null,
  kind TEXT not null,
  label TEXT not null,
  shape TEXT not null,
  entry INTEGER not null,
  placed_at INTEGER not null,
  ended_at INTEGER
) STRICT;
create index room_marks_case on room_marks (case_id, id);

-- Decisions are never changed: a later one takes the place of an earlier one (superseded_by, null while in force). facts is JSON.
create table room_decisions (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  organisation INTEGER not null,
  post TEXT not null,
  what TEXT not null,
  why TEXT not null,
  facts TEXT not null,
  from_at INTEGER not null,
  entry INTEGER not null,
  decided_at INTEGER not null,
  by_name TEXT not null,
  superseded_by INTEGER
) STRICT;
create index room_decisions_case on room_decisions (case_id, id);

create table room_objectives (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  organisation INTEGER not null,
  post TEXT not null,
  words TEXT not null,
  entry INTEGER not null,
  set_at INTEGER not null,
  state TEXT not null check (state in ('current', 'met', 'dropped')),
  ended_at INTEGER
) STRICT;
create index room_objectives_case on room_objectives (case_id, id);

-- A request for resources, and what each agency answered to it. Of a request the open quantity is what was asked less what is
-- committed, has arrived or was released.
create table room_requests (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  organisation INTEGER not null,
  post TEXT not null,
  what TEXT not null,
  kind TEXT not null,
  unit TEXT not null,
  quantity INTEGER not null,
  place TEXT not null,
  needed_by INTEGER,
  entry INTEGER not null,
  asked_at INTEGER not null,
  cancelled_at INTEGER
) STRICT;
create index room_requests_case on room_requests (case_id, id);

create table room_commitments (
  id INTEGER PRIMARY KEY,
  request INTEGER not null references room_requests (id),
  organisation INTEGER not null,
  post TEXT not null,
  quantity INTEGER not null,
  means TEXT not null,
  eta INTEGER,
  state TEXT not null check (state in ('declined', 'committed', 'arrived', 'released', 'withdrawn')),
  entry INTEGER not null,
  at INTEGER not null,
  changed_at INTEGER not null
) STRICT;
create index room_commitments_request on room_commitments (request, id);

-- Generated reports: the body is what is hashed and is never changed. What people add stands in room_remarks.
create table room_reports (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  form TEXT not null,
  agency INTEGER not null,
  version INTEGER not null,
  body TEXT not null,
  sha256 TEXT not null,
  first_entry INTEGER not null,
  last_entry INTEGER not null,
  since_at INTEGER not null,
  until_at INTEGER not null,
  made_at INTEGER not null,
  made_by TEXT not null,
  organisation INTEGER not null,
  post TEXT not null,
  unique (case_id, form, agency, version)
) STRICT;

create table room_remarks (
  id INTEGER PRIMARY KEY,
  report INTEGER not null references room_reports (id),
  at INTEGER not null,
  by_name TEXT not null,
  organisation INTEGER not null,
  post TEXT not null,
  words TEXT not null,
  signed INTEGER not null
) STRICT;
create index room_remarks_report on room_remarks (report, id);

-- What the review asks for: a task of the case, or a finding with a case of its own. Either number is 0 until it is there.
create table room_actions (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  what TEXT not null,
  organisation INTEGER not null,
  post TEXT not null,
  due_at INTEGER,
  becomes TEXT not null check (becomes in ('task', 'finding')),
  task INTEGER not null,
  finding INTEGER not null,
  finding_case INTEGER not null,
  entry INTEGER not null,
  at INTEGER not null
) STRICT;
create index room_actions_case on room_actions (case_id, id);

-- +goose Down
drop table room_actions;
drop table room_remarks;
drop table room_reports;
drop table room_commitments;
drop table room_requests;
drop table room_objectives;
drop table room_decisions;
drop table room_marks;
drop table room_seats;
drop table rooms;
