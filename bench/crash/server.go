//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is the binary under test, started again and again on one data folder.
type server struct {
	binary, data, logFile string
	noSync                bool

	cmd   *exec.Cmd
	found <-chan string // where it listens, once it says so; closed when it says nothing more

	mu     sync.Mutex
	url    string // guarded by mu, as all that follow: they change with each start, while clients run
	token  string
	mqtt   string // host:port
	device string // the token of a device, once there is one
}

const (
	startPatience  = 30 * time.Second
	answerPatience = 20 * time.Second
)

var listens = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start starts the server and returns once it says where it listens.
func (s *server) start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	var err error
	select {
	case u := <-s.found:
		if u == "" {
			_ = s.cmd.Wait() // its log says more
			return fmt.Errorf("the server ended before it listened; its log is %s:\n%s", s.logFile, tail(s.logFile))
		}
		var token []byte
		if token, err = os.ReadFile(filepath.Join(s.data, "local.token")); err == nil {
			s.mu.Lock()
			s.url, s.token = u, strings.TrimSpace(string(token))
			s.mu.Unlock()
			return nil
		}
	case <-time.After(startPatience):
		err = fmt.Errorf("the server does not listen after %s; its log is %s:\n%s", startPatience, s.logFile, tail(s.logFile))
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.kill()
	_ = s.cmd.Wait() // it was killed
	return err
}

// launch starts the server and does not wait for it.
func (s *server) launch() error {
	// The server tells where it listens for HTTP, not where for MQTT. On an address of its own no other connection of this
	// machine takes the port meanwhile.
	free, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		return err
	}
	mqtt := free.Addr().String()
	free.Close()
	s.mu.Lock()
	s.mqtt = mqtt
	s.mu.Unlock()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--mqtt", mqtt, "--data", s.data}
	if s.noSync {
		args = append(args, "--unsafe-no-sync")
	}
	log, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	s.cmd = exec.Command(s.binary, args...)
	s.cmd.Stderr = log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no orphan on the mount
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	found := make(chan string, 1)
	s.found = found
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if u := listens.FindString(lines.Text()); u != "" {
				found <- u
				break
			}
		}
		close(found)
		_, _ = io.Copy(io.Discard, out) // so that it never blocks on a full pipe
	}()
	return nil
}

// kill sends SIGKILL and does not wait.
func (s *server) kill() { _ = s.cmd.Process.Kill() } // it may have ended by itself, which wait shows

// wait waits for the end after kill. A server that ended in any other way is an error.
func (s *server) wait() error {
	err := s.cmd.Wait()
	if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("the server ended by itself (%v); its log is %s:\n%s", err, s.logFile, tail(s.logFile))
}

// stop ends the server in order.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-1500):])
}

// errNoAnswer says that a request may or may not have been carried out.
var errNoAnswer = errors.New("no answer")

// refusal is an answer that says no.
type refusal struct {
	Status int    `json:"-"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Detail) }

// client speaks to the server: as the machine's own user by its token, or as someone who signed in by a cookie.
type client struct {
	server *server
	http   http.Client
	cookie bool
}

func newClient(s *server, cookie bool) *client {
	c := &client{server: s, cookie: cookie, http: http.Client{Timeout: answerPatience}}
	if cookie {
		c.http.Jar, _ = cookiejar.New(nil) // it can't fail without options
	}
	return c
}

// call sends in as JSON (or as it is, if it is a string) and reads the answer into out.
func (c *client) call(ctx context.Context, method, path, key string, in, out any) error {
	var body []byte
	kind := "application/json"
	switch in := in.(type) {
	case nil:
	case string:
		body, kind = []byte(in), "text/csv"
	case url.Values:
		body, kind = []byte(in.Encode()), "application/x-www-form-urlencoded"
	default:
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	c.server.mu.Lock()
	base, token := c.server.url, c.server.token
	c.server.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", kind)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if !c.cookie {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if resp.StatusCode >= 400 {
		r := &refusal{Status: resp.StatusCode, Detail: string(answer[:min(len(answer), 300)])}
		_ = json.Unmarshal(answer, r) // else the text says it
		return r
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: %w in %.200q", method, path, err, answer)
	}
	return nil
}
