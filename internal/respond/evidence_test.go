package respond

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/web"
)

func picture() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		m.Set(i%64, i/64, color.RGBA{byte(i * 7), byte(i * 13), byte(i * 29), 255})
	}
	return m
}

func plainJPEG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func segment(mark byte, payload string) []byte {
	b := []byte{0xff, mark, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(len(payload)+2))
	return append(b, payload...)
}

// fromPhone is a JPEG as a phone makes it: EXIF with a place and an orientation, XMP, IPTC, a comment, a list of further
// pictures, and one of them behind the end.
func fromPhone(t testing.TB) []byte {
	exif := "Exif\x00\x00II\x2a\x00\x08\x00\x00\x00\x02\x00" +
		"\x0f\x01\x02\x00\x06\x00\x00\x00\x26\x00\x00\x00" + // the maker's name, further down
		"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00" + "\x00\x00\x00\x00SECRET-GPS"
	p := plainJPEG(t)
	b := append([]byte{}, p[:2]...)
	b = append(b, segment(markAPP1, exif)...)
	b = append(b, segment(markAPP1, "http://ns.adobe.com/xap/1.0/\x00SECRET-XMP")...)
	b = append(b, segment(0xed, "Photoshop SECRET-IPTC")...)
	b = append(b, segment(markAPP2, "MPF\x00SECRET-MPF")...)
	b = append(b, segment(markCOM, "SECRET-COMMENT")...)
	b = append(b, p[2:]...)
	return append(b, "SECRET-TRAILER"...)
}

func TestJPEGLosesWhatTheCameraAdded(t *testing.T) {
	got, media, err := acceptFile(fromPhone(t), "photo")
	if err != nil || media != "image/jpeg" {
		t.Fatal(media, err)
	}
	if bytes.Contains(got, []byte("SECRET")) {
		t.Errorf("the file still tells: %q", got[:200])
	}
	if o := orientation(got[6:]); o != 6 {
		t.Errorf("orientation %d, want 6: the photo would lie on its side", o)
	}
	m, err := jpeg.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	want, err := jpeg.Decode(bytes.NewReader(plainJPEG(t)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 * 48 {
		if m.At(i%64, i/64) != want.At(i%64, i/64) {
			t.Fatalf("pixel %d differs", i)
		}
	}
	again, _, err := acceptFile(got, "photo")
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("stripping twice is not stripping once (%v): the address of a file would depend on how often it came", err)
	}
}

func TestPNGLosesWhatTheCameraAdded(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, picture()); err != nil {
		t.Fatal(err)
	}
	p := b.Bytes()
	chunk := func(name, body string) []byte {
		c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		c = append(append(c, name...), body...)
		return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	}
	in := append([]byte{}, p[:33]...) // behind IHDR
	in = append(in, chunk("tEXt", "Author\x00SECRET")...)
	in = append(in, chunk("eXIf", "SECRET")...)
	in = append(append(in, p[33:]...), "SECRET"...)
	got, media, err := acceptFile(in, "photo")
	if err != nil || media != "image/png" || !bytes.Equal(got, p) {
		t.Errorf("%s %v, same as the plain one: %v", media, err, bytes.Equal(got, p))
	}
}

func TestFileRefusals(t *testing.T) {
	good := plainJPEG(t)
	damaged := bytes.Clone(good)
	damaged[2] = 0
	for name, tt := range map[string]struct {
		body   []byte
		kind   string
		status int
	}{
		"empty":                        {nil, "photo", 422},
		"too large":                    {make([]byte, MaxFile+1), "photo", 413},
		"a page named .jpg":            {[]byte("<html><script>alert(1)</script>"), "photo", 422},
		"a drawing that runs script":   {[]byte("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"), "photo", 422},
		"a PDF as a photo":             {[]byte("%PDF-1.7\n"), "photo", 422},
		"an archive as a form":         {[]byte("PK\x03\x04"), "form", 422},
		"a JPEG cut in its scan":       {good[:len(good)-40], "photo", 422},
		"a JPEG cut in its head":       {good[:30], "photo", 422},
		"a JPEG with a broken marker":  {damaged, "photo", 422},
		"a JPEG that is only its end":  {[]byte{0xff, 0xd8, 0xff, 0xd9}, "photo", 422},
		"a PNG that is only its start": {[]byte("\x89PNG\r\n\x1a\n"), "photo", 422},
	} {
		_, _, err := acceptFile(tt.body, tt.kind)
		var e *web.Error
		if !errors.As(err, &e) || e.Status != tt.status {
			t.Errorf("%s: %v, want %d", name, err, tt.status)
		}
	}
	if _, media, err := acceptFile([]byte("%PDF-1.7\n"), "form"); err != nil || media != "application/pdf" {
		t.Errorf("a PDF as a form: %s %v", media, err)
	}
}

func FuzzStrip(f *testing.F) {
	f.Add(fromPhone(f))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte{0xff, 0xd8, 0xff, 0xe1, 0, 2, 0xff, 0xd9})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := stripJPEG(b)
		if err == nil {
			again, err := stripJPEG(got)
			if err != nil || !bytes.Equal(again, got) {
				t.Errorf("stripping twice is not stripping once: %v", err)
			}
		}
		if len(b) > 8 {
			if got, err := stripPNG(b); err == nil && len(got) > len(b) {
				t.Error("stripping made it longer")
			}
		}
	})
}
