package cap

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

func newSigner(t testing.TB) *Signer {
	t.Helper()
	s, err := NewSigner(filepath.Join(t.TempDir(), "warnings.pem"), "City duty office")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rsaSigner is a signer whose key the operator brought along.
func rsaSigner(t testing.TB) *Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rsa"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rsa.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(file, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signed(t testing.TB, s *Signer) string {
	t.Helper()
	whole, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := s.Sign(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func TestSignedMessageVerifies(t *testing.T) {
	for name, s := range map[string]*Signer{"ecdsa": newSigner(t), "rsa": rsaSigner(t)} {
		t.Run(name, func(t *testing.T) {
			doc := signed(t, s)
			pin, err := ParsePin("the city", s.Certificate())
			if err != nil {
				t.Fatal(err)
			}
			if who, err := Verify([]byte(doc), []Pin{newSigner(t).Pin("another"), pin}); err != nil || who != "the city" {
				t.Errorf("verified as %q, %v", who, err)
			}
			a, problems, err := Decode(strings.NewReader(doc))
			if err != nil || len(problems) > 0 || a.Signatures != 1 {
				t.Errorf("decoded as %+v, %v, %v", a, problems, err)
			}
			if _, err := s.Sign([]byte(doc)); err == nil {
				t.Error("signed twice")
			}
			other := newSigner(t)
			if _, err := Verify([]byte(doc), []Pin{other.Pin("another")}); !errors.Is(err, ErrForeign) {
				t.Errorf("a foreign key: %v", err)
			}
			if _, err := Verify([]byte(doc), nil); !errors.Is(err, ErrForeign) {
				t.Errorf("no pin at all: %v", err)
			}
		})
	}
}

// TestAssessSaysOfSignatures: a reader learns whether there is a signature and, with a pin, whether it holds.
func TestAssessSaysOfSignatures(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	plain, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	good := signed(t, s)
	const empty = `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>`
	const edxl = `<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><distributionID>x</distributionID><senderID>s@x</senderID><dateTimeSent>2026-11-23T08:30:00+08:00</dateTimeSent><distributionStatus>Actual</distributionStatus><distributionType>Report</distributionType><combinedConfidentiality>u</combinedConfidentiality>`
	const object = `<contentObject><xmlContent><embeddedXMLContent>`
	const ends = `</embeddedXMLContent></xmlContent></contentObject>`
	bare := func(doc string) string { return doc[strings.Index(doc, "<alert"):] }
	for name, c := range map[string]struct {
		doc       string
		pins      []Pin
		verdict   Verdict
		signature string
		line      int // of the problem with the signature
	}{
		"unsigned":            {string(plain), nil, Accept, "none", 0},
		"unsigned, pin":       {string(plain), []Pin{s.Pin("a")}, Reject, "none", 2},
		"signed":              {good, nil, Accept, "there is one, not checked against a certificate", 0},
		"signed, pin":         {good, []Pin{other.Pin("a"), s.Pin("b")}, Accept, "verifies with b", 0},
		"signed, another pin": {good, []Pin{other.Pin("a")}, Reject, "there is one, it does not verify", 1 + strings.Count(good[:strings.Index(good, "<Signature")], "\n")},
		"changed":             {strings.Replace(good, "Gas leak", "Gas feast", 1), []Pin{s.Pin("a")}, Reject, "there is one, it does not verify", 1 + strings.Count(good[:strings.Index(good, "<Signature")], "\n")},
		"two empty ones":      {strings.Replace(string(plain), "</alert>", empty+"\n"+empty+"</alert>", 1), nil, Warn, "there is one, not checked against a certificate", strings.Count(string(plain), "\n")},
		"empty, pin":          {strings.Replace(string(plain), "</alert>", empty+"</alert>", 1), []Pin{s.Pin("a")}, Reject, "there is one, it does not verify", strings.Count(string(plain), "\n")},
		"envelope, pin":       {edxl + object + bare(good) + ends + "</EDXLDistribution>", []Pin{s.Pin("a")}, Accept, "verifies with a", 0},
		"envelope of two, pin": {edxl + object + bare(good) + ends + object + bare(string(plain)) + ends + "</EDXLDistribution>", []Pin{s.Pin("a")}, Warn,
			"verifies on some messages only, with a (2 messages, 1 signed, 1 verified)", -1},
		"not XML": {"x", []Pin{s.Pin("a")}, Reject, "", 0},
	} {
		a := Assess([]byte(c.doc), Receiving, c.pins...)
		line := 0
		for _, p := range a.Problems {
			if p.Rule == "signature" && line == 0 {
				line = p.Line
			}
		}
		if a.Verdict != c.verdict || a.Signature != c.signature || c.line >= 0 && line != c.line || c.line < 0 && line == 0 {
			t.Errorf("%s: %s, %q, line %d, want %s, %q, %d: %v", name, a.Verdict, a.Signature, line, c.verdict, c.signature, c.line, a.Problems)
		}
	}
}

func TestSignerKeepsItsKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "warnings.pem")
	first, err := NewSigner(file, "City duty office")
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewSigner(file, "another name")
	if err != nil || !bytes.Equal(first.Certificate(), again.Certificate()) {
		t.Errorf("a second start has another key: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info, err)
	}
	if strings.Contains(string(first.Certificate()), "PRIVATE") {
		t.Error("the certificate gives the key away")
	}
	other, _ := os.ReadFile(file)
	broken := filepath.Join(t.TempDir(), "broken.pem")
	second, _ := makeKey("x")
	for name, text := range map[string]string{
		"empty": "", "certificate only": string(first.Certificate()), "half": string(other[:len(other)/3]),
		"mixed": string(second[:bytes.Index(second, []byte("-----BEGIN CERT"))]) + string(first.Certificate()),
	} {
		os.WriteFile(broken, []byte(text), 0o600)
		if _, err := NewSigner(broken, ""); err == nil {
			t.Errorf("%s: taken as a key", name)
		}
		if now, _ := os.ReadFile(broken); string(now) != text {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
}

// TestBadSignatures attacks the signature from each side. Each change must be refused, by the reason that helps.
func TestBadSignatures(t *testing.T) {
	s := newSigner(t)
	doc := signed(t, s)
	start, end := strings.Index(doc, "<Signature"), strings.Index(doc, "</Signature>")+len("</Signature>")
	signature, bare := doc[start:end], doc[:start]+doc[end:]
	swap := func(text, old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("nothing to change: %q", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	other := newSigner(t)
	forged, err := other.Sign([]byte(bare))
	if err != nil {
		t.Fatal(err)
	}
	mine, _, _ := strings.Cut(string(s.Certificate()), "\n-----END")
	mine = strings.ReplaceAll(mine[strings.Index(mine, "\n"):], "\n", "")
	theirs, _, _ := strings.Cut(string(other.Certificate()), "\n-----END")
	theirs = strings.ReplaceAll(theirs[strings.Index(theirs, "\n"):], "\n", "")
	wrapped := `<alert xmlns="` + Namespace12 + `" Id="evil"><identifier>evil</identifier>`
	for name, c := range map[string]struct {
		doc  string
		want error
	}{
		"unsigned":                  {bare, ErrUnsigned},
		"a word changed":            {swap(doc, "A main has broken.", "All is well now..."), ErrChanged},
		"a space added":             {swap(doc, "<scope>", " <scope>"), ErrChanged},
		"an attribute added":        {swap(doc, "<scope>", `<scope x="1">`), ErrChanged},
		"an instruction added":      {swap(doc, "<scope>", "<?x y?><scope>"), ErrChanged},
		"an instruction before":     {swap(doc, "<alert", "<?x y?><alert"), ErrChanged},
		"an element added":          {swap(doc, "</alert>", "<info/></alert>"), ErrChanged},
		"another namespace":         {swap(doc, Namespace12, Namespace11), ErrChanged},
		"another identifier":        {swap(doc, "urn:x:1", "urn:x:2"), ErrChanged},
		"digest changed":            {swap(doc, "<DigestValue>", "<DigestValue>AAAA"), ErrChanged},
		"value changed":             {swap(doc, "<SignatureValue>", "<SignatureValue>AAAA"), ErrForeign},
		"value empty":               {doc[:strings.Index(doc, "<SignatureValue>")] + "<SignatureValue></SignatureValue>" + doc[strings.Index(doc, "<KeyInfo>"):], ErrForeign},
		"signed by another":         {string(forged), ErrForeign},
		"another's with our paper":  {swap(string(forged), theirs, mine), ErrForeign},
		"moved to another message":  {swap(swap(bare, "urn:x:1", "urn:x:9"), "</alert>", signature+"</alert>"), ErrChanged},
		"moved into info":           {swap(bare, "</info>", signature+"</info>"), ErrForm},
		"two signatures":            {swap(doc, "</alert>", signature+"</alert>"), ErrForm},
		"nested signatures":         {swap(doc, "</KeyInfo>", "</KeyInfo><Object>"+signature+"</Object>"), ErrForm},
		"wrapped":                   {wrapped + doc[strings.Index(doc, "<alert"):] + "</alert>", ErrForm},
		"wrapped with signature up": {wrapped + swap(bare[strings.Index(bare, "<alert"):], "\n", " ") + signature + "</alert>", ErrChanged},
		"reference to a part":       {swap(swap(doc, `URI=""`, `URI="#part"`), "<areaDesc>", `<areaDesc Id="part">`), ErrForm},
		"reference to a file":       {swap(doc, `URI=""`, `URI="file:///etc/passwd"`), ErrForm},
		"reference to the web":      {swap(doc, `URI=""`, `URI="http://192.0.2.1/x"`), ErrForm},
		"no reference address":      {swap(doc, ` URI=""`, ``), ErrForm},
		"id twice":                  {swap(swap(swap(doc, `URI=""`, `URI="#a"`), "<alert", `<alert Id="a"`), "<areaDesc>", `<areaDesc ID="a">`), ErrForm},
		"no transform":              {swap(doc, `<Transform Algorithm="`+algEnveloped+`"></Transform>`, ""), ErrForm},
		"an XPath transform":        {swap(doc, `<Transform Algorithm="`+algExclusive+`"></Transform>`, `<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath>//x</XPath></Transform>`), ErrForm},
		"an XSLT transform":         {swap(doc, algExclusive+`"></Transform>`, `http://www.w3.org/TR/1999/REC-xslt-19991116"></Transform>`), ErrForm},
		"a hash of nothing":         {swap(doc, algSHA256, "http://www.w3.org/2001/04/xmldsig-more#md5"), ErrForm},
		"HMAC":                      {swap(doc, algECDSA256, nsSignature+"hmac-sha1"), ErrForm},
		"SHA-1 digest":              {swap(doc, algSHA256, nsSignature+"sha1"), ErrWeak},
		"SHA-1 signature":           {swap(doc, algECDSA256, nsSignature+"rsa-sha1"), ErrWeak},
		"two references":            {swap(doc, "</SignedInfo>", `<Reference URI=""/></SignedInfo>`), ErrForm},
		"two infos":                 {swap(doc, "<SignatureValue>", `<SignedInfo/><SignatureValue>`), ErrForm},
		"signed info foreign":       {swap(doc, "<SignedInfo>", `<SignedInfo xmlns="urn:x">`), ErrForm},
		"no value":                  {swap(swap(doc, "<SignatureValue>", "<Value>"), "</SignatureValue>", "</Value>"), ErrForm},
		"SignedInfo with comment":   {swap(doc, "<SignedInfo>", "<SignedInfo> "), ErrForeign},
	} {
		if who, err := Verify([]byte(c.doc), []Pin{s.Pin("the city")}); !errors.Is(err, c.want) {
			t.Errorf("%s: verified as %q with %v, want %v", name, who, err, c.want)
		}
	}
	// What canonical form does away with is no change.
	for name, doc := range map[string]string{
		"a comment":        swap(doc, "Gas leak<", "Gas<!-- x --> leak<"),
		"an empty element": swap(doc, `URI=""`, `URI=''`),
		"no declaration":   strings.TrimPrefix(doc, `<?xml version="1.0" encoding="UTF-8"?>`),
		"carriage returns": strings.ReplaceAll(doc, "\n", "\r\n"),
		"CDATA":            swap(doc, "A main has broken.", "<![CDATA[A main has broken.]]>"),
		"a reference":      swap(doc, "A main has broken.", "&#65; main has broken."),
	} {
		if _, err := Verify([]byte(doc), []Pin{s.Pin("the city")}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecordedSignatures: old feeds' signatures are read past and never believed.
func TestRecordedSignatures(t *testing.T) {
	for _, name := range []string{"ca-thunderstorm-signed.xml", "ca-wind-2019-en-fr.xml"} {
		doc, err := os.ReadFile(testdata.Shared(t, "cap", "alerts", name))
		if err != nil {
			t.Fatal(err)
		}
		a, problems, err := Decode(bytes.NewReader(doc))
		if err != nil || Judge(append(problems, Check(a, Receiving)...)) != Accept || a.Signatures != 2 {
			t.Errorf("%s: %v %v", name, err, problems)
		}
		if who, err := Verify(doc, pinsIn(t, doc)); !errors.Is(err, ErrForm) {
			t.Errorf("%s: verified as %q, %v", name, who, err)
		}
		// Taken one at a time: the message of 2013 is as it was signed, and verifies for whoever pins its key and allows
		// SHA-1; the other was altered in our records (see their SOURCE.md) and never verifies.
		for i := range 2 {
			one, pins := keepSignature(t, doc, i), pinsIn(t, doc)
			if who, err := Verify(one, pins); (err == nil) != (name == "ca-thunderstorm-signed.xml") {
				t.Errorf("%s: signature %d alone verifies as %q, %v", name, i, who, err)
			}
			for i := range pins {
				pins[i].AllowSHA1 = false
			}
			if who, err := Verify(one, pins); err == nil {
				t.Errorf("%s: signature %d alone verifies without SHA-1 as %q", name, i, who)
			}
		}
	}
}

// pinsIn pins every certificate of the document, SHA-1 allowed.
func pinsIn(t *testing.T, doc []byte) (pins []Pin) {
	t.Helper()
	for _, part := range strings.Split(string(doc), "<X509Certificate>")[1:] {
		text, _, _ := strings.Cut(part, "<")
		pin, err := ParsePin("from the message", []byte("-----BEGIN CERTIFICATE-----\n"+text+"\n-----END CERTIFICATE-----\n"))
		if err != nil {
			t.Fatal(err)
		}
		pin.AllowSHA1 = true
		pins = append(pins, pin)
	}
	return pins
}

func keepSignature(t *testing.T, doc []byte, keep int) []byte {
	t.Helper()
	text, out := string(doc), ""
	for i := 0; ; i++ {
		start := strings.Index(text, "<Signature ")
		if start < 0 {
			return []byte(out + text)
		}
		end := strings.Index(text, "</Signature>") + len("</Signature>")
		out += text[:start]
		if i == keep {
			out += text[start:end]
		}
		text = text[end:]
	}
}

func lookXMLSec(t testing.TB) string {
	return testdata.Program(t, "xmlsec1", "xmlsec1")
}

// TestOutsideVerifies has xmlsec1 verify ours, in the three ways in which people call it, and refuse what was changed.
func TestOutsideVerifies(t *testing.T) {
	xmlsec := lookXMLSec(t)
	for name, s := range map[string]*Signer{"ecdsa": newSigner(t), "rsa": rsaSigner(t)} {
		dir := t.TempDir()
		file, certificate, changed := filepath.Join(dir, "alert.xml"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "changed.xml")
		doc := signed(t, s)
		os.WriteFile(file, []byte(doc), 0o600)
		os.WriteFile(changed, []byte(strings.Replace(doc, "Extreme", "Minor", 1)), 0o600)
		os.WriteFile(certificate, s.Certificate(), 0o600)
		for _, args := range [][]string{
			{"--verify", "--pubkey-cert-pem", certificate, "--enabled-key-data", "key-name"},
			{"--verify", "--pubkey-cert-pem", certificate},
			{"--verify", "--trusted-pem", certificate},
		} {
			if out, err := exec.Command(xmlsec, append(args, file)...).CombinedOutput(); err != nil {
				t.Errorf("%s %v: %v\n%s", name, args, err, out)
			}
			if out, err := exec.Command(xmlsec, append(args, changed)...).CombinedOutput(); err == nil {
				t.Errorf("%s %v: a changed message verifies\n%s", name, args, out)
			}
		}
	}
}

// TestWeVerifyOutside has xmlsec1 sign in the forms that partners may use.
func TestWeVerifyOutside(t *testing.T) {
	xmlsec := lookXMLSec(t)
	whole, _ := Encode(sample())
	prefixed := strings.NewReplacer("<?", "<?", "</", "</cap:", "<", "<cap:", `xmlns="`+Namespace12, `xmlns:cap="`+Namespace12).Replace(string(whole))
	for name, s := range map[string]*Signer{"ecdsa": newSigner(t), "rsa": rsaSigner(t)} {
		dir := t.TempDir()
		key := filepath.Join(dir, "key.pem")
		der, err := x509.MarshalPKCS8PrivateKey(s.key)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
		for _, form := range []string{algExclusive, algInclusive, algInclusive11} {
			for document, text := range map[string]string{
				"plain": string(whole), "prefixed": prefixed, "instruction": strings.Replace(string(whole), "<alert", "<?style x?><alert", 1),
				"windows": strings.ReplaceAll(string(whole), "\n", "\r\n"), "CDATA": strings.Replace(string(whole), "A main has broken.", "<![CDATA[A <main> & more]]> has &#13; \"broken\" &gt;", 1),
				"comment": strings.Replace(string(whole), "A main", "A <!-- x -->main", 1),
			} {
				for _, prefix := range []string{"", "ds:"} {
					ns := "xmlns"
					if prefix != "" {
						ns += ":ds"
					}
					template := strings.NewReplacer("</", "</"+prefix, "<", "<"+prefix).Replace(`<Signature ` + ns + `="` + nsSignature + `"><SignedInfo>
  <CanonicalizationMethod Algorithm="` + form + `"/><SignatureMethod Algorithm="` + s.method + `"/>
  <Reference URI=""><Transforms><Transform Algorithm="` + algEnveloped + `"/><Transform Algorithm="` + form + `"/></Transforms>
  <DigestMethod Algorithm="` + algSHA256 + `"/><DigestValue/></Reference></SignedInfo><SignatureValue/></Signature>`)
					end := strings.LastIndex(text, "</")
					file, out := filepath.Join(dir, "template.xml"), filepath.Join(dir, "signed.xml")
					os.WriteFile(file, []byte(text[:end]+template+text[end:]), 0o600)
					if msg, err := exec.Command(xmlsec, "--sign", "--privkey-pem", key, "--output", out, file).CombinedOutput(); err != nil {
						t.Fatalf("%s %s %s: %v\n%s", name, form, document, err, msg)
					}
					doc, _ := os.ReadFile(out)
					if _, err := Verify(doc, []Pin{s.Pin("partner")}); err != nil {
						t.Errorf("%s %s %s %q: %v", name, form, document, prefix, err)
					}
				}
			}
		}
	}
}

// FuzzVerify: whatever comes in, Verify returns, and only the signed message itself verifies: what it takes decodes to
// what was signed.
func FuzzVerify(f *testing.F) {
	s := newSigner(f)
	doc := signed(f, s)
	f.Add([]byte(doc))
	f.Add([]byte(strings.Replace(doc, "Extreme", "Minor", 1)))
	f.Add([]byte(strings.Replace(doc, `URI=""`, `URI="#x"`, 1)))
	want, err := Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Verify(data, []Pin{s.Pin("city")}); err != nil {
			return
		}
		a, _, err := Decode(bytes.NewReader(data))
		if err != nil {
			return // whoever takes a message decodes it too
		}
		if got, err := Encode(a); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("another message verifies: %s", data)
		}
	})
}
