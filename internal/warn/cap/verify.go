package cap

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha1" // old feeds, only where the pin allows it
	"crypto/sha256"
	_ "crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/beevik/etree"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	algInclusive   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	algInclusive11 = "http://www.w3.org/2006/12/xml-c14n11"
)

// Pin is one key that a receiver trusts, under the name by which it knows its
// holder. Trust comes from the pin alone: a certificate's issuer and dates aren't
// looked at, and whatever key a message carries counts for nothing by itself.
type Pin struct {
	Name string
	Key  crypto.PublicKey // *ecdsa.PublicKey or *rsa.PublicKey
	// AllowSHA1 takes RSA-SHA1 and SHA-1 digests too, which old feeds still
	// use and which can be forged with effort.
	AllowSHA1 bool
}

// ParsePin reads a certificate or public key in PEM.
func ParsePin(name string, text []byte) (Pin, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return Pin{}, errors.New("expected a certificate or public key in PEM")
	}
	pin := Pin{Name: name}
	switch block.Type {
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return Pin{}, fmt.Errorf("read the certificate: %w", err)
		}
		pin.Key = certificate.PublicKey
	case "PUBLIC KEY":
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return Pin{}, fmt.Errorf("read the public key: %w", err)
		}
		pin.Key = key
	default:
		return Pin{}, fmt.Errorf("expected a CERTIFICATE or PUBLIC KEY, found a %s", block.Type)
	}
	switch key := pin.Key.(type) {
	case *ecdsa.PublicKey:
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return Pin{}, fmt.Errorf("an RSA key must have at least %d bits", minRSA)
		}
	default:
		return Pin{}, errors.New("the key must be ECDSA or RSA")
	}
	return pin, nil
}

// Fingerprint is the SHA-256 of the public key, by which people compare pins.
func (p Pin) Fingerprint() string {
	der, err := x509.MarshalPKIXPublicKey(p.Key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Why a signature doesn't count.
var (
	ErrUnsigned = errors.New("the message is not signed")
	ErrForm     = errors.New("the signature is not one enveloped signature over the whole message")
	ErrWeak     = errors.New("the signature uses SHA-1, which is refused")
	ErrChanged  = errors.New("the message was changed after it was signed")
	ErrForeign  = errors.New("the signature was not made with a pinned key")
)

// Verify holds that the message carries exactly one enveloped signature, that it
// covers the whole alert, and that one of the pins made it; it returns that pin's
// name. What Decode reads of the same bytes is then what was signed: it skips
// signatures, comments and processing instructions and nothing else. Verify
// compares no dates; an error is one of those above, or says that this is no
// message at all.
func Verify(document []byte, pins []Pin) (who string, err error) {
	doc, err := readSigned(document)
	if err != nil {
		return "", err
	}
	found := signaturesIn(doc.Root())
	switch {
	case len(found) == 0:
		return "", ErrUnsigned
	case len(found) > 1:
		return "", fmt.Errorf("%w: it holds %d signatures, one is taken", ErrForm, len(found))
	case found[0].Parent() != doc.Root():
		return "", fmt.Errorf("%w: it stands inside %s", ErrForm, found[0].Parent().Tag)
	}
	s, err := readSignature(doc.Root(), found[0])
	if err != nil {
		return "", err
	}
	weak := s.hash == crypto.SHA1 || s.digestHash == crypto.SHA1
	if weak && !anyAllows(pins) {
		return "", ErrWeak
	}
	signedInfo, err := s.canonicalInfo()
	if err != nil {
		return "", err
	}
	doc.Root().RemoveChild(s.element)
	whole, err := canonical(doc, s.form)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	h := s.digestHash.New()
	h.Write(whole)
	if subtle.ConstantTimeCompare(h.Sum(nil), s.digest) != 1 {
		return "", ErrChanged
	}
	h = s.hash.New()
	h.Write(signedInfo)
	sum := h.Sum(nil)
	for _, pin := range pins {
		if (!weak || pin.AllowSHA1) && pin.made(s, sum) {
			return pin.Name, nil
		}
	}
	return "", ErrForeign
}

func anyAllows(pins []Pin) bool {
	for _, pin := range pins {
		if pin.AllowSHA1 {
			return true
		}
	}
	return false
}

func (p Pin) made(s *signature, sum []byte) bool {
	switch key := p.Key.(type) {
	case *rsa.PublicKey:
		return !s.ecdsa && key.N.BitLen() >= minRSA && rsa.VerifyPKCS1v15(key, s.hash, sum, s.value) == nil
	case *ecdsa.PublicKey:
		size := (key.Curve.Params().BitSize + 7) / 8
		if !s.ecdsa || len(s.value) != 2*size {
			return false
		}
		r, t := new(big.Int).SetBytes(s.value[:size]), new(big.Int).SetBytes(s.value[size:])
		return ecdsa.Verify(key, sum, r, t)
	}
	return false
}

// signature is a signature of the one form that is taken.
type signature struct {
	element, info    *etree.Element
	infoForm, form   string // canonical forms of SignedInfo and of the document
	hash, digestHash crypto.Hash
	ecdsa            bool
	digest, value    []byte
}

type signatureMethod struct {
	hash  crypto.Hash
	ecdsa bool
}

func signatureMethodOf(algorithm string) (signatureMethod, bool) {
	const more = "http://www.w3.org/2001/04/xmldsig-more#"
	m, ok := map[string]signatureMethod{
		nsSignature + "rsa-sha1": {crypto.SHA1, false},
		algRSA256:                {crypto.SHA256, false}, more + "rsa-sha384": {crypto.SHA384, false}, more + "rsa-sha512": {crypto.SHA512, false},
		algECDSA256: {crypto.SHA256, true}, more + "ecdsa-sha384": {crypto.SHA384, true}, more + "ecdsa-sha512": {crypto.SHA512, true},
	}[algorithm]
	return m, ok
}

func digestOf(algorithm string) (crypto.Hash, bool) {
	h, ok := map[string]crypto.Hash{
		nsSignature + "sha1": crypto.SHA1, algSHA256: crypto.SHA256,
		"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384, "http://www.w3.org/2001/04/xmlenc#sha512": crypto.SHA512,
	}[algorithm]
	return h, ok
}

// readSignature takes the signature apart and refuses every form but the one: no second reference, no transform that
// could select a part of the document, nothing that stands twice.
func readSignature(root, e *etree.Element) (*signature, error) {
	r := signatureReader{}
	s := &signature{element: e}
	s.info = r.one(e, "SignedInfo")
	s.infoForm = r.algorithm(r.one(s.info, "CanonicalizationMethod"))
	methodName := r.algorithm(r.one(s.info, "SignatureMethod"))
	reference := r.one(s.info, "Reference")
	transforms := r.one(reference, "Transforms")
	digestName := r.algorithm(r.one(reference, "DigestMethod"))
	s.digest = r.base64(r.one(reference, "DigestValue"))
	s.value = r.base64(r.one(e, "SignatureValue"))
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, r.err)
	}
	method, ok := signatureMethodOf(methodName)
	if !ok {
		return nil, fmt.Errorf("%w: signature method %q is not taken", ErrForm, methodName)
	}
	s.hash, s.ecdsa = method.hash, method.ecdsa
	if s.digestHash, ok = digestOf(digestName); !ok {
		return nil, fmt.Errorf("%w: digest method %q is not taken", ErrForm, digestName)
	}
	if err := s.target(root, reference); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	s.form = algInclusive // what the standard says when no transform does
	for i, t := range transforms.ChildElements() {
		name := t.SelectAttrValue("Algorithm", "")
		switch {
		case t.Tag != "Transform" || t.NamespaceURI() != nsSignature || len(t.ChildElements()) > 0:
			return nil, fmt.Errorf("%w: a transform that is not taken", ErrForm)
		case i == 0 && name == algEnveloped:
		case i == 1 && (name == algExclusive || name == algInclusive || name == algInclusive11):
			s.form = name
		default:
			return nil, fmt.Errorf("%w: transform %q is not taken", ErrForm, name)
		}
	}
	if len(transforms.ChildElements()) == 0 {
		return nil, fmt.Errorf("%w: it isn't enveloped", ErrForm)
	}
	return s, nil
}

