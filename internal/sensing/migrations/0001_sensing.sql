-- +goose Up
create table datastreams (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	external_id TEXT not null unique,
	asset INTEGER not null,
	property TEXT not null,
	unit TEXT not null,
	name TEXT not null,
	created_at INTEGER not null
) STRICT;
create index datastreams_by_asset on datastreams (asset);

-- A lane numbers the readings of one datastream. All readings with n < sealed_n are in chunks.
create table lanes (
	lane INTEGER PRIMARY KEY AUTOINCREMENT,
	datastream INTEGER not null references datastreams (id),
	sealed_n INTEGER not null default 0
) STRICT;
create index lanes_by_datastream on lanes (datastream);

-- What is kept about a datastream as of its lane's sealed_n, so that it is never computed by a scan.
create table datastream_state (
	datastream INTEGER PRIMARY KEY,
	count INTEGER not null,
	min_at INTEGER not null,
	max_at INTEGER not null,
	latest_id INTEGER not null,
	latest TEXT not null
) STRICT;

-- The log: what was accepted, in the one order. Rows are trimmed once they are sealed and every consumer is past them.
create table log (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	payload BLOB not null
) STRICT;

create table chunks (
	lane INTEGER not null,
	n0 INTEGER not null,
	count INTEGER not null,
	min_at INTEGER not null,
	max_at INTEGER not null,
	min_value REAL,
	max_value REAL,
	columns BLOB not null,
	primary key (lane, n0)
) STRICT;

-- What each source sent, as of log_trimmed.
create table sources (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT not null unique,
	accepted INTEGER not null default 0,
	refused INTEGER not null default 0
) STRICT;

-- One row: the log up to seq is gone, and held so many readings.
create table log_trimmed (
	id INTEGER PRIMARY KEY,
	seq INTEGER not null,
	readings INTEGER not null
) STRICT;
insert into log_trimmed (id, seq, readings) values (1, 0, 0);
