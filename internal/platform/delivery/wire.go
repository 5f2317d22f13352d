package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// mostBody bounds what is sent to a receiver, mostAnswer what is read of its answer, in bytes.
	mostBody   = 4 << 20
	mostAnswer = 16 << 10
	// mostURL bounds the address of a receiver.
	mostURL = 2000
	// wireTimeout bounds one request: a receiver that takes longer should answer first and work then.
	wireTimeout = 10 * time.Second
)

// wire is how requests go to receivers that an administrator has entered: to no place that was not meant, and no further than
// it.
//
//	a literal address (10.1.2.3)  is reached as it was entered; http:// is allowed there if it is not public
//	a name                        must come to public addresses, or into the networks of the settings
//	never                         link-local addresses (metadata services), multicast, unspecified
//
// Redirects are answers like any other, and no success.
type wire struct {
	networks []netip.Prefix
	client   *http.Client
}

func newWire(networks []netip.Prefix, atOnce int) *wire {
	w := &wire{networks: networks}
	w.client = &http.Client{
		Timeout: wireTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 4 * atOnce, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: wireTimeout, MaxResponseHeaderBytes: 64 << 10,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				_, err = netip.ParseAddr(host)
				d := net.Dialer{Timeout: wireTimeout / 2, Control: w.control(err == nil)}
				return d.DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

// control refuses an address that a name has come to just now: a name can't be pointed elsewhere after it was checked.
func (w *wire) control(literal bool) func(string, string, syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !w.reachable(at.Addr(), literal) {
			return fmt.Errorf("%w: %s is no address that messages may go to", ErrPermanent, address)
		}
		return nil
	}
}

func (w *wire) reachable(a netip.Addr, literal bool) bool {
	a = a.Unmap()
	if a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	return literal || isPublic(a) || w.own(a)
}

func (w *wire) own(a netip.Addr) bool {
	for _, p := range w.networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// isPublic says whether an address is one of the internet.
func isPublic(a netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10) // of a provider's own (RFC 6598)
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !shared.Contains(a)
}

// check says what is wrong with the address of a receiver, nil if nothing.
func (w *wire) check(address string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > mostURL || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("expected an address such as https://host/path, without a name, a password or a fragment in it, of at most %d bytes", mostURL)
	}
	a, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("expected an address that begins with https://")
	case literal && !w.reachable(a, true):
		return fmt.Errorf("%s is no address that messages may go to", a)
	case u.Scheme == "http" && !(literal && (!isPublic(a.Unmap()) || w.own(a.Unmap()))):
		return errors.New("expected https://; http:// only goes to an address in a network of the city's own, such as http://10.1.2.3/")
	}
	return nil
}

// post sends a body and returns the answer's first bytes. An error never holds the path of the address: it may be a secret.
func (w *wire) post(ctx context.Context, address string, header http.Header, body []byte) (status int, answer []byte, err error) {
	if err := w.check(address); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	if len(body) > mostBody {
		return 0, nil, fmt.Errorf("%w: it has %d bytes, at most %d are sent", ErrPermanent, len(body), mostBody)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: the address can't be called", ErrPermanent)
	}
	req.Header = header
	req.Header.Set("User-Agent", "Anlan")
	res, err := w.client.Do(req)
	if err != nil {
		return 0, nil, redacted(err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if err != nil && res.StatusCode < 300 {
		answer = nil // it was taken; what it said about it is not needed
	}
	if err := Status(res.StatusCode, http.StatusText(res.StatusCode)); err != nil {
		if pause, ok := laterThan(res.Header.Get("Retry-After"), res.Header.Get("Date")); ok && !errors.Is(err, ErrPermanent) {
			return res.StatusCode, answer, &Later{pause, err}
		}
		return res.StatusCode, answer, err
	}
	return res.StatusCode, answer, nil
}

// laterThan reads Retry-After in both of its forms; a date is taken against the answer's own.
func laterThan(s, date string) (time.Duration, bool) {
	if pause, ok := retryAfter(s); ok {
		return pause, true
	}
	at, err := http.ParseTime(s)
	now, err2 := http.ParseTime(date)
	return at.Sub(now), err == nil && err2 == nil && at.After(now)
}

// took is the proof that a receiver has answered.
func took(status int, address string) string {
	return strings.TrimSpace(strconv.Itoa(status) + " from " + host(address))
}
