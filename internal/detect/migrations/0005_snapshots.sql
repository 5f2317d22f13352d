-- +goose Up

-- A snapshot of many states is written piece by piece, so that nobody waits long for the writer. Each row keeps, beside what
-- the snapshot under way has written, what the one before it said; the position names the last snapshot that is whole. What is
-- of a later one is not so yet. before_state is null where the row is new.
alter table detect_state add column snapshot INTEGER not null default 0;
alter table detect_state add column before_rule TEXT not null default '';
alter table detect_state add column before_state BLOB;
alter table detect_position add column snapshot INTEGER not null default 0;

-- +goose Down
alter table detect_position drop column snapshot;
alter table detect_state drop column before_state;
alter table detect_state drop column before_rule;
alter table detect_state drop column snapshot;
