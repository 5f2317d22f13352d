//go:build linux

package rig

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Conn is one keep-alive connection of HTTP/1.1: no more than writing the bytes of a request and reading those of its
// answer. It is not safe for concurrent use.
type Conn struct {
	c    net.Conn
	addr string
	buf  []byte
	n    int    // bytes of buf that were read and not used
	body []byte // of an answer in chunks
}

// Dial connects.
func Dial(addr string) (*Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{c: c, addr: addr, buf: make([]byte, 4096)}, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.c.Close() }

// Request is a request as its bytes. head is further header lines, each ending in \r\n.
func (c *Conn) Request(method, target, head string, body []byte) []byte {
	out := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n%s", method, target, c.addr, head)
	if body != nil {
		out = fmt.Appendf(out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append(append(out, "\r\n"...), body...)
}

var errForm = errors.New("the answer is not HTTP/1.1 as expected")

// deadline bounds how long an answer may take.
const deadline = 60 * time.Second

// Do sends a request and reads its answer. body is good until the next call.
func (c *Conn) Do(request []byte) (status int, body []byte, err error) {
	if err := c.c.SetDeadline(time.Now().Add(deadline)); err != nil {
		return 0, nil, err
	}
	if _, err := c.c.Write(request); err != nil {
		return 0, nil, err
	}
	end := -1
	for from := 0; end < 0; {
		if err := c.more(); err != nil {
			return 0, nil, err
		}
		if i := bytes.Index(c.buf[from:c.n], []byte("\r\n\r\n")); i >= 0 {
			end = from + i
		}
		from = max(0, c.n-3)
	}
	head := c.buf[:end+2]
	if len(head) < 12 || string(head[:9]) != "HTTP/1.1 " {
		return 0, nil, fmt.Errorf("%w: %.100q", errForm, head)
	}
	if status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return 0, nil, fmt.Errorf("%w: %.100q", errForm, head)
	}
	if field(head, "Transfer-Encoding") != nil {
		body, err = c.chunks(end + 4)
		return status, body, err
	}
	size := 0
	if text := field(head, "Content-Length"); text != nil {
		if size, err = strconv.Atoi(string(text)); err != nil {
			return 0, nil, fmt.Errorf("%w: Content-Length %q", errForm, text)
		}
	} else if status != 204 && status != 304 {
		return 0, nil, fmt.Errorf("%w: no length: %.300q", errForm, head)
	}
	if err := c.upTo(end + 4 + size); err != nil {
		return 0, nil, err
	}
	if c.n != end+4+size {
		return 0, nil, fmt.Errorf("%w: something follows the answer", errForm)
	}
	c.n = 0
	return status, c.buf[end+4 : end+4+size], nil
}

// chunks reads a body in chunks that begins at a place of buf.
func (c *Conn) chunks(at int) ([]byte, error) {
	c.body = c.body[:0]
	for {
		line := -1
		for line < 0 {
			if line = bytes.Index(c.buf[at:c.n], []byte("\r\n")); line < 0 {
				if err := c.more(); err != nil {
					return nil, err
				}
			}
		}
		size, err := strconv.ParseInt(string(c.buf[at:at+line]), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("%w: chunk size %.20q", errForm, c.buf[at:at+line])
		}
		at += line + 2
		if err := c.upTo(at + int(size) + 2); err != nil {
			return nil, err
		}
		c.body = append(c.body, c.buf[at:at+int(size)]...)
		at += int(size) + 2
		if size == 0 {
			if c.n != at {
				return nil, fmt.Errorf("%w: something follows the answer", errForm)
			}
			c.n = 0
			return c.body, nil
		}
		c.n = copy(c.buf, c.buf[at:c.n]) // the next chunk begins where this one did
		at = 0
	}
}

// upTo reads until buf holds n bytes.
func (c *Conn) upTo(n int) error {
	if n > len(c.buf) {
		c.buf = append(c.buf, make([]byte, n-len(c.buf))...)
	}
	for c.n < n {
		if err := c.more(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conn) more() error {
	if c.n == len(c.buf) {
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.c.Read(c.buf[c.n:])
	c.n += n
	if n > 0 {
		return nil
	}
	return err
}

// field is the value of a header field, nil if there is none. head holds whole lines.
func field(head []byte, name string) []byte {
	for rest := head; ; {
		i := bytes.Index(rest, []byte("\r\n"))
		if i < 0 || i+2+len(name) >= len(rest) {
			return nil
		}
		rest = rest[i+2:]
		if rest[len(name)] == ':' && bytes.EqualFold(rest[:len(name)], []byte(name)) {
			line, _, _ := bytes.Cut(rest[len(name)+1:], []byte("\r\n"))
			return bytes.TrimSpace(line)
		}
	}
}
