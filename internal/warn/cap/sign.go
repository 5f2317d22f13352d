package cap

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// nsSignature is the namespace of XML signatures.
const nsSignature = "http://www.w3.org/2000/09/xmldsig#"

// The algorithms that we sign with (RFC 9231 lists the names).
const (
	algExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	algSHA256    = "http://www.w3.org/2001/04/xmlenc#sha256"
	algRSA256    = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algECDSA256  = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
)

// minRSA is the shortest RSA key that is taken, in bits.
const minRSA = 2048

// Signer signs messages with one key. It is safe for concurrent use.
type Signer struct {
	key         crypto.Signer
	method      string
	certificate *x509.Certificate
}

// NewSigner loads the key and certificate of keyFile (PEM: a PKCS #8, EC or RSA
// private key, ECDSA P-256 or RSA of 2048 bits and more, and its certificate).
// When there is no such file it makes a P-256 key and a certificate of its own
// under the name, readable by the owner only. The certificate has no end:
// partners trust it because they pinned it, not because of a date or an issuer.
func NewSigner(keyFile, name string) (*Signer, error) {
	text, err := os.ReadFile(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makeKey(name); err == nil {
			err = writeKey(keyFile, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the key that signs warnings: %w", err)
	}
	s, err := parseSigner(text)
	if err != nil {
		return nil, fmt.Errorf("the key that signs warnings, %s: %w", keyFile, err)
	}
	return s, nil
}

// Certificate is what receivers pin, as PEM.
func (s *Signer) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw})
}

// Pin is the trust in this very signer.
func (s *Signer) Pin(name string) Pin { return Pin{Name: name, Key: s.certificate.PublicKey} }

func parseSigner(text []byte) (*Signer, error) {
	s := &Signer{}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		switch {
		case block.Type == "CERTIFICATE" && s.certificate == nil:
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("its certificate: %w", err)
			}
			s.certificate = certificate
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key, err := parseKey(block)
			if err != nil {
				return nil, err
			}
			s.key = key
		}
	}
	switch {
	case s.key == nil:
		return nil, errors.New("it holds no private key in PEM")
	case s.certificate == nil:
		return nil, errors.New("it holds no certificate in PEM")
	}
	switch public := s.key.Public().(type) {
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return nil, errors.New("an ECDSA key must be of the curve P-256")
		}
		s.method = algECDSA256
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSA {
			return nil, fmt.Errorf("an RSA key must have at least %d bits", minRSA)
		}
		s.method = algRSA256
	default:
		return nil, errors.New("the key must be ECDSA or RSA")
	}
	if public, ok := s.certificate.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(s.key.Public()) {
		return nil, errors.New("key and certificate don't belong together")
	}
	return s, nil
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("its private key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key can't sign")
	}
	return signer, nil
}

// makeKey returns a new key with its certificate.
func makeKey(name string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280 §4.1.2.5: no end
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...), nil
}

