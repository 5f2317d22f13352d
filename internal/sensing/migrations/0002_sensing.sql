-- +goose Up

-- The first form of these tables was never released and could not hold all that an Observation has.
drop table if exists log_trimmed;
drop table if exists sources;
drop table if exists chunks;
drop table if exists log;
drop table if exists datastream_state;
drop table if exists lanes;
drop table if exists datastreams;

create table datastreams (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    external_id TEXT not null unique,
    thing       INTEGER not null,
    asset       INTEGER not null,
    property    TEXT not null,
    unit        TEXT not null,
    name        TEXT not null,
    marks       INTEGER not null,
    created_at  INTEGER not null,
    -- gone is 1 for a datastream that was deleted: the log may still hold readings of its lanes.
    gone        INTEGER not null default 0
) STRICT;
create index datastreams_by_asset on datastreams (asset);

-- A lane numbers the readings of one datastream. All readings with n < sealed_n are in chunks, and so many are there.
create table lanes (
    lane       INTEGER PRIMARY KEY AUTOINCREMENT,
    datastream INTEGER not null references datastreams (id),
    sealed_n   INTEGER not null default 0,
    sealed     INTEGER not null default 0
) STRICT;
create index lanes_by_datastream on lanes (datastream);

-- What is kept about a datastream as of its lanes' sealed_n, so that it is never computed by a scan. A time is null where
-- no reading has one; latest is a reading as the log writes it.
create table datastream_state (
    datastream    INTEGER PRIMARY KEY,
    count         INTEGER not null,
    min_at        INTEGER not null,
    max_at        INTEGER not null,
    -- near is the latest time that was not marked as lying in the future, counted from the year 1; 0 while there is none.
    near          INTEGER not null,
    min_result_at INTEGER,
    max_result_at INTEGER,
    heard_at      INTEGER not null,
    latest_id     INTEGER not null,
    latest        BLOB
) STRICT;

-- The log: what was accepted, in the one order. Rows are trimmed once they are sealed and every consumer is past them.
create table log (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    payload BLOB not null
) STRICT;

-- min_value and max_value are null unless every result of the chunk is a finite number.
create table chunks (
    lane      INTEGER not null,
    n0        INTEGER not null,
    count     INTEGER not null,
    min_at    INTEGER not null,
    max_at    INTEGER not null,
    min_value REAL,
    max_value REAL,
    min_result_at INTEGER,
    max_result_at INTEGER,
    columns   BLOB not null,
    primary key (lane, n0)
) STRICT;
-- Everything about a chunk but its columns: a read looks here which of them it needs.
create index chunks_headers on chunks (lane, n0, count, min_at, max_at, min_value, max_value, min_result_at, max_result_at);

-- What each source sent, as of log_state.sealed_seq.
create table sources (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT not null unique,
    accepted INTEGER not null default 0,
    refused  INTEGER not null default 0
) STRICT;

-- One row: all readings of the log up to sealed_seq are in chunks, and so many had been logged by then. deleted counts those
-- that were stored once and deleted later. The rows up to trimmed_seq are gone.
create table log_state (
    id          INTEGER PRIMARY KEY,
    sealed_seq  INTEGER not null,
    readings    INTEGER not null,
    deleted     INTEGER not null,
    trimmed_seq INTEGER not null
) STRICT;
insert into log_state (id, sealed_seq, readings, deleted, trimmed_seq) values (1, 0, 0, 0, 0);

-- How long the readings of a property are kept; 0 days is for ever.
create table retention (
    property TEXT PRIMARY KEY,
    days     INTEGER not null
) STRICT;
