-- +goose Up

-- What an inspection found wrong. Ids are 0 where nothing is known. request is the sender's idempotency key: the same
-- inspector's same key is the same finding, for ever.
create table findings (
  id INTEGER PRIMARY KEY,
  at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null,
  description TEXT not null,
  grade TEXT not null check (grade in ('general', 'major')),
  checklist TEXT not null,
  asset INTEGER not null,
  place INTEGER not null,
  area INTEGER not null,
  owner INTEGER not null,
  lon REAL,
  lat REAL,
  request TEXT,
  unique (by_id, request)
) STRICT;

-- +goose Down
drop table findings;
