-- +goose Up

-- What a token may do beside sending: a JSON list of read and register.
alter table access_tokens add column may TEXT not null default '[]';

-- +goose Down
alter table access_tokens drop column may;
