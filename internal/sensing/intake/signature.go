package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// shortestSecret is how many bytes a secret has at least: shorter ones can be tried out.
const shortestSecret = 16

// signature is how a sender proves that a body is its own: HMAC-SHA256 over the body as it stands, with a shared secret.
type signature struct {
	header string
	secret []byte
}

// signature reads {env: NAME, header: NAME}. The secret itself never stands in a mapping.
func (d *document) signature(n ast.Node, getenv func(string) (string, bool)) *signature {
	var env, header word
	before := len(d.problems)
	d.object(n, "secret", map[string]func(ast.Node){"env": d.word(&env, "env"), "header": d.word(&header, "header")},
		map[string]string{"value": "env", "secret": "env", "key": "env"})
	if len(d.problems) > before {
		return nil
	}
	switch {
	case env.s == "":
		d.say(at(n), "env", "is missing: the name of the environment variable that holds the secret")
		return nil
	case header.s == "":
		d.say(at(n), "header", "is missing: the name of the header with the signature, such as X-Signature")
		return nil
	}
	secret, set := getenv(env.s)
	switch {
	case !set || secret == "":
		d.say(env.position, "env", "the environment variable %s is not set", env.s)
		return nil
	case len(secret) < shortestSecret:
		d.say(env.position, "env", "the secret in %s has %d bytes, at least %d are needed", env.s, len(secret), shortestSecret)
		return nil
	}
	return &signature{header.s, []byte(secret)}
}

// verify checks a body. The header may hold the digest in hexadecimal or base64, behind "sha256=" or without it.
func (s *signature) verify(header http.Header, body []byte) error {
	given := strings.TrimSpace(header.Get(s.header))
	if given == "" {
		return web.Errorf(http.StatusUnauthorized, "intake.unsigned", "the header %s is missing: this hook takes signed bodies only", s.header)
	}
	given = strings.TrimPrefix(given, "sha256=")
	digest, err := hex.DecodeString(given)
	if err != nil {
		digest, err = base64.StdEncoding.DecodeString(given)
	}
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(body)
	if err != nil || !hmac.Equal(digest, mac.Sum(nil)) {
		return web.Errorf(http.StatusUnauthorized, "intake.bad_signature", "the signature in %s is not that of this body with the shared secret", s.header)
	}
	return nil
}
