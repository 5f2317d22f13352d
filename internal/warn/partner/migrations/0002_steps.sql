-- +goose Up

-- How often what the public is told of others' warnings has changed: one row. What has expired and was not ended yet counts
-- on top of it.
create table relay_steps (
  id INTEGER PRIMARY KEY,
  n INTEGER not null
) STRICT;
insert into relay_steps (id, n) values (1, 0);
