-- +goose Up

-- One row that counts every change below, so that each process notices what another one changed.
create table access_generation (
  one INTEGER not null primary key check (one = 1),
  n INTEGER not null
) STRICT;
insert into access_generation (one, n) values (1, 0);

-- organisation 0 is the city itself. password is an argon2id string, empty as long as the person has not set one: nobody
-- signs in with an empty one. epoch is raised to end all sessions. name_key is the name as it is compared.
create table access_accounts (
  id INTEGER PRIMARY KEY,
  name TEXT not null,
  name_key TEXT not null unique,
  organisation INTEGER not null,
  roles TEXT not null,
  password TEXT not null,
  epoch INTEGER not null,
  disabled INTEGER not null,
  demo INTEGER not null,
  created_at INTEGER not null
) STRICT;

-- token is the SHA-256 of the cookie.
create table access_sessions (
  token BLOB not null primary key,
  account INTEGER not null references access_accounts (id),
  epoch INTEGER not null,
  started_at INTEGER not null,
  seen_at INTEGER not null
) STRICT;
create index access_sessions_account on access_sessions (account);

-- One-time links: to set the password of an account, or, with account 0, to make the first administrator.
create table access_links (
  token BLOB not null primary key,
  account INTEGER not null,
  expires_at INTEGER not null
) STRICT;

create table access_tokens (
  id INTEGER PRIMARY KEY,
  name TEXT not null,
  hash BLOB not null unique,
  source TEXT not null,
  prefixes TEXT not null,
  organisation INTEGER not null,
  created_at INTEGER not null,
  used_at INTEGER not null,
  revoked_at INTEGER not null
) STRICT;

-- +goose Down
drop table access_tokens;
drop table access_links;
drop table access_sessions;
drop table access_accounts;
drop table access_generation;
