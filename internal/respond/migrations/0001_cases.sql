-- +goose Up

-- Each definition that some case was opened with, under the SHA-256 of its body. Never changed, never deleted.
create table case_definitions (
  hash TEXT not null primary key,
  kind TEXT not null,
  body TEXT not null,
  at INTEGER not null
) STRICT;

-- A case as it stands. Ids of things are 0 where there is none, but alert and finding are null, since they are unique: one
-- alert, one case. generation counts the moves.
create table cases (
  id INTEGER PRIMARY KEY,
  kind TEXT not null,
  definition TEXT not null references case_definitions (hash),
  title TEXT not null,
  state TEXT not null,
  since INTEGER not null,
  generation INTEGER not null,
  level TEXT not null,
  fields TEXT not null,
  alert INTEGER unique,
  finding INTEGER unique,
  report INTEGER not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  owner INTEGER not null,
  lon REAL,
  lat REAL,
  datastreams TEXT not null,
  opened_at INTEGER not null,
  due_at INTEGER,
  closed_at INTEGER,
  outcome TEXT not null
) STRICT;
create index cases_open on cases (id) where closed_at is null;
create index cases_kind on cases (kind, id);

-- What happened to a case, in order; never changed. A move is a row of kind 'move' with its name, and the actor's number
-- in actor_id if actor_kind is 'account': the second-person rule reads it here. Words of the program stand in en and zh,
-- words of a person in text. event is the id of the event that it tells of, so that a repeat adds nothing.
create table case_timeline (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null references cases (id),
  at INTEGER not null,
  actor_kind TEXT not null,
  actor_id INTEGER not null,
  actor TEXT not null,
  kind TEXT not null,
  move TEXT not null,
  en TEXT not null,
  zh TEXT not null,
  text TEXT not null,
  data TEXT not null,
  event INTEGER,
  unique (case_id, event)
) STRICT;
create index case_timeline_case on case_timeline (case_id, id);

create table case_evidence (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null references cases (id),
  kind TEXT not null,
  at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null,
  text TEXT not null,
  blob TEXT,
  reading TEXT
) STRICT;
create index case_evidence_case on case_evidence (case_id, id);

-- Files by the SHA-256 of what is kept, which stands in the ledger entry of the evidence.
create table evidence_blobs (
  sha256 TEXT not null primary key,
  media TEXT not null,
  size INTEGER not null,
  body BLOB not null
) STRICT;

create table case_tasks (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null references cases (id),
  en TEXT not null,
  zh TEXT not null,
  text TEXT not null,
  organisation INTEGER not null,
  post TEXT not null,
  state TEXT not null check (state in ('open', 'done', 'withdrawn')),
  opened_at INTEGER not null,
  due_at INTEGER,
  done_at INTEGER
) STRICT;
create index case_tasks_case on case_tasks (case_id, id);

-- An appointment of a case. A new one under the same name takes the old one's place.
create table case_timers (
  case_id INTEGER not null references cases (id),
  name TEXT not null,
  generation INTEGER not null,
  due_at INTEGER not null,
  primary key (case_id, name)
) STRICT;
create index case_timers_due on case_timers (due_at, case_id, name);

-- Which requests were carried out, and what came of them, for as long as a client may repeat them.
create table respond_requests (
  actor TEXT not null,
  key TEXT not null,
  request TEXT not null,
  response TEXT not null,
  at INTEGER not null,
  primary key (actor, key)
) STRICT;
create index respond_requests_at on respond_requests (at);

-- +goose Down
drop table respond_requests;
drop table case_timers;
drop table case_tasks;
drop table evidence_blobs;
drop table case_evidence;
drop table case_timeline;
drop table cases;
drop table case_definitions;
