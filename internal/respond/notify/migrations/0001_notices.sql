-- +goose Up

-- Each chain that some run began with, under the SHA-256 of its body. Never changed.
create table notice_chains (
  hash TEXT not null primary key,
  chain TEXT not null,
  body TEXT not null
) STRICT;

-- A chain that runs, or ran, about something: about and about_id say what, name parts several runs about one thing. occasion is
-- the id of the event that began it last, so that old news begins nothing. step and round say where it stands, link which link
-- of responsibility was told last (-1: none). ready is 1 where the next step is due. What the thing is called, who has to act and
-- where it is are as they were when it began; a case and a task are asked again at each step. held_by is the alert whose run
-- this one waits for. state_id and since are where a case stood that was overdue.
create table notice_runs (
  id INTEGER PRIMARY KEY,
  chain TEXT not null,
  definition TEXT not null references notice_chains (hash),
  about TEXT not null,
  about_id INTEGER not null,
  name TEXT not null,
  occasion INTEGER not null,
  case_id INTEGER not null,
  en TEXT not null,
  zh TEXT not null,
  level TEXT not null,
  owner INTEGER not null,
  post TEXT not null,
  desk INTEGER not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  state_id TEXT not null,
  since INTEGER not null,
  held_by INTEGER not null default 0,
  state TEXT not null check (state in ('held', 'running', 'spent', 'acknowledged', 'over')),
  ready INTEGER not null,
  step INTEGER not null,
  round INTEGER not null,
  link INTEGER not null,
  generation INTEGER not null,
  begun_at INTEGER not null,
  ended_at INTEGER,
  ended_by TEXT not null default ''
) STRICT;
create unique index notice_runs_one on notice_runs (chain, about, about_id, name) where state <> 'over';
create index notice_runs_about on notice_runs (about, about_id, id);
create index notice_runs_case on notice_runs (case_id, id) where case_id <> 0;
create index notice_runs_ready on notice_runs (id) where ready = 1;
create index notice_runs_held on notice_runs (held_by, id) where state = 'held';

-- A notice to a post, in both languages. over is 1 where it says that what was told before is over. A post is called at most
-- once at a time about one run: a later call takes the place of the one before.
create table notices (
  id INTEGER PRIMARY KEY,
  run INTEGER not null references notice_runs (id),
  over INTEGER not null,
  organisation INTEGER not null,
  post TEXT not null,
  about TEXT not null,
  about_id INTEGER not null,
  case_id INTEGER not null,
  level TEXT not null,
  en TEXT not null,
  zh TEXT not null,
  text_en TEXT not null,
  text_zh TEXT not null,
  step INTEGER not null,
  round INTEGER not null,
  at INTEGER not null,
  state TEXT not null check (state in ('open', 'acknowledged', 'withdrawn')),
  acknowledged_at INTEGER,
  acknowledged_by TEXT not null default ''
) STRICT;
create index notices_run on notices (run, id);
create index notices_inbox on notices (organisation, state, id);
create unique index notices_call on notices (run, organisation, post) where over = 0 and state = 'open';
create unique index notices_over on notices (run, organisation, post) where over = 1;

-- A link of the chain of responsibility that was missing when it should have been told, and the finding that says so. n counts
-- how often the same gap came back after it was filled.
create table notice_gaps (
  id INTEGER PRIMARY KEY,
  kind TEXT not null,
  subject TEXT not null,
  subject_id INTEGER not null,
  n INTEGER not null,
  finding INTEGER not null,
  found_at INTEGER not null,
  filled_at INTEGER
) STRICT;
create unique index notice_gaps_one on notice_gaps (kind, subject, subject_id) where filled_at is null;
create index notice_gaps_subject on notice_gaps (subject, subject_id, kind, id);

-- Browsers that are to be reached for a post's notices. account is whose browser it is, so that it ends with the account.
create table push_subscriptions (
  id INTEGER PRIMARY KEY,
  account INTEGER not null,
  endpoint TEXT not null unique,
  address TEXT not null,
  organisation INTEGER not null,
  post TEXT not null,
  language TEXT not null,
  at INTEGER not null
) STRICT;
create index push_subscriptions_post on push_subscriptions (organisation, id);
create index push_subscriptions_account on push_subscriptions (account, id);

-- +goose Down
drop table push_subscriptions;
drop table notice_gaps;
drop table notices;
drop table notice_runs;
drop table notice_chains;
