package respond

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	_ "image/jpeg" // so that a photo is opened before it is believed to be one
	_ "image/png"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// MaxFile is the size of the largest file that serves as evidence, in bytes.
	MaxFile = 10 << 20
	// maxPixels bounds what a browser must unpack to show a photo.
	maxPixels = 100 << 20
)

// acceptFile checks a photo (JPEG, PNG) or a signed form (these, or PDF) by its content, whatever its name claims, and
// returns it without what a camera adds about place, time, device and owner.
func acceptFile(body []byte, kind string) (clean []byte, media string, err error) {
	bad := func(format string, args ...any) error {
		return web.Errorf(http.StatusUnprocessableEntity, "case.file", format, args...).At("file")
	}
	if len(body) == 0 {
		return nil, "", bad("the file is missing or empty")
	}
	if len(body) > MaxFile {
		return nil, "", web.Errorf(http.StatusRequestEntityTooLarge, "case.file_size", "the file is larger than %d MB", MaxFile>>20).At("file")
	}
	switch media = http.DetectContentType(body); media {
	case "image/jpeg":
		clean, err = stripJPEG(body)
	case "image/png":
		clean, err = stripPNG(body)
	case "application/pdf":
		if kind == "form" {
			return body, media, nil
		}
		return nil, "", bad("a photo must be JPEG or PNG, this is %s", media)
	default:
		return nil, "", bad("expected JPEG or PNG (a form may also be PDF), this is %s", media)
	}
	if err != nil {
		return nil, "", bad("the picture is damaged: %s", err)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(clean))
	if err != nil {
		return nil, "", bad("the picture is damaged: %s", err)
	}
	if int64(config.Width)*int64(config.Height) > maxPixels {
		return nil, "", bad("the picture has more than %d million pixels", maxPixels>>20)
	}
	return clean, media, nil
}

var errCut = errors.New("it ends too early")

// JPEG markers.
const (
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markAPP0 = 0xe0 // JFIF: pixel density
	markAPP1 = 0xe1 // EXIF, XMP
	markAPP2 = 0xe2 // ICC colour profile, but also lists of further pictures
	markAPPE = 0xee // Adobe: colour transform, without which some pictures turn negative
	markAPPF = 0xef
	markCOM  = 0xfe
)

// stripJPEG keeps what is needed to show the picture the right way up and drops the rest: EXIF (place, device, time), XMP,
// IPTC, comments, thumbnails, makers' notes, and whatever follows the picture (phones append videos and originals there).
// The picture itself is copied bit by bit.
func stripJPEG(b []byte) ([]byte, error) {
	if len(b) < 4 || b[0] != 0xff || b[1] != markSOI {
		return nil, errors.New("it does not begin as JPEG")
	}
	out := append(make([]byte, 0, len(b)), 0xff, markSOI)
	oriented := false
	for at := 2; ; {
		for at < len(b) && b[at] == 0xff && at+1 < len(b) && b[at+1] == 0xff {
			at++ // fill bytes
		}
		if at+2 > len(b) {
			return nil, errCut
		}
		if b[at] != 0xff {
			return nil, fmt.Errorf("no marker at byte %d", at)
		}
		mark := b[at+1]
		if mark == markEOI {
			return append(out, 0xff, markEOI), nil
		}
		if at+4 > len(b) {
			return nil, errCut
		}
		end := at + 2 + int(binary.BigEndian.Uint16(b[at+2:]))
		if end < at+4 || end > len(b) {
			return nil, errCut
		}
		payload := b[at+4 : end]
		switch {
		case mark == markAPP1:
			if o := orientation(payload); o > 1 && !oriented {
				out, oriented = append(out, exifWith(o)...), true
			}
		case mark == markAPP0, mark == markAPPE, mark == markAPP2 && bytes.HasPrefix(payload, []byte("ICC_PROFILE\x00")):
			out = append(out, b[at:end]...)
		case mark > markAPP0 && mark <= markAPPF, mark == markCOM:
		case mark == markSOS:
			// The scan runs to the next marker that is neither a stuffed zero nor a restart.
			for end+1 < len(b) && (b[end] != 0xff || b[end+1] == 0 || b[end+1] == 0xff || b[end+1] >= 0xd0 && b[end+1] <= 0xd7) {
				end++
			}
			if end+1 >= len(b) {
				return nil, errCut
			}
			out = append(out, b[at:end]...)
		default:
			out = append(out, b[at:end]...)
		}
		at = end
	}
}

// orientation reads the one EXIF value that is needed to show a picture the right way up: 1 to 8, or 0 if it isn't there.
func orientation(app1 []byte) uint16 {
	tiff, ok := bytes.CutPrefix(app1, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 0
	}
	for n, at := order.Uint16(tiff[at:]), at+2; n > 0 && at+12 <= uint64(len(tiff)); n, at = n-1, at+12 {
		if order.Uint16(tiff[at:]) == 0x0112 {
			if o := order.Uint16(tiff[at+8:]); o >= 1 && o <= 8 {
				return o
			}
		}
	}
	return 0
}

// exifWith is an EXIF segment that says the orientation and nothing else.
func exifWith(o uint16) []byte {
	b := []byte{0xff, markAPP1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
		0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(b[28:], o)
	return b
}

// pngKept are the chunks that matter to how a picture looks. Text, time, EXIF and whatever a program invents is dropped.
var pngKept = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true, "gAMA": true, "cHRM": true, "sRGB": true, "iCCP": true,
	"sBIT": true, "bKGD": true, "pHYs": true,
}

func stripPNG(b []byte) ([]byte, error) {
	const head = 8
	if len(b) < head {
		return nil, errCut
	}
	out := append(make([]byte, 0, len(b)), b[:head]...)
	for at := head; ; {
		if at+12 > len(b) {
			return nil, errCut
		}
		n := uint64(binary.BigEndian.Uint32(b[at:]))
		if n > uint64(len(b)-at-12) {
			return nil, errCut
		}
		end := at + 12 + int(n)
		name := string(b[at+4 : at+8])
		if crc32.ChecksumIEEE(b[at+4:end-4]) != binary.BigEndian.Uint32(b[end-4:]) {
			return nil, fmt.Errorf("the sum of its part %q is wrong", name)
		}
		if pngKept[name] {
			out = append(out, b[at:end]...)
		}
		if name == "IEND" {
			return out, nil
		}
		at = end
	}
}
