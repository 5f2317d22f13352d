-- +goose Up

-- Which asset feeds which, in the network that water, gas or power runs through.
create table city_asset_links (
    id         INTEGER PRIMARY KEY,
    upstream   INTEGER not null references city_assets (id),
    downstream INTEGER not null references city_assets (id),
    unique (downstream, upstream)
) STRICT;
create index city_asset_links_upstream on city_asset_links (upstream);

-- +goose Down
drop table city_asset_links;
