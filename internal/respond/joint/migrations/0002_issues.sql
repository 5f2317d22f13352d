-- +goose Up

-- A report is one of the issues of its author: agency is of an ICS-214 whose log it is, of any other form the organisation that reports.
update room_reports set agency = organisation where form <> 'ics-214';

-- One signature per account and report. by_id is 0 in rows of before.
alter table room_remarks add column by_id INTEGER not null default 0;
create unique index room_remarks_signature on room_remarks (report, by_id) where signed = 1 and by_id <> 0;

-- +goose Down
drop index room_remarks_signature;
alter table room_remarks drop column by_id;