// writeKey keeps a new key so that it survives a power cut whole or not at all:
// receivers are about to pin it.
func writeKey(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// Sign returns the CAP document with an enveloped signature (XML Signature 1.1,
// exclusive canonical XML, SHA-256) as the last element of the alert; nothing
// else of it changes. A document that is signed already is refused.
func (s *Signer) Sign(document []byte) ([]byte, error) {
	doc, err := readSigned(document)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if len(signaturesIn(doc.Root())) > 0 {
		return nil, errors.New("sign: the document holds a signature already")
	}
	end := bytes.LastIndex(document, []byte("</"))
	if text, err := toUTF8(document, MaxBytes); end < 0 || err != nil || !bytes.Equal(text, document) {
		return nil, errors.New("sign: only a UTF-8 document with an end tag can be signed")
	}
	whole, err := canonical(doc, algExclusive)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	digest := sha256.Sum256(whole)
	// This text is its own canonical form: namespace on the outermost element, no white space, end tags everywhere.
	info := func(ns string) string {
		return `<SignedInfo` + ns + `><CanonicalizationMethod Algorithm="` + algExclusive + `"></CanonicalizationMethod>` +
			`<SignatureMethod Algorithm="` + s.method + `"></SignatureMethod><Reference URI=""><Transforms>` +
			`<Transform Algorithm="` + algEnveloped + `"></Transform><Transform Algorithm="` + algExclusive + `"></Transform></Transforms>` +
			`<DigestMethod Algorithm="` + algSHA256 + `"></DigestMethod><DigestValue>` + base64.StdEncoding.EncodeToString(digest[:]) +
			`</DigestValue></Reference></SignedInfo>`
	}
	hash := sha256.Sum256([]byte(info(` xmlns="` + nsSignature + `"`)))
	value, err := s.key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err == nil && s.method == algECDSA256 {
		value, err = fixedECDSA(value, 32)
	}
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	signature := `<Signature xmlns="` + nsSignature + `">` + info("") +
		`<SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</SignatureValue>` +
		`<KeyInfo><X509Data><X509Certificate>` + base64.StdEncoding.EncodeToString(s.certificate.Raw) + `</X509Certificate></X509Data></KeyInfo></Signature>`
	return bytes.Join([][]byte{document[:end], document[end:]}, []byte(signature)), nil
}

// fixedECDSA turns ASN.1 into the two numbers side by side that XML signatures
// hold (RFC 4050 §3.3), each of so many bytes.
func fixedECDSA(der []byte, size int) ([]byte, error) {
	var n struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &n); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("an ECDSA signature that isn't one: %w", err)
	}
	out := make([]byte, 2*size)
	n.R.FillBytes(out[:size])
	n.S.FillBytes(out[size:])
	return out, nil
}

// readSigned reads the document for signing and verifying, within the bounds of Decode.
func readSigned(document []byte) (*etree.Document, error) {
	if _, err := parse(document, messageBounds); err != nil {
		return nil, err
	}
	text, err := toUTF8(document, MaxBytes)
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{CharsetReader: converted, MaxDepth: MaxDepth + 1}
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, fmt.Errorf("not well-formed XML: %w", err)
	}
	root := doc.Root()
	if root == nil || root.Tag != "alert" || versionOf(root.NamespaceURI()) == "" {
		return nil, errors.New("expected a CAP alert")
	}
	return doc, nil
}

// canonical returns the canonical form, without comments, of the whole document:
// the root and the processing instructions around it.
func canonical(doc *etree.Document, algorithm string) ([]byte, error) {
	c, err := canonicalizer(algorithm)
	if err != nil {
		return nil, err
	}
	root := doc.Root()
	text, err := c.Canonicalize(root.Copy())
	if err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	var before, after strings.Builder
	seen := false
	for _, token := range doc.Child {
		switch token := token.(type) {
		case *etree.Element:
			seen = true
		case *etree.ProcInst:
			if token.Target == "xml" {
				continue
			}
			pi := "<?" + token.Target
			if token.Inst != "" {
				pi += " " + token.Inst
			}
			if pi += "?>"; seen {
				after.WriteString("\n" + pi)
			} else {
				before.WriteString(pi + "\n")
			}
		}
	}
	return []byte(before.String() + string(text) + after.String()), nil
}

func canonicalizer(algorithm string) (dsig.Canonicalizer, error) {
	switch algorithm {
	case algExclusive:
		return dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""), nil
	case algInclusive:
		return dsig.MakeC14N10RecCanonicalizer(), nil
	case algInclusive11:
		return dsig.MakeC14N11Canonicalizer(), nil
	}
	return nil, fmt.Errorf("canonical form %q is not taken", algorithm)
}

func signaturesIn(e *etree.Element) []*etree.Element {
	var found []*etree.Element
	if e.Tag == "Signature" && e.NamespaceURI() == nsSignature {
		found = append(found, e)
	}
	for _, c := range e.ChildElements() {
		found = append(found, signaturesIn(c)...)
	}
	return found
}
