-- +goose Up

-- Who withdrew a handover, and why.
alter table watch_handovers add column ended_by TEXT not null default '';
alter table watch_handovers add column ended_why TEXT not null default '';

-- +goose Down
alter table watch_handovers drop column ended_why;
alter table watch_handovers drop column ended_by;
