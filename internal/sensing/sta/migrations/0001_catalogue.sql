-- +goose Up

-- The catalogue of the SensorThings API. JSON stands as compact text, '' where nothing was given. Boxes are WGS 84 degrees,
-- null where there is no geometry. A row's AUTOINCREMENT id is never given out twice.
create table sta_things (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT not null,
    description TEXT not null,
    properties  TEXT not null,
    -- asset is the asset of the register that the Thing is, 0 for one that the register does not know.
    asset       INTEGER not null default 0
) STRICT;
create index sta_things_asset on sta_things (asset);

create table sta_locations (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT not null,
    description   TEXT not null,
    encoding_type TEXT not null,
    location      TEXT not null,
    properties    TEXT not null,
    min_x REAL, min_y REAL, max_x REAL, max_y REAL,
    -- feature is the FeatureOfInterest that was derived from this Location, 0 while none was needed.
    feature       INTEGER not null default 0
) STRICT;

-- Where each Thing is now.
create table sta_thing_locations (
    thing    INTEGER not null references sta_things (id),
    location INTEGER not null references sta_locations (id),
    primary key (thing, location)
) STRICT;
create index sta_thing_locations_by_location on sta_thing_locations (location, thing);

create table sta_historical_locations (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    thing INTEGER not null references sta_things (id),
    time  INTEGER not null
) STRICT;
create index sta_historical_locations_thing on sta_historical_locations (thing, time);

create table sta_historical_location_locations (
    historical_location INTEGER not null references sta_historical_locations (id),
    location            INTEGER not null references sta_locations (id),
    primary key (historical_location, location)
) STRICT;
create index sta_historical_location_locations_by_location on sta_historical_location_locations (location, historical_location);

create table sta_sensors (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT not null,
    description   TEXT not null,
    encoding_type TEXT not null,
    metadata      TEXT not null,
    properties    TEXT not null
) STRICT;

create table sta_observed_properties (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT not null,
    definition  TEXT not null,
    description TEXT not null,
    properties  TEXT not null,
    -- property is the pack's property that it stands for, such as gas/methane, '' where no pack has one.
    property    TEXT not null default ''
) STRICT;
create index sta_observed_properties_property on sta_observed_properties (property);

create table sta_features (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT not null,
    description   TEXT not null,
    encoding_type TEXT not null,
    feature       TEXT not null,
    properties    TEXT not null,
    min_x REAL, min_y REAL, max_x REAL, max_y REAL
) STRICT;

-- id is that of the observation log's datastream, which is made in the same transaction.
create table sta_datastreams (
    id               INTEGER PRIMARY KEY,
    name             TEXT not null,
    description      TEXT not null,
    observation_type TEXT not null,
    unit             TEXT not null,
    observed_area    TEXT not null,
    -- area_given says that a client gave the observed area; otherwise it is the box of the features observed.
    area_given       INTEGER not null default 0,
    properties       TEXT not null,
    thing            INTEGER not null references sta_things (id),
    sensor           INTEGER not null references sta_sensors (id),
    -- feature is the FeatureOfInterest of readings that name none, 0 until one was derived from the Thing's Location.
    feature          INTEGER not null default 0
) STRICT;
create index sta_datastreams_thing on sta_datastreams (thing, id);
create index sta_datastreams_sensor on sta_datastreams (sensor, id);

-- What each datastream observes. SensorThings 1.1 has one; 2.0 has several, in this order.
create table sta_datastream_properties (
    datastream        INTEGER not null references sta_datastreams (id),
    position          INTEGER not null,
    observed_property INTEGER not null references sta_observed_properties (id),
    primary key (datastream, position)
) STRICT;
create index sta_datastream_properties_by_property on sta_datastream_properties (observed_property, datastream);

-- Which features a datastream's readings have, so that an expansion needs no walk over readings.
create table sta_datastream_features (
    datastream INTEGER not null references sta_datastreams (id),
    feature    INTEGER not null references sta_features (id),
    primary key (datastream, feature)
) STRICT;
create index sta_datastream_features_by_feature on sta_datastream_features (feature, datastream);

-- What a request with an Idempotency-Key was answered, kept for a day.
create table sta_answers (
    actor   TEXT not null,
    key     TEXT not null,
    request BLOB not null,
    status  INTEGER not null,
    headers TEXT not null,
    body    BLOB not null,
    at      INTEGER not null,
    primary key (actor, key)
) STRICT;
create index sta_answers_at on sta_answers (at);

-- +goose Down
drop table sta_answers;
drop table sta_datastream_features;
drop table sta_datastream_properties;
drop table sta_datastreams;
drop table sta_features;
drop table sta_observed_properties;
drop table sta_sensors;
drop table sta_historical_location_locations;
drop table sta_historical_locations;
drop table sta_thing_locations;
drop table sta_locations;
drop table sta_things;
