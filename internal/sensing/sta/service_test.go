package sta

import (
	"crypto/tls"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestLinksAreOfTheHostThatWasAsked(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, tt := range []struct {
		name, public, remote, proto string
		tls                         bool
		want                        string
	}{
		{"plain", "", "192.0.2.1:9", "", false, "http://gauges.example/v1.1"},
		{"TLS", "", "192.0.2.1:9", "", true, "https://gauges.example/v1.1"},
		{"a proxy of ours", "", "10.0.0.1:9", "https", false, "https://gauges.example/v1.1"},
		{"a proxy of ours, as IPv6 has it", "", "[::ffff:10.0.0.1]:9", "https", false, "https://gauges.example/v1.1"},
		{"a proxy of ours without TLS", "", "10.0.0.1:9", "http", false, "http://gauges.example/v1.1"},
		{"a client's own invention", "", "192.0.2.1:9", "https", false, "http://gauges.example/v1.1"},
		{"no address", "", "", "https", false, "http://gauges.example/v1.1"},
		{"a public address", "https://anlan.example/", "192.0.2.1:9", "", false, "https://anlan.example/v1.1"},
	} {
		s := &Service{Deps: Deps{PublicURL: tt.public, TrustedProxies: proxies}}
		r := httptest.NewRequest("GET", "http://gauges.example/v1.1", nil)
		r.RemoteAddr = tt.remote
		if tt.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if tt.proto != "" {
			r.Header.Set("X-Forwarded-Proto", tt.proto)
		}
		if got := s.root(r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