// target holds that the reference means the whole document, or the root by an Id that nothing else has.
func (s *signature) target(root, reference *etree.Element) error {
	uri := reference.SelectAttr("URI")
	if uri == nil {
		return errors.New("its reference names nothing")
	}
	if uri.Value == "" {
		return nil
	}
	id, ok := strings.CutPrefix(uri.Value, "#")
	if !ok || id == "" {
		return fmt.Errorf("its reference %q leads out of the message", uri.Value)
	}
	if n := countIDs(root, id); n != 1 || !hasID(root, id) {
		return fmt.Errorf("its reference %q does not name the whole message", uri.Value)
	}
	return nil
}

func countIDs(e *etree.Element, id string) int {
	n := 0
	if hasID(e, id) {
		n++
	}
	for _, c := range e.ChildElements() {
		n += countIDs(c, id)
	}
	return n
}

func hasID(e *etree.Element, id string) bool {
	for _, a := range e.Attr {
		if strings.EqualFold(a.Key, "id") && a.Value == id {
			return true
		}
	}
	return false
}

func (s *signature) canonicalInfo() ([]byte, error) {
	c, err := canonicalizer(s.infoForm)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if len(s.info.SelectElement("CanonicalizationMethod").ChildElements()) > 0 {
		return nil, fmt.Errorf("%w: a canonical form with parameters is not taken", ErrForm)
	}
	names, err := etreeutils.NSBuildParentContext(s.info)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	alone, err := etreeutils.NSDetatch(names, s.info)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	text, err := c.Canonicalize(alone)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return text, nil
}

// signatureReader keeps the first thing that is wrong.
type signatureReader struct{ err error }

func (r *signatureReader) one(parent *etree.Element, name string) *etree.Element {
	var found *etree.Element
	if r.err != nil {
		return nil
	}
	for _, c := range parent.ChildElements() {
		if c.Tag != name {
			continue
		}
		if found != nil || c.NamespaceURI() != nsSignature {
			r.err = fmt.Errorf("%s stands twice or is foreign", name)
			return nil
		}
		found = c
	}
	if found == nil {
		r.err = fmt.Errorf("%s has no %s", parent.Tag, name)
	}
	return found
}

func (r *signatureReader) algorithm(e *etree.Element) string {
	if r.err != nil {
		return ""
	}
	return e.SelectAttrValue("Algorithm", "")
}

func (r *signatureReader) base64(e *etree.Element) []byte {
	if r.err != nil {
		return nil
	}
	if len(e.ChildElements()) > 0 {
		r.err = fmt.Errorf("%s holds elements", e.Tag)
		return nil
	}
	var text strings.Builder
	for _, c := range e.Child {
		if data, ok := c.(*etree.CharData); ok {
			text.WriteString(data.Data)
		}
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(fields(text.String()), ""))
	if err != nil {
		r.err = fmt.Errorf("%s is not base64", e.Tag)
	}
	return b
}
