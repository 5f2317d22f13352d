package ledger

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkpoint is a tree head: the text of a C2SP tlog-checkpoint note without extension lines.
type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

func (c checkpoint) text() string {
	return c.origin + "\n" + strconv.FormatInt(c.size, 10) + "\n" + c.root.String() + "\n"
}

func parseCheckpoint(text string) (checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return checkpoint{}, errors.New("a checkpoint has three lines: origin, size, root hash")
	}
	c := checkpoint{origin: lines[0]}
	var err error
	if c.size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.size < 0 || strconv.FormatInt(c.size, 10) != lines[1] {
		return checkpoint{}, fmt.Errorf("checkpoint size %q is not a number", lines[1])
	}
	if c.root, err = tlog.ParseHash(lines[2]); err != nil || c.root.String() != lines[2] {
		return checkpoint{}, fmt.Errorf("checkpoint root hash %q is not a hash", lines[2])
	}
	return c, nil
}

// sign makes a checkpoint note.
func (c checkpoint) sign(s note.Signer) (string, error) {
	msg, err := note.Sign(&note.Note{Text: c.text()}, s)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(msg), nil
}

// ErrNotSigned says that a checkpoint does not bear the signature of the key that was asked for.
var ErrNotSigned = errors.New("the checkpoint is not signed by the key")

// openCheckpoint checks the signature of a checkpoint note and reads it. Signatures of others, witnesses for instance, are
// allowed beside it.
func openCheckpoint(msg []byte, v note.Verifier) (checkpoint, error) {
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return checkpoint{}, fmt.Errorf("%w %s: %w", ErrNotSigned, v.Name(), err)
	}
	for _, sig := range n.Sigs {
		// Base64 in which unused bits are set decodes to the same signature: the one change note.Open lets pass.
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return checkpoint{}, fmt.Errorf("%w %s: signature: %w", ErrNotSigned, v.Name(), err)
		}
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return checkpoint{}, err
	}
	if c.origin != v.Name() {
		return checkpoint{}, fmt.Errorf("the checkpoint is of the log %q, the key is of %q", c.origin, v.Name())
	}
	return c, nil
}

// ParseKey reads a verifier key as the server prints it: <origin>+<key hash>+<key>.
func ParseKey(s string) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(s))
	if err != nil {
		return nil, fmt.Errorf("ledger key %q: expected <name>+<hash>+<key> as printed by the server: %w", s, err)
	}
	return v, nil
}

// readKey reads the signing key from its file and derives the verifier key. fs.ErrNotExist is left visible.
func readKey(file string) (note.Signer, string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("ledger key: %w", err)
	}
	secret, public, ok := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if !ok {
		return nil, "", fmt.Errorf("ledger key %s: expected two lines, the signing key and the verifier key", file)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, "", fmt.Errorf("ledger key %s: %w", file, err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, "", fmt.Errorf("ledger key %s: %w", file, err)
	}
	// The two lines must belong together, or everything signed from now on could not be verified.
	msg, err := note.Sign(&note.Note{Text: "key check\n"}, signer)
	if err != nil {
		return nil, "", fmt.Errorf("ledger key %s: %w", file, err)
	}
	if _, err := note.Open(msg, note.VerifierList(verifier)); err != nil {
		return nil, "", fmt.Errorf("ledger key %s: signing key and verifier key do not belong together: %w", file, err)
	}
	return signer, public, nil
}

// makeKey writes a new key, readable by its owner only. An existing file is never overwritten.
func makeKey(file, origin string) error {
	if origin == "" {
		var b [4]byte
		rand.Read(b[:])
		origin = "anlan-" + hex.EncodeToString(b[:])
	}
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return fmt.Errorf("make a ledger key: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the ledger key: %w", err)
	}
	defer f.Close()
	if _, err := f.WriteString(secret + "\n" + public + "\n"); err != nil {
		return fmt.Errorf("write the ledger key: %w", err)
	}
	// Checkpoints are about to be signed with it: a key lost in a power cut could never be replaced.
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write the ledger key: %w", err)
	}
	return f.Close()
}
