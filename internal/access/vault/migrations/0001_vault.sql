-- +goose Up

-- One row per report or case that holds personal data. Nothing in it can be searched: sealed is padded ciphertext under a
-- data key of this row's own, wrapped_key is that key sealed to the vault's public key. Erasing is deleting the row.
create table vault_items (
  owner_type TEXT not null,
  owner_id INTEGER not null,
  wrapped_key BLOB not null,
  sealed BLOB not null,
  keep_for INTEGER not null,
  erase_at INTEGER,
  primary key (owner_type, owner_id)
) STRICT;
create index vault_items_erase_at on vault_items (erase_at) where erase_at is not null;

-- One row: the public half of the vault's key. Sealing needs no secret; the private half is a file outside the database.
create table vault_key (
  one INTEGER not null primary key check (one = 1),
  public_key BLOB not null
) STRICT;

-- +goose Down
drop table vault_key;
drop table vault_items;
