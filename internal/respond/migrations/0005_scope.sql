-- +goose Up

-- Who takes part in a case beside its owner: its desk and its parties; of a private case its owner too. It follows
-- access.Resource.Parties, so that a list can be narrowed to what an organisation takes part in without reading every case.
create table case_parties (
  organisation INTEGER not null,
  case_id INTEGER not null references cases (id),
  primary key (organisation, case_id)
) STRICT;
create index case_parties_case on case_parties (case_id);
insert into case_parties (organisation, case_id)
  select distinct cast(json_num(p.value, 'organisation') as bigint), c.id from cases c, json_list(c.parties) p;
insert into case_parties (organisation, case_id)
  select desk, id from cases where desk <> 0 or private = 1 on conflict do nothing;
insert into case_parties (organisation, case_id)
  select owner, id from cases where private = 1 on conflict do nothing;

create index cases_owner on cases (owner, id);
create index cases_area on cases (area, id);
create index cases_post_open on cases (post, id) where closed_at is null;
create index cases_listed on cases (id) where listed <> '';

-- +goose Down
drop index cases_listed;
drop index cases_post_open;
drop index cases_area;
drop index cases_owner;
drop table case_parties;
