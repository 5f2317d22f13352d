-- +goose Up

-- When an incident last grew graver, or went on after its end: whoever had been told must hear of it at once.
alter table watch_incidents add column renewed_at INTEGER;

-- +goose Down
alter table watch_incidents drop column renewed_at;
