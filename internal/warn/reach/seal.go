package reach

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// sealed is what stands of a recipient in the database only under the key.
type sealed struct {
	Address string `json:"address"`
	Secret  string `json:"secret,omitempty"`
}

// sealer seals with AES-256-GCM under a key in a file beside the database: who has a copy of the one still lacks the other.
type sealer struct{ aead cipher.AEAD }

func newSealer(file string) (*sealer, error) {
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		rand.Read(key) // it never fails
		err = writeKey(file, key)
	}
	if err != nil {
		return nil, err
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("%s has %d bytes, expected 32", file, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead}, err
}

// writeKey puts a key under its name only once it is whole and on disk.
func writeKey(file string, key []byte) error {
	half := file + ".new"
	f, err := os.OpenFile(half, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(half, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (s *sealer) close(k sealed) (string, error) {
	text, err := json.Marshal(k)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.aead.NonceSize())
	rand.Read(nonce)
	return base64.StdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, text, nil)), nil
}

func (s *sealer) open(text string) (k sealed, err error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return k, errors.New("what is sealed can't be read")
	}
	plain, err := s.aead.Open(nil, raw[:s.aead.NonceSize()], raw[s.aead.NonceSize():], nil)
	if err != nil {
		return k, errors.New("what is sealed was sealed under another key")
	}
	return k, json.Unmarshal(plain, &k)
}
