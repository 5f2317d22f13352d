package partner

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// Patience is how long one document may take, from the first packet to the last.
	Patience = 20 * time.Second

	maxRedirects = 3

	// What a partner may ask for at most: a feed that is told to be good for a year would otherwise never be read again.
	maxRetryAfter = 24 * time.Hour
	maxAge        = time.Hour
)

// client fetches documents, one at a time from each host. It is safe for concurrent use.
type client struct {
	transport http.RoundTripper
	agent     string
	patience  time.Duration

	mu    sync.Mutex
	hosts map[string]chan struct{} // a token each; guarded by mu
}

func newClient(agent string, patience time.Duration) *client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: allowed}
	return &client{
		agent: agent, patience: patience, hosts: map[string]chan struct{}{},
		transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		},
	}
}

// allowed refuses addresses where no partner can be: those of the link itself answer with secrets of the machine in many clouds.
func allowed(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return fmt.Errorf("%s is no address of a partner", ip)
	}
	return nil
}

// fetched is an answer to a request.
type fetched struct {
	status             int
	body               []byte
	etag, lastModified string
	wait               time.Duration // for how long the partner asks not to be asked again; 0: it doesn't say
}

// get fetches a document of p. etag and lastModified, where there are any, make it conditional. The answer is there beside an error
// where the partner gave one: what it says of when to come back counts.
func (c *client) get(ctx context.Context, p *Partner, address, etag, lastModified string, most int64, now func() time.Time) (f fetched, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return f, fmt.Errorf("the address %q can't be read", cut(address, 200))
	}
	if err := p.fetchable(u); err != nil {
		return f, err
	}
	release, err := c.turn(ctx, u.Host)
	if err != nil {
		return f, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return f, err
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/cap+xml, application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	if lastModified != "" {
		req.Header.Set("If-Modified-Since", lastModified)
	}
	asked := http.Client{Transport: c.transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("it redirects more than %d times", maxRedirects)
		}
		if via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return errors.New("it redirects from https to http")
		}
		return p.fetchable(next.URL)
	}}
	res, err := asked.Do(req)
	if err != nil {
		return f, c.said(ctx, err)
	}
	defer res.Body.Close()
	f = fetched{status: res.StatusCode, etag: bounded(res.Header.Get("ETag")), lastModified: bounded(res.Header.Get("Last-Modified")), wait: wait(res.Header, now())}
	switch {
	case res.StatusCode == http.StatusNotModified && (etag != "" || lastModified != ""):
		return f, nil
	case res.StatusCode != http.StatusOK:
		return f, fmt.Errorf("it answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	case res.ContentLength > most:
		return f, tooLarge(most)
	}
	// The transport has taken gzip off: the bound is on what came out of it.
	f.body, err = io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return f, c.said(ctx, fmt.Errorf("the answer broke off: %w", err))
	case int64(len(f.body)) > most:
		return f, tooLarge(most)
	}
	return f, nil
}

func tooLarge(most int64) error { return fmt.Errorf("the answer has more than %d bytes", most) }

// said is the error without the address, which is known, and with the patience instead of the context.
func (c *client) said(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no whole answer within %s", c.patience)
	}
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// turn waits until nobody else asks this host.
func (c *client) turn(ctx context.Context, host string) (release func(), err error) {
	c.mu.Lock()
	host = strings.ToLower(host)
	token, ok := c.hosts[host]
	if !ok {
		token = make(chan struct{}, 1)
		c.hosts[host] = token
	}
	c.mu.Unlock()
	select {
	case token <- struct{}{}:
		return func() { <-token }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// wait is for how long the partner asks not to be asked again.
func wait(h http.Header, now time.Time) (d time.Duration) {
	if after := strings.TrimSpace(h.Get("Retry-After")); after != "" {
		if s, err := strconv.ParseInt(after, 10, 32); err == nil {
			d = time.Duration(s) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			d = at.Sub(now)
		}
		d = min(max(d, 0), maxRetryAfter)
	}
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		if s, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32); err == nil {
			d = max(d, min(time.Duration(s)*time.Second, maxAge))
		}
	}
	return d
}

// bounded is a header's value if it is short enough to be kept and sent back.
func bounded(s string) string {
	if len(s) > 1000 {
		return ""
	}
	return s
}
