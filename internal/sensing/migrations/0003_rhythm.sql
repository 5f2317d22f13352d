-- +goose Up

-- Where the readings of a chunk are instants in the order of time, the i-th lies within
-- [min_at + i*step + early, min_at + i*step + late]; step is -1 where that is not known.
alter table chunks add column step INTEGER not null default -1;
alter table chunks add column early INTEGER not null default 0;
alter table chunks add column late INTEGER not null default 0;
drop index chunks_headers;
create index chunks_headers on chunks (lane, n0, count, min_at, max_at, min_value, max_value, min_result_at, max_result_at, step, early, late);
