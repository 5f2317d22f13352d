-- +goose Up

-- What is open past its limit stands in every report, however old it is: it is found without reading all that has ended.
create index case_limits_open on case_limits (due_at, id) where state = 'running';

-- +goose Down
drop index case_limits_open;
