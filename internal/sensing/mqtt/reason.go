package mqtt

import (
	"errors"
	"net/http"
	"strings"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// outcome says what became of a published message.
type outcome uint8

const (
	accepted outcome = iota // valid and on disk
	refused                 // will never be taken
	failed                  // could not be stored now
)

// judge reads the answer of Intake: what became of the message, and the reason code and text for it (MQTT 5, 3.4.2.1).
func judge(err error) (outcome, byte, string) {
	if err == nil {
		return accepted, 0, ""
	}
	var e *web.Error
	if !errors.As(err, &e) {
		return failed, packets.ErrImplementationSpecificError.Code, "the message could not be stored now; send it again"
	}
	text := cut(e.Error(), maxReason)
	switch {
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusInsufficientStorage:
		return failed, packets.ErrQuotaExceeded.Code, text
	case e.Status >= 500:
		return failed, packets.ErrImplementationSpecificError.Code, text
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return refused, packets.ErrNotAuthorized.Code, text
	case e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed:
		return refused, packets.ErrTopicNameInvalid.Code, text
	case e.Status == http.StatusRequestEntityTooLarge:
		return refused, packets.ErrQuotaExceeded.Code, text
	}
	return refused, packets.ErrPayloadFormatInvalid.Code, text
}

// judgeFilter reads the answer of Feed.Compile: the reason code for a SUBACK (MQTT 5, 3.9.3).
func judgeFilter(err error) (byte, string) {
	var e *web.Error
	if !errors.As(err, &e) || e.Status >= 500 {
		return packets.ErrImplementationSpecificError.Code, "the filter could not be looked up now; subscribe again"
	}
	text := cut(e.Error(), maxReason)
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return packets.ErrNotAuthorized.Code, text
	case e.Status == http.StatusTooManyRequests:
		return packets.ErrQuotaExceeded.Code, text
	}
	return packets.ErrTopicFilterInvalid.Code, text
}

// judgeLogin reads the answer of Authenticator (MQTT 5, 3.2.2.2).
func judgeLogin(err error) packets.Code {
	var e *web.Error
	switch {
	case !errors.As(err, &e) || e.Status >= 500:
		return packets.Code{Code: packets.ErrServerUnavailable.Code, Reason: "the credential could not be checked now; try again"}
	case e.Status == http.StatusTooManyRequests:
		return packets.Code{Code: packets.ErrConnectionRateExceeded.Code, Reason: cut(e.Error(), maxReason)}
	}
	return packets.Code{Code: packets.ErrBadUsernameOrPassword.Code, Reason: cut(e.Error(), maxReason)}
}

// return311 is a CONNACK's return code in 3.1.1 for a reason code of MQTT 5 (3.1.1, 3.2.2.3).
func return311(code byte) byte {
	switch code {
	case packets.ErrUnsupportedProtocolVersion.Code:
		return 1
	case packets.ErrClientIdentifierNotValid.Code, packets.ErrUnspecifiedError.Code: // mochi's word for an empty id without clean session
		return 2
	case packets.ErrBadUsernameOrPassword.Code, packets.ErrNotAuthorized.Code:
		return 5
	}
	return 3
}

func revoked() packets.Code {
	return packets.Code{Code: packets.ErrNotAuthorized.Code, Reason: "the credential was revoked"}
}

func hasWildcard(filter string) bool { return strings.ContainsAny(filter, "+#") }
