-- +goose Up

-- One row. revision rises with every change of the register, so that an import knows whether what it compared with still
-- stands, and another process when to load anew.
create table city_settings (
    id        INTEGER PRIMARY KEY,
    name_en   TEXT not null,
    name_zh   TEXT not null,
    time_zone TEXT not null,
    revision  INTEGER not null
) STRICT;
insert into city_settings (id, name_en, name_zh, time_zone, revision) values (1, '', '', 'UTC', 0);

-- Names of kinds, levels and properties that the register has come to hold; each stands in the ledger too.
create table city_vocabulary (
    subject TEXT not null,
    term    TEXT not null,
    at      INTEGER not null,
    primary key (subject, term)
) STRICT;

-- Geometry is WKB in WGS 84, and min_x to max_y is its box, which every spatial statement tests first.
create table city_areas (
    id          INTEGER PRIMARY KEY,
    external_id TEXT not null unique,
    level       TEXT not null,
    name_en     TEXT not null,
    name_zh     TEXT not null,
    parent      INTEGER references city_areas (id),
    geometry    BLOB not null,
    min_x REAL not null, min_y REAL not null, max_x REAL not null, max_y REAL not null
) STRICT;

create table city_organisations (
    id          INTEGER PRIMARY KEY,
    external_id TEXT not null unique,
    kind        TEXT not null,
    name_en     TEXT not null,
    name_zh     TEXT not null,
    parent      INTEGER references city_organisations (id)
) STRICT;

create table city_places (
    id          INTEGER PRIMARY KEY,
    external_id TEXT not null unique,
    kind        TEXT not null,
    name_en     TEXT not null,
    name_zh     TEXT not null,
    address     TEXT not null,
    area        INTEGER references city_areas (id),
    geometry    BLOB not null,
    min_x REAL not null, min_y REAL not null, max_x REAL not null, max_y REAL not null,
    x REAL not null, y REAL not null
) STRICT;
create index city_places_area on city_places (area);

-- An asset without a geometry of its own stands where its place stands; box and point are filled in either way.
create table city_assets (
    id           INTEGER PRIMARY KEY,
    external_id  TEXT not null unique,
    kind         TEXT not null,
    name_en      TEXT not null,
    name_zh      TEXT not null,
    place        INTEGER not null references city_places (id),
    organisation INTEGER references city_organisations (id),
    premises     TEXT not null,
    properties   TEXT not null,
    geometry     BLOB,
    min_x REAL not null, min_y REAL not null, max_x REAL not null, max_y REAL not null,
    x REAL not null, y REAL not null
) STRICT;
create index city_assets_place on city_assets (place);
create index city_assets_box on city_assets (min_x, max_x);

create table city_duties (
    id           INTEGER PRIMARY KEY,
    kind         TEXT not null,
    organisation INTEGER not null references city_organisations (id),
    subject      TEXT not null,
    subject_id   INTEGER not null,
    pack         TEXT not null,
    role         TEXT not null,
    post         TEXT not null,
    unique (kind, organisation, subject, subject_id, pack)
) STRICT;
create index city_duties_subject on city_duties (subject, subject_id);

-- When a place or an asset was re-sited, so that no thing is re-sited as often as only a person moves.
create table city_resitings (
    id         INTEGER PRIMARY KEY,
    subject    TEXT not null,
    subject_id INTEGER not null,
    at         INTEGER not null
) STRICT;
create index city_resitings_subject on city_resitings (subject, subject_id, at);

-- The path of mobile instruments, kept for 72 hours.
create table city_paths (
    id    INTEGER PRIMARY KEY,
    asset INTEGER not null references city_assets (id),
    at    INTEGER not null,
    x REAL not null, y REAL not null
) STRICT;
create index city_paths_asset on city_paths (asset, at);
create index city_paths_at on city_paths (at);

-- +goose Down
drop table city_paths;
drop table city_resitings;
drop table city_duties;
drop table city_assets;
drop table city_places;
drop table city_organisations;
drop table city_areas;
drop table city_vocabulary;
drop table city_settings;
