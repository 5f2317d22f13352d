-- +goose Up

-- Planned works at an asset or a place (the other is 0). Rows are never deleted; who ends works early leaves his name.
-- request is the sender's idempotency key.
create table coverage_works (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    asset       INTEGER not null,
    place       INTEGER not null,
    starts_at   INTEGER not null,
    until_at    INTEGER not null,
    reason      TEXT not null,
    by_id       INTEGER not null,
    by_name     TEXT not null,
    created_at  INTEGER not null,
    ended_at    INTEGER,
    ended_by_id INTEGER,
    ended_by    TEXT,
    request     TEXT,
    unique (by_id, request)
) STRICT;
create index coverage_works_until on coverage_works (until_at);
create index coverage_works_asset on coverage_works (asset, id);
create index coverage_works_place on coverage_works (place, id);

-- Calibrations of an asset or of one of its datastreams (the other is 0): the newest row of each counts. Dates are
-- YYYY-MM-DD, calibrated_on '' where it was not said.
create table coverage_calibrations (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    asset         INTEGER not null,
    datastream    INTEGER not null,
    certificate   TEXT not null,
    calibrated_on TEXT not null,
    due_on        TEXT not null,
    by_id         INTEGER not null,
    by_name       TEXT not null,
    created_at    INTEGER not null,
    request       TEXT,
    unique (by_id, request)
) STRICT;
create index coverage_calibrations_subject on coverage_calibrations (asset, datastream, id);

-- How often a datastream is expected to speak, where a person has set it.
create table coverage_heartbeats (
    datastream INTEGER PRIMARY KEY,
    every      INTEGER not null,
    by_id      INTEGER not null,
    by_name    TEXT not null,
    set_at     INTEGER not null
) STRICT;

-- +goose Down
drop table coverage_heartbeats;
drop table coverage_calibrations;
drop table coverage_works;
