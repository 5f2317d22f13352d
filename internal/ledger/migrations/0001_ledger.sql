-- +goose Up

-- One row per entry. leaf is what the tree is built over; salt and record are what it commits to, and are both null once
-- the entry was erased. idx is the entry's place in the tree, null until the sequencer has passed.
-- subject and subject_id repeat what the record says, so that entries can be found by it; verification compares them.
create table ledger_leaves (
  id INTEGER PRIMARY KEY,
  idx INTEGER unique,
  appended_at INTEGER not null,
  subject TEXT not null,
  subject_id INTEGER not null,
  leaf BLOB not null,
  salt BLOB,
  record TEXT,
  check ((salt is null) = (record is null))
) STRICT;
create index ledger_leaves_subject on ledger_leaves (subject, subject_id, id);

-- The inner nodes of the tree at the positions of tlog.StoredHashIndex. Level 0 is not repeated here: it is leaf's hash.
create table ledger_hashes (
  pos INTEGER not null primary key,
  hash BLOB not null
) STRICT;

-- One row: how far the tree reaches, and whose signature stands under it. Updating the row is the sequencer's lock.
create table ledger_tree (
  one INTEGER not null primary key check (one = 1),
  size INTEGER not null,
  verifier_key TEXT not null
) STRICT;
insert into ledger_tree (one, size, verifier_key) values (1, 0, '');

-- The last checkpoint of each hour (hours since 1970): enough to narrow a break down to the hour it lies in.
create table ledger_checkpoints (
  hour INTEGER not null primary key,
  size INTEGER not null,
  note TEXT not null
) STRICT;

-- +goose Down
drop table ledger_checkpoints;
drop table ledger_tree;
drop table ledger_hashes;
drop table ledger_leaves;
