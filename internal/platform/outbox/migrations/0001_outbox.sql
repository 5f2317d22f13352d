-- +goose Up
-- Ids are never used twice, even when the table runs empty: they identify an event for ever.
create table outbox (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	subject TEXT not null,
	payload TEXT not null
) STRICT;
