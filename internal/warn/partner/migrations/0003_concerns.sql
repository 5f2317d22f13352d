-- +goose Up

-- The areas whose people a message concerns, a list of their numbers: see Message.concerns.
alter table received_messages add column concerns TEXT not null default '[]';

-- +goose Down
alter table received_messages drop column concerns;
