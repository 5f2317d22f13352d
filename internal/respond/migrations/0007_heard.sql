-- +goose Up

-- The last news of an alert that its case has taken, as the id of the event: after a crash a whole run of past news may come again,
-- and not all of it wrote a line into the timeline by which it could be known.
create table case_alert_news (
  alert INTEGER not null primary key,
  event INTEGER not null
) STRICT;
insert into case_alert_news (alert, event)
  select cast(json_num(data, 'alert') as bigint), max(event) from case_timeline
  where kind = 'alert' and event is not null and json_num(data, 'alert') is not null group by 1;

-- +goose Down
drop table case_alert_news;
