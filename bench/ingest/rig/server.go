//go:build linux

package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Build builds the server into a folder, as `make build` does but with its symbols, so that a profile can name them.
func Build(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "anlan")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./cmd/anlan")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, text)
	}
	return binary, nil
}

// Server is a server under test, a child process. SensorThings and MQTT are open to everyone on this machine.
type Server struct {
	Binary   string
	Data     string   // its data folder
	Log      string   // file for its log
	Database string   // postgres://...; "" for SQLite in the data folder
	Packs    []string // folders of further packs
	NoMQTT   bool     // no listener for MQTT: a server that takes long to start may lose the port that was found for it

	// Known once Start has returned.
	Addr  string // host:port of HTTP
	MQTT  string // host:port of MQTT
	Token string // of the machine's own user

	// Listened and Ready are how long the last start took until it listened, and until each of its parts worked.
	Listened, Ready time.Duration

	cmd *exec.Cmd
}

const patience = 60 * time.Second

var listens = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)

// Start starts the server and returns once it is ready: it listens and each of its parts works.
func (s *Server) Start(ctx context.Context) error {
	// The server tells where it listens for HTTP, not where for MQTT.
	s.MQTT = "off"
	if !s.NoMQTT {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.MQTT = free.Addr().String()
		free.Close()
	}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--mqtt", s.MQTT, "--data", s.Data, "--open-sensorthings", "write"}
	if s.Database != "" {
		args = append(args, "--database", s.Database)
	}
	for _, dir := range s.Packs {
		args = append(args, "--packs", dir)
	}
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	s.cmd = exec.Command(s.Binary, args...)
	s.cmd.Stderr = log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no orphan
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := listens.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		close(found)
		_, _ = io.Copy(io.Discard, out) // so that it never blocks on a full pipe
	}()
	select {
	case s.Addr = <-found:
	case <-time.After(patience):
	case <-ctx.Done():
	}
	if s.Addr == "" {
		s.Kill()
		return errors.Join(ctx.Err(), fmt.Errorf("the server does not listen; its log is %s:\n%s", s.Log, tail(s.Log)))
	}
	s.Listened = time.Since(begin)
	token, err := os.ReadFile(filepath.Join(s.Data, "local.token"))
	if err == nil {
		s.Token = strings.TrimSpace(string(token))
		err = s.ready(ctx)
	}
	if err != nil {
		s.Kill()
	}
	s.Ready = time.Since(begin)
	return err
}

// ready waits until the server says that each of its parts works.
func (s *Server) ready(ctx context.Context) error {
	for begin := time.Now(); ; {
		resp, err := http.Get("http://" + s.Addr + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		if time.Since(begin) > patience {
			return fmt.Errorf("the server is not ready after %s: %w; its log is %s:\n%s", patience, err, s.Log, tail(s.Log))
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stop ends the server in order.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the server's end: %w; its log is %s:\n%s", err, s.Log, tail(s.Log))
	}
	return nil
}

// Kill ends it with SIGKILL. It does nothing for a server that has ended.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.ProcessState != nil {
		return
	}
	s.Shoot()
	_ = s.cmd.Wait() // it was killed
}

// Shoot sends SIGKILL and does not wait for the end, as Kill does.
func (s *Server) Shoot() { _ = s.cmd.Process.Kill() } // it may have ended by itself

func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-1500):])
}
