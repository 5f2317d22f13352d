-- +goose Up

-- Planned works that were on when the alert was raised: their id, and since when the alert counts in full all the same. What
-- they are and how long they were announced for stands in facts.
alter table alerts add column works INTEGER;
alter table alerts add column works_over_at INTEGER;
create index alerts_resting on alerts (works) where works is not null and works_over_at is null and state <> 'cleared';

-- +goose Down
drop index alerts_resting;
alter table alerts drop column works_over_at;
alter table alerts drop column works;
