-- +goose Up

-- What was noted by mistake is taken back with a reason; it stays, and counts no more.
alter table warning_missed add column taken_back_at INTEGER;
alter table warning_missed add column taken_back_by TEXT not null default '';
alter table warning_missed add column taken_back_reason TEXT not null default '';

-- +goose Down
alter table warning_missed drop column taken_back_reason;
alter table warning_missed drop column taken_back_by;
alter table warning_missed drop column taken_back_at;
