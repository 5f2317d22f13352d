-- +goose Up

-- A session that outlives its connection. All rows of the log up to position have been delivered and acknowledged.
-- owner_kind and owner_id are the credential to which the client id belongs. gone_at is 0 while the client is connected.
create table mqtt_sessions (
  client TEXT not null primary key,
  owner_kind INTEGER not null,
  owner_id INTEGER not null,
  expiry INTEGER not null,
  position INTEGER not null,
  gone_at INTEGER not null
) STRICT;

-- A filter gets rows after start. options holds the bits of MQTT 5 as they were sent, without the QoS.
create table mqtt_filters (
  client TEXT not null references mqtt_sessions (client) on delete cascade,
  filter TEXT not null,
  qos INTEGER not null,
  options INTEGER not null,
  identifier INTEGER not null,
  start INTEGER not null,
  primary key (client, filter)
) STRICT;

-- Messages that were refused. Personal numbers are masked before they get here.
create table mqtt_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER not null,
  listener TEXT not null,
  client TEXT not null,
  topic TEXT not null,
  payload TEXT not null,
  size INTEGER not null,
  code INTEGER not null,
  reason TEXT not null
) STRICT;

-- Counts that outlive the rows: name "letters" is how many messages were ever refused.
create table mqtt_counts (
  name TEXT not null primary key,
  n INTEGER not null
) STRICT;
