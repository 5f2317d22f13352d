-- +goose Up

-- In whose name each decision about a response is made: the office of the plan, or as the officer wrote. by_name is who wrote it down.
alter table plan_changes add column decided_en TEXT not null default '';
alter table plan_changes add column decided_zh TEXT not null default '';

-- +goose Down
alter table plan_changes drop column decided_zh;
alter table plan_changes drop column decided_en;
