package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// writerLock is the advisory lock that the writer's connection holds: a second server on the same database would break
// "one writer", so it is refused while the first lives and may take over when it is gone.
const writerLock = 0x616e6c616e // "anlan"

func openPostgres(ctx context.Context, o Options) (*DB, error) {
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL %s: %w", redact(o.URL), err)
	}
	cfg.RuntimeParams["application_name"] = "anlan"
	cfg.RuntimeParams["timezone"] = "UTC"
	sync := "on"
	if o.NoSync {
		sync = "off"
	}
	cfg.RuntimeParams["synchronous_commit"] = sync
	noticeLoss(cfg)

	d := &DB{engine: Postgres, opts: o, reader: stdlib.OpenDB(*cfg), reading: make(chan struct{}, maxReaders)}
	d.reader.SetMaxOpenConns(maxReaders)
	d.reader.SetMaxIdleConns(8)
	if o.ReadOnly {
		return d, nil
	}
	d.migrator = func() (*sql.DB, error) {
		pool := stdlib.OpenDB(*cfg)
		pool.SetMaxOpenConns(1)
		return pool, pool.Ping()
	}
	first, err := d.migrator()
	if err == nil {
		_, err = first.ExecContext(ctx, postgresFunctions)
		err = errors.Join(err, first.Close())
	}
	if err != nil {
		d.reader.Close()
		return nil, fmt.Errorf("open database %s: %s", redact(o.URL), lastLine(err))
	}
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(1)
	d.writer = newWriter(pool, Postgres, "begin", &d.signals, &d.health, (&claim{}).take)
	// A second server is told so at its start, not at its first write.
	if err := d.Write(ctx, func(*Tx) error { return nil }); err != nil {
		d.Close()
		return nil, fmt.Errorf("open database %s: %w", redact(o.URL), err)
	}
	return d, nil
}

// lastLine is the reason in one line: the driver lists each way that it tried, and the last one says most.
func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// silence is how long an end of a connection that falls silent without a farewell (a cable, a machine without power) is
// waited for. Until the server gives the dead one up, its lock keeps a standby from taking over; until we do, the writer
// waits for an answer.
const silence = 15 * time.Second

// noticeLoss has both ends give up a silent connection after about silence. What the URL says stands.
func noticeLoss(cfg *pgx.ConnConfig) {
	for name, value := range map[string]string{
		"tcp_keepalives_idle": "6", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3", // s, s: 6 + 3 × 3 = 15
		"tcp_user_timeout": strconv.FormatInt(silence.Milliseconds(), 10), // while an answer of the server is under way
	} {
		if _, ok := cfg.RuntimeParams[name]; !ok {
			cfg.RuntimeParams[name] = value
		}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = silence
	}
	cfg.DialFunc = dialer(cfg.ConnectTimeout).DialContext
}

func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 6 * time.Second, Interval: 3 * time.Second, Count: 3},
		Control:         boundUnanswered, // keepalive does not probe while something sent waits for its acknowledgement
	}
}

// claim is this process's right to write. The lock alone doesn't tell a writer that lost its connection whether another
// one wrote and left meanwhile, so each writer raises the epoch when it comes, and finds it unchanged when it comes back.
type claim struct {
	epoch int64 // 0 until the first connection
}

func (c *claim) take(ctx context.Context, conn *sql.Conn) error {
	var got bool
	if err := conn.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", int64(writerLock)).Scan(&got); err != nil {
		return err
	}
	if c.epoch == 0 {
		if !got {
			return errHeld
		}
		return conn.QueryRowContext(ctx, `insert into anlan_writer (one, epoch) values (1, 1)
			on conflict (one) do update set epoch = anlan_writer.epoch + 1 returning epoch`).Scan(&c.epoch)
	}
	var epoch int64
	if err := conn.QueryRowContext(ctx, "select epoch from anlan_writer").Scan(&epoch); err != nil {
		return err
	}
	if epoch != c.epoch {
		return ErrFenced
	}
	if !got {
		// By our own lost connection, most likely, whose end PostgreSQL is about to notice.
		if _, err := conn.ExecContext(ctx, "set lock_timeout = '5s'"); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "select pg_advisory_lock($1)", int64(writerLock)); err != nil {
			return errors.Join(errHeld, err)
		}
		if _, err := conn.ExecContext(ctx, "set lock_timeout = 0"); err != nil {
			return err
		}
	}
	return nil
}

var errHeld = errors.New("another Anlan server is writing to this database, " +
	"or one has died and PostgreSQL has not noticed yet; if there is none, try again in half a minute")

// postgresFunctions give PostgreSQL the few functions of our subset. They answer NULL for anything but an object that has
// the field in the type asked for, as ours on SQLite do. Beside them stands the writers' epoch. The lock keeps two servers that start
// at once from colliding.
const postgresFunctions = `
select pg_advisory_lock(1);
create or replace function json_text(t text, key text) returns text language sql immutable parallel safe as $$
	select case when jsonb_typeof(t::jsonb) = 'object' then t::jsonb ->> key end $$;
create or replace function json_num(t text, key text) returns double precision language sql immutable parallel safe as $$
	select case when jsonb_typeof(t::jsonb -> key) = 'number' then (t::jsonb ->> key)::double precision end $$;
create or replace function json_bool(t text, key text) returns bigint language sql immutable parallel safe as $$
	select case when jsonb_typeof(t::jsonb -> key) = 'boolean' then (t::jsonb ->> key)::boolean::int::bigint end $$;
create or replace function json_list(t text) returns table(value text) language sql immutable parallel safe as $$
	select jsonb_array_elements_text(t::jsonb) $$;
create table if not exists anlan_writer (one int primary key check (one = 1), epoch bigint not null);
select pg_advisory_unlock(1);
`
