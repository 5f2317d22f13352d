-- +goose Up

-- The last news that changed a reason, as the id of the event: after a crash past news may come again, and must not let a reason
-- stand for a moment that was over long ago.
alter table plan_reasons add column event INTEGER not null default 0;

-- +goose Down
alter table plan_reasons drop column event;
