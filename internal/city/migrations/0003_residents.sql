-- +goose Up

-- How many people lived in an area, of towns and above alone, with the year and who says so.
alter table city_areas add column residents INTEGER;
alter table city_areas add column residents_year INTEGER;
alter table city_areas add column residents_source TEXT not null default '';

-- +goose Down
alter table city_areas drop column residents_source;
alter table city_areas drop column residents_year;
alter table city_areas drop column residents;
