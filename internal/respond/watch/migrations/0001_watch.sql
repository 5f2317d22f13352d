-- +goose Up

-- A post of an organisation, with its office's number; name '' stands for the organisation itself. covered: it is to be manned
-- round the clock, so that gaps in its roster are shown.
create table watch_posts (
  id INTEGER PRIMARY KEY,
  organisation INTEGER not null,
  name TEXT not null,
  en TEXT not null,
  zh TEXT not null,
  phone TEXT not null,
  covered INTEGER not null,
  removed_at INTEGER
) STRICT;
create unique index watch_posts_name on watch_posts (organisation, name) where removed_at is null;

-- who is an account's name or the title of a post, never a telephone.
create table watch_shifts (
  id INTEGER PRIMARY KEY,
  post INTEGER not null references watch_posts (id),
  from_at INTEGER not null,
  to_at INTEGER not null,
  who TEXT not null,
  removed_at INTEGER
) STRICT;
create index watch_shifts_post on watch_shifts (post, from_at, id) where removed_at is null;

-- The phone log. A line is never changed; corrects names the line that it puts right. at is when the call came, desk the
-- organisation whose watch took it (0: the city's own). How to reach a caller stands in the vault of the case, if contact is 1.
create table watch_lines (
  id INTEGER PRIMARY KEY,
  desk INTEGER not null,
  at INTEGER not null,
  recorded_at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null,
  caller TEXT not null check (caller in ('unit', 'resident')),
  unit INTEGER not null,
  unit_name TEXT not null,
  spot_text TEXT not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  owner INTEGER not null,
  lon REAL,
  lat REAL,
  what TEXT not null,
  harm TEXT not null,
  case_id INTEGER not null,
  opened INTEGER not null,
  contact INTEGER not null,
  corrects INTEGER not null
) STRICT;
create index watch_lines_at on watch_lines (at, id);
create index watch_lines_case on watch_lines (case_id, id) where case_id <> 0;
create index watch_lines_corrects on watch_lines (corrects, id) where corrects <> 0;

-- What the clocks of a case's reports upward go by.
create table watch_incidents (
  case_id INTEGER not null primary key,
  kind TEXT not null,
  known_at INTEGER not null,
  since_at INTEGER not null,
  grade TEXT not null,
  ended_at INTEGER,
  outcome TEXT not null
) STRICT;

-- A report that has to be told by a time. Never deleted.
create table watch_clocks (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  step TEXT not null,
  report TEXT not null check (report in ('first', 'follow-up', 'final')),
  how TEXT not null check (how in ('phone', 'writing')),
  to_en TEXT not null,
  to_zh TEXT not null,
  source TEXT not null,
  basis TEXT not null,
  grade TEXT not null,
  started_at INTEGER not null,
  first_due_at INTEGER not null,
  due_at INTEGER not null,
  state TEXT not null check (state in ('running', 'met', 'withdrawn')),
  ended_at INTEGER,
  overdue_at INTEGER,
  telling INTEGER not null default 0
) STRICT;
create index watch_clocks_case on watch_clocks (case_id, id);
create index watch_clocks_running on watch_clocks (due_at, id) where state = 'running';

create table watch_reports (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  report TEXT not null check (report in ('first', 'follow-up', 'final')),
  number INTEGER not null,
  at INTEGER not null,
  by_name TEXT not null,
  unique (case_id, report, number)
) STRICT;

create table watch_versions (
  id INTEGER PRIMARY KEY,
  report INTEGER not null references watch_reports (id),
  version INTEGER not null,
  at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null,
  text TEXT not null,
  drafted INTEGER not null,
  signed_at INTEGER,
  signed_by_id INTEGER not null default 0,
  signed_by TEXT not null default '',
  unique (report, version)
) STRICT;

-- Whom a version was told, when and how.
create table watch_tellings (
  id INTEGER PRIMARY KEY,
  case_id INTEGER not null,
  report INTEGER not null references watch_reports (id),
  version INTEGER not null,
  how TEXT not null check (how in ('phone', 'fax', 'system')),
  recipient TEXT not null,
  clock INTEGER not null,
  at INTEGER not null,
  recorded_at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null
) STRICT;
create index watch_tellings_case on watch_tellings (case_id, id);

create table watch_instructions (
  id INTEGER PRIMARY KEY,
  desk INTEGER not null,
  at INTEGER not null,
  recorded_at INTEGER not null,
  leader TEXT not null,
  text TEXT not null,
  case_id INTEGER not null,
  organisation INTEGER not null,
  post TEXT not null,
  due_at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null,
  state TEXT not null check (state in ('open', 'answered', 'withdrawn')),
  overdue_at INTEGER,
  ended_at INTEGER,
  ended_by_id INTEGER not null default 0,
  ended_by TEXT not null default '',
  answer TEXT not null default ''
) STRICT;
create index watch_instructions_open on watch_instructions (due_at, id) where state = 'open';

-- A handover of one desk. contents and since are what each of the two signed, as JSON, frozen; their hashes stand in the ledger.
create table watch_handovers (
  id INTEGER PRIMARY KEY,
  desk INTEGER not null,
  state TEXT not null check (state in ('draft', 'left', 'done', 'withdrawn')),
  begun_at INTEGER not null,
  begun_by_id INTEGER not null,
  begun_by TEXT not null,
  contents TEXT not null default '',
  hash TEXT not null default '',
  left_at INTEGER,
  left_by_id INTEGER not null default 0,
  left_by TEXT not null default '',
  left_remark TEXT not null default '',
  since TEXT not null default '',
  since_hash TEXT not null default '',
  arrived_at INTEGER,
  arrived_by_id INTEGER not null default 0,
  arrived_by TEXT not null default '',
  arrived_remark TEXT not null default '',
  ended_at INTEGER
) STRICT;
create unique index watch_handovers_open on watch_handovers (desk) where state in ('draft', 'left');

-- Remarks on single items, as long as nobody has signed. The newest of an item counts; all are kept.
create table watch_remarks (
  id INTEGER PRIMARY KEY,
  handover INTEGER not null references watch_handovers (id),
  item TEXT not null,
  text TEXT not null,
  at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null
) STRICT;
create index watch_remarks_handover on watch_remarks (handover, id);

-- +goose Down
drop table watch_remarks;
drop table watch_handovers;
drop table watch_instructions;
drop table watch_tellings;
drop table watch_versions;
drop table watch_reports;
drop table watch_clocks;
drop table watch_incidents;
drop table watch_lines;
drop table watch_shifts;
drop table watch_posts;
