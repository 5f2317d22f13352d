package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// The length is the whole policy: rules about kinds of characters make passwords worse (NIST SP 800-63B §3.1.1.2).
const (
	MinPassword = 12
	MaxPassword = 128
)

// argon2id with the first set of parameters that OWASP recommends: 19 MiB, two passes, one lane. About 32 ms on two cores.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32

	// parallelHashes bounds the memory that many sign-ins at once can take.
	parallelHashes = 2
)

// hasher hashes passwords, a few at a time.
type hasher struct {
	slots chan struct{}
}

func newHasher() *hasher { return &hasher{make(chan struct{}, parallelHashes)} }

func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func checkPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return web.Errorf(http.StatusUnprocessableEntity, "access.password", "the password is not text").At("password")
	case n < MinPassword:
		return web.Errorf(http.StatusUnprocessableEntity, "access.password",
			"the password has %d characters, at least %d are needed; a few words in a row are good", n, MinPassword).At("password")
	case n > MaxPassword:
		return web.Errorf(http.StatusUnprocessableEntity, "access.password",
			"the password has %d characters, at most %d are possible", n, MaxPassword).At("password")
	}
	return nil
}

// hash returns the password as a PHC string: $argon2id$v=19$m=19456,t=2,p=1$salt$key.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.slots }()
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonTime, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// nobody is what the password of an account that doesn't exist, or has none, is compared with, so that the answer takes
// as long as for one that does.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// verify reports whether password is the one of the PHC string. An empty string is nobody's.
func (h *hasher) verify(ctx context.Context, phc, password string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-h.slots }()
	exists := phc != ""
	if !exists {
		phc = nobody
	}
	var version, memory, time, lanes int
	var salt64, key64 string
	// Sscanf reads the fixed head; what follows are the salt and the key, without padding.
	var rest string
	if _, err := fmt.Sscanf(phc, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &time, &lanes, &rest); err != nil {
		return false, fmt.Errorf("stored password: %w", err)
	}
	for i := range rest {
		if rest[i] == '$' {
			salt64, key64 = rest[:i], rest[i+1:]
		}
	}
	salt, err := base64.RawStdEncoding.DecodeString(salt64)
	if err != nil {
		return false, fmt.Errorf("stored password: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(key64)
	if err != nil {
		return false, fmt.Errorf("stored password: %w", err)
	}
	if version != argon2.Version || len(want) < 16 {
		return false, fmt.Errorf("stored password: unknown form")
	}
	got := argon2.IDKey([]byte(password), salt, uint32(time), uint32(memory), uint8(lanes), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && exists, nil
}

// secret is a random text of 256 bits for cookies, links and tokens.
func secret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// digest is how a secret is stored: one that is random needs no salt and no slow hash.
func digest(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }
