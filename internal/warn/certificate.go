package warn

import (
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// certificatePath is where receivers get the certificate with which they check our signatures.
const certificatePath = "/warnings/certificate.pem"

func (s *Service) signatureRoutes(r *web.Router) {
	r.HandleFunc("GET "+certificatePath, s.certificate)
}

func (s *Service) certificate(w http.ResponseWriter, r *http.Request) {
	if err := s.access.Decide(r.Context(), "warning.read", access.Resource{Type: "warning"}, access.PublicInformation); err != nil {
		web.WriteError(w, r, err)
		return
	}
	if s.signer == nil {
		web.WriteError(w, r, web.Errorf(http.StatusNotFound, "warning.unsigned", "the messages of this server are not signed"))
		return
	}
	serve(w, r, "application/x-pem-file", s.signer.Certificate(), time.Time{})
}
