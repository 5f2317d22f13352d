-- +goose Up

-- Why an instruction was answered while its teams were still at it.
alter table watch_instructions add column unfinished TEXT not null default '';

-- +goose Down
alter table watch_instructions drop column unfinished;
