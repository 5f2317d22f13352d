-- +goose Up

-- Each definition that some response was opened with, under the SHA-256 of its body. Never changed, never deleted.
create table plan_definitions (
  hash TEXT not null primary key,
  plan TEXT not null,
  body TEXT not null,
  at INTEGER not null
) STRICT;

-- What speaks for a level of a plan: an alert, a warning or an incident, once per plan. site is '' where the plan is for the
-- whole city, else the place: 'place:12'. Ids of things are 0 where there is none. ended_at is null while it stands.
create table plan_reasons (
  id INTEGER PRIMARY KEY,
  plan TEXT not null,
  site TEXT not null,
  kind TEXT not null check (kind in ('alert', 'warning', 'incident')),
  ref INTEGER not null,
  name TEXT not null,
  level TEXT not null,
  en TEXT not null,
  zh TEXT not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  owner INTEGER not null,
  lon REAL,
  lat REAL,
  drill INTEGER not null,
  streams TEXT not null,
  since INTEGER not null,
  ended_at INTEGER,
  unique (plan, kind, ref)
) STRICT;
create index plan_reasons_standing on plan_reasons (plan, site, id) where ended_at is null;
create index plan_reasons_ref on plan_reasons (kind, ref, id);

-- A response: a plan that a person has opened. generation counts its changes of level. agencies is who plays which part, as JSON.
-- spoke is 1 once reasons of the program's own have justified some level during it: only then does it propose to lower or end it.
create table plan_activations (
  id INTEGER PRIMARY KEY,
  plan TEXT not null,
  definition TEXT not null references plan_definitions (hash),
  site TEXT not null,
  level TEXT not null,
  state TEXT not null check (state in ('active', 'ended')),
  drill INTEGER not null,
  case_id INTEGER not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  owner INTEGER not null,
  lon REAL,
  lat REAL,
  agencies TEXT not null,
  generation INTEGER not null,
  spoke INTEGER not null,
  opened_at INTEGER not null,
  ended_at INTEGER
) STRICT;
create unique index plan_activations_one on plan_activations (plan, site) where state = 'active';
create index plan_activations_case on plan_activations (case_id, id);

-- What a person decided about a response, in order; never changed. from_level is '' at the opening, to_level at the end.
create table plan_changes (
  id INTEGER PRIMARY KEY,
  activation INTEGER not null references plan_activations (id),
  at INTEGER not null,
  from_level TEXT not null,
  to_level TEXT not null,
  by_id INTEGER not null,
  by_name TEXT not null,
  organisation INTEGER not null,
  why TEXT not null,
  proposal INTEGER not null
) STRICT;
create index plan_changes_activation on plan_changes (activation, id);

-- What the program proposes to a person: one at a time for a plan and a site. reasons is JSON.
create table plan_proposals (
  id INTEGER PRIMARY KEY,
  plan TEXT not null,
  site TEXT not null,
  what TEXT not null check (what in ('open', 'raise', 'lower', 'end')),
  level TEXT not null,
  activation INTEGER not null,
  state TEXT not null check (state in ('open', 'taken', 'declined', 'lapsed')),
  reasons TEXT not null,
  drill INTEGER not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  owner INTEGER not null,
  lon REAL,
  lat REAL,
  at INTEGER not null,
  changed_at INTEGER not null,
  decided_at INTEGER,
  decided_by TEXT not null,
  why TEXT not null
) STRICT;
create unique index plan_proposals_one on plan_proposals (plan, site) where state = 'open';
create index plan_proposals_site on plan_proposals (plan, site, id);

-- Which task of its plan a task of a case is, and at which level it was given.
create table plan_tasks (
  task INTEGER not null primary key,
  activation INTEGER not null references plan_activations (id),
  name TEXT not null,
  agency TEXT not null,
  level TEXT not null
) STRICT;
create index plan_tasks_activation on plan_tasks (activation, task);

-- Figures of a model for a response: shown, and made a task of by a person, never carried out by the program. body is JSON.
create table plan_advice (
  id INTEGER PRIMARY KEY,
  activation INTEGER not null references plan_activations (id),
  digest TEXT not null,
  body TEXT not null,
  state TEXT not null check (state in ('open', 'taken', 'declined', 'lapsed')),
  at INTEGER not null,
  decided_at INTEGER,
  decided_by TEXT not null,
  why TEXT not null
) STRICT;
create index plan_advice_activation on plan_advice (activation, id);

-- +goose Down
drop table plan_advice;
drop table plan_tasks;
drop table plan_proposals;
drop table plan_changes;
drop table plan_activations;
drop table plan_reasons;
drop table plan_definitions;
