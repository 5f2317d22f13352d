package outside

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// attempts is how often a question is sent, and backoff how long it is waited before each further one.
var backoff = [...]time.Duration{time.Second, 5 * time.Second}

// errRefused is wrapped by what trying again won't mend.
var errRefused = errors.New("refused")

// client sends questions. It is safe for concurrent use.
type client struct {
	http   *http.Client
	clock  clock.Clock
	getenv func(string) (string, bool)
}

func newClient(c clock.Clock, getenv func(string) (string, bool)) *client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: allowed}
	return &client{
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext,
				TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
				MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
			},
			// A redirect would send readings and the secret to where nobody has registered.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		clock: c, getenv: getenv,
	}
}

// allowed refuses addresses where no model can be: those of the link itself answer with secrets of the machine in many clouds.
func allowed(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return fmt.Errorf("%w: %s is no address of a model", errRefused, ip)
	}
	return nil
}

// ask sends a question until there is an answer, and gives its body. It tries three times at most and ends before until. An error that
// wraps errRefused would come again.
func (c *client) ask(ctx context.Context, m *Model, key string, question []byte, until time.Time) (body []byte, tries int, err error) {
	for tries = 1; ; tries++ {
		body, err = c.once(ctx, m, key, question)
		if err == nil || errors.Is(err, errRefused) || ctx.Err() != nil || tries > len(backoff) {
			return body, tries, err
		}
		pause := backoff[tries-1]
		if !c.clock.Now().Add(pause).Before(until) {
			return nil, tries, err
		}
		select {
		case <-c.clock.After(pause):
		case <-ctx.Done():
			return nil, tries, err
		}
	}
}

func (c *client) once(ctx context.Context, m *Model, key string, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Registration.URL, bytes.NewReader(question))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Anlan")
	req.Header.Set("Idempotency-Key", key)
	if x := m.Registration.Secret; x != nil {
		secret, set := c.getenv(x.Env)
		if !set || secret == "" {
			return nil, fmt.Errorf("%w: the environment variable %s is not set", errRefused, x.Env)
		}
		req.Header.Set(x.Header, secret)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() == context.DeadlineExceeded {
			return nil, fmt.Errorf("no answer within %s", said(m.patience))
		}
		var of *url.Error // its text has the whole URL once more
		if errors.As(err, &of) {
			err = of.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return nil, fmt.Errorf("%w: it redirects (%d); register the address where the model is", errRefused, res.StatusCode)
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		return nil, fmt.Errorf("it answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: it answers %d %s", errRefused, res.StatusCode, http.StatusText(res.StatusCode))
	case res.ContentLength > MaxAnswer:
		return nil, tooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return nil, fmt.Errorf("no answer within %s", said(m.patience))
	case err != nil:
		return nil, fmt.Errorf("its answer broke off: %w", err)
	case len(body) > MaxAnswer:
		return nil, tooLarge()
	}
	return body, nil
}

func tooLarge() error {
	return fmt.Errorf("%w: the answer has more than %d bytes", errRefused, MaxAnswer)
}
