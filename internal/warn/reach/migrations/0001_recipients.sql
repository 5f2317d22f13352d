-- +goose Up
-- An organisation's address that warnings go to. address is what may be shown of it; sealed holds it with its secret. areas,
-- hazards and statuses are JSON lists; of the first two an empty one means all. A row that was deleted stays, without its
-- address, so that what went to it has a name.
create table warning_recipients (
  id INTEGER PRIMARY KEY,
  title_en TEXT not null,
  title_zh TEXT not null,
  organisation INTEGER not null,
  channel TEXT not null,
  address TEXT not null,
  sealed TEXT not null,
  signed INTEGER not null,
  public_key TEXT not null,
  language TEXT not null,
  areas TEXT not null,
  hazards TEXT not null,
  from_level TEXT not null,
  statuses TEXT not null,
  restricted INTEGER not null,
  active INTEGER not null,
  created_at INTEGER not null,
  changed_at INTEGER not null,
  deleted_at INTEGER,
  gone_at INTEGER
) STRICT;

-- +goose Down
drop table warning_recipients;
