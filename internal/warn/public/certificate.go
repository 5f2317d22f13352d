package public

import (
	"context"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// certificatePath is where receivers get the certificate with which they check our signatures.
const certificatePath = "/warnings/certificate.pem"

func (s *Service) certificate(w http.ResponseWriter, r *http.Request) {
	s.cached(func(p *picture, _ *http.Request) (key, maker) {
		return key{what: certificatePath}, func(context.Context) (*sheet, error) {
			if s.issuer.Certificate == nil {
				return nil, web.Errorf(http.StatusNotFound, "warning.unsigned", "the messages of this server are not signed")
			}
			return newSheet("application/x-pem-file", "", s.issuer.Certificate, time.Time{})
		}
	})(w, r)
}
