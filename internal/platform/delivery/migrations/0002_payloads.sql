-- +goose Up
-- What several messages carry, once.
create table delivery_payloads (
  id INTEGER PRIMARY KEY,
  name TEXT not null unique,
  body TEXT not null,
  put_at INTEGER not null
) STRICT;
create index delivery_payloads_put on delivery_payloads (put_at, id);
alter table deliveries add column payload TEXT not null default '';
create index deliveries_payload on deliveries (payload, id) where payload <> '';

-- +goose Down
drop index deliveries_payload;
alter table deliveries drop column payload;
drop table delivery_payloads;
