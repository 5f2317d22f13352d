-- +goose Up

-- Partners whose feeds are read. events (JSON) says which hazard the partner's own word or code is; hosts (JSON) are further
-- hosts from which its documents may be fetched. etag and last_modified are those of the last feed that was taken in whole.
-- failures counts those in a row; revision the changes by people. A partner that was removed keeps its row, for what it once sent.
create table warning_partners (
  id INTEGER PRIMARY KEY,
  title_en TEXT not null,
  title_zh TEXT not null,
  url TEXT not null,
  service TEXT not null,
  every INTEGER not null,
  trust TEXT not null,
  pinned TEXT not null,
  covers TEXT not null,
  events TEXT not null,
  hosts TEXT not null,
  active INTEGER not null,
  revision INTEGER not null,
  added_at INTEGER not null,
  removed_at INTEGER,
  etag TEXT not null,
  last_modified TEXT not null,
  next_at INTEGER not null,
  last_ok_at INTEGER,
  last_error TEXT not null,
  failures INTEGER not null
) STRICT;

-- What was received, refused ones too. digest is of the content, or of the bytes of a refused document, so that none stands
-- twice. placement says how it concerns the city: placed, city, unplaced or elsewhere. speaks is 0 for what is no warning
-- by itself: a Cancel, an all-clear, an Ack. replaced_by, ended_at and end_kind follow from the other messages; thread and
-- told are what other rooms were told.
create table received_messages (
  id INTEGER PRIMARY KEY,
  partner INTEGER not null references warning_partners (id),
  digest TEXT not null,
  sender TEXT not null,
  identifier TEXT not null,
  sent INTEGER not null,
  msg_type TEXT not null,
  status TEXT not null,
  scope TEXT not null,
  document TEXT not null,
  verdict TEXT not null,
  problems TEXT not null,
  signed_by TEXT not null,
  received_at INTEGER not null,
  hazard TEXT not null,
  level TEXT not null,
  texts TEXT not null,
  places TEXT not null,
  placement TEXT not null,
  speaks INTEGER not null,
  clears INTEGER not null,
  onset INTEGER not null,
  expires INTEGER not null,
  replaced_by INTEGER not null,
  ended_at INTEGER,
  end_kind TEXT not null,
  thread INTEGER not null,
  told INTEGER not null,
  unlisted_at INTEGER,
  unique (partner, digest)
) STRICT;
create index received_messages_identity on received_messages (partner, sender, identifier, sent);
create index received_messages_expires on received_messages (expires);
create index received_messages_thread on received_messages (thread);

-- The messages that a message names, whether they were received or not. sent is 0 where it doesn't say (CAP 1.0).
create table received_references (
  message INTEGER not null references received_messages (id),
  partner INTEGER not null,
  sender TEXT not null,
  identifier TEXT not null,
  sent INTEGER not null,
  primary key (message, sender, identifier, sent)
) STRICT;
create index received_references_to on received_references (partner, sender, identifier);

-- The documents that a feed has linked. version is what the feed says of its age: a link is fetched once for each. message is
-- what came of it, 0 while nothing has.
create table partner_links (
  partner INTEGER not null references warning_partners (id),
  url TEXT not null,
  version TEXT not null,
  message INTEGER not null,
  tries INTEGER not null,
  fault TEXT not null,
  seen_at INTEGER not null,
  primary key (partner, url, version)
) STRICT;

-- +goose Down
drop table partner_links;
drop table received_references;
drop table received_messages;
drop table warning_partners;
