// Package dbtest gives tests a real store of either engine: a SQLite file, or a database on a PostgreSQL server that it
// starts once per test program and that ends with it.
package dbtest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that creates the test databases

	"github.com/anlan-city/anlan/internal/platform/db"
)

// Each runs fn against both engines, as the subtests "sqlite" and "postgres".
func Each(t *testing.T, migrations []db.Migrations, fn func(t *testing.T, d *db.DB)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t, migrations...)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t, migrations...)) })
}

// SQLite returns an empty migrated store in a folder of the test's own.
func SQLite(t testing.TB, migrations ...db.Migrations) *db.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "anlan.db"), migrations)
}

// Postgres returns an empty migrated database of the test's own, or skips the test with the reason why there is no server.
func Postgres(t testing.TB, migrations ...db.Migrations) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t), migrations)
}

// PostgresURL is Postgres for a test that opens the store itself.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base, err := server()
	if errors.Is(err, errNoServer) {
		if os.Getenv("ANLAN_REQUIRE_POSTGRES") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), created.Add(1))
	admin, err := sql.Open("pgx", base+"/postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Exec("create database " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("pgx", base+"/postgres")
		if err != nil {
			t.Error(err)
			return
		}
		defer admin.Close()
		if _, err := admin.Exec("drop database " + name + " with (force)"); err != nil {
			t.Error(err)
		}
	})
	return base + "/" + name
}

var created atomic.Int64

func open(t testing.TB, url string, migrations []db.Migrations) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(context.Background(), migrations...); err != nil {
		t.Fatal(err)
	}
	return d
}

var errNoServer = errors.New("no PostgreSQL server installed (apt-get install postgresql-15 postgresql-15-postgis-3)")

// server starts PostgreSQL once per test program and returns the URL without a database name.
var server = sync.OnceValues(func() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "anlan-pg-")
	if err != nil {
		return "", err
	}
	attr, name, err := unprivileged(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", name, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	// The shell ends the server and removes its files when our end of its standard input closes, however we end.
	script := `"$1" -D "$2" -h 127.0.0.1 -p "$3" -c unix_socket_directories="$4" -c fsync=off -c max_connections=200 >"$4/log" 2>&1 & pid=$!
echo started; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$4"`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", filepath.Join(bin, "postgres"), data, strconv.Itoa(port), dir)
	cmd.SysProcAttr, cmd.Dir = attr, dir
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	keepOpen = stdin
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return "", err
	}
	base := fmt.Sprintf("postgres://%s@127.0.0.1:%d", name, port)
	return base, awaitServer(base, filepath.Join(dir, "log"))
})

// keepOpen is our end of the server's life line.
//
//lint:ignore U1000 it is never read: it only keeps the pipe from being collected, and so closed, before the program ends
var keepOpen any

func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errNoServer
}

// unprivileged says whom to run the server as: PostgreSQL refuses root.
func unprivileged(dir string) (*syscall.SysProcAttr, string, error) {
	if os.Getuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return nil, "", err
		}
		return nil, u.Username, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, "", errNoServer
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, "", err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, "", err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, "", err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, "postgres", nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// awaitServer asks until the server answers; there is no event to wait for in a server that is just starting.
func awaitServer(base, log string) error {
	pool, err := sql.Open("pgx", base+"/postgres")
	if err != nil {
		return err
	}
	defer pool.Close()
	deadline := time.Now().Add(30 * time.Second)
	for {
		if err = pool.Ping(); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log)
			return fmt.Errorf("PostgreSQL did not start: %w\n%s", err, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
