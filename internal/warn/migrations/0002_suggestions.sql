-- +goose Up

-- What alerts say to a hazard that listens for their detector: one row for each, as it was told last. event is the last news that
-- was taken; older news of the alert changes nothing any more, so rows stay when the alert is over. site is the district (0: none).
create table warning_claims (
  id INTEGER PRIMARY KEY,
  hazard TEXT not null,
  alert INTEGER not null,
  event INTEGER not null,
  site INTEGER not null,
  level TEXT not null,
  standing INTEGER not null,
  since INTEGER not null,
  facts TEXT not null,
  unique (hazard, alert)
) STRICT;
create index warning_claims_site on warning_claims (hazard, site, standing);
create index warning_claims_alert on warning_claims (alert, id);

-- Which alerts a warning answers, and which level they had when an officer said so last.
create table warning_causes (
  id INTEGER PRIMARY KEY,
  warning INTEGER not null references warnings (id),
  alert INTEGER not null,
  level TEXT not null,
  unique (warning, alert)
) STRICT;
create index warning_causes_alert on warning_causes (alert, id);

-- What the program suggests to an officer: at most one open for a hazard and a site. warning is the one that it is about or, once
-- taken, the one that was made of it; 0: none. alerts is JSON.
create table warning_suggestions (
  id INTEGER PRIMARY KEY,
  hazard TEXT not null,
  site INTEGER not null,
  kind TEXT not null check (kind in ('issue', 'upgrade', 'downgrade', 'all-clear')),
  level TEXT not null,
  text TEXT not null,
  state TEXT not null check (state in ('open', 'taken', 'dismissed', 'over')),
  warning INTEGER not null,
  alerts TEXT not null,
  at INTEGER not null,
  changed INTEGER not null,
  decided_by TEXT not null,
  reason TEXT not null
) STRICT;
create unique index warning_suggestions_open on warning_suggestions (hazard, site) where state = 'open';
create index warning_suggestions_state on warning_suggestions (state, id);

-- +goose Down
drop table warning_suggestions;
drop table warning_causes;
drop table warning_claims;
