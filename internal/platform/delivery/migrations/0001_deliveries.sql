-- +goose Up
-- A message that leaves the program, and what became of it. key is its name for ever: a second of the same key is never added.
-- next_at is when it may be tried (again); attempts counts the tries that were begun, doubt is 1 where one of them may have
-- arrived though nobody knows. answer is what the channel said last.
create table deliveries (
  id INTEGER PRIMARY KEY,
  key TEXT not null unique,
  channel TEXT not null,
  address TEXT not null,
  priority INTEGER not null,
  message TEXT not null,
  state TEXT not null check (state in ('waiting', 'sending', 'failed', 'sent', 'dead', 'withdrawn')),
  put_at INTEGER not null,
  until INTEGER not null,
  next_at INTEGER not null,
  attempts INTEGER not null default 0,
  doubt INTEGER not null default 0,
  ended_at INTEGER,
  answer TEXT not null default ''
) STRICT;
create index deliveries_next on deliveries (channel, next_at, id) where state in ('waiting', 'failed');
create index deliveries_sending on deliveries (id) where state = 'sending';
create index deliveries_state on deliveries (state, id);
create index deliveries_ended on deliveries (ended_at, id) where ended_at is not null;

-- +goose Down
drop table deliveries;
