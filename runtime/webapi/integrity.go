package webapi

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
)

var errIntegrity = errors.New("the answer is not what integrity says it is")

// verify reads a whole answer and checks it against integrity metadata, as the
// Subresource Integrity standard does: of several hashes the strongest kind counts,
// and metadata that cannot be read asks for nothing.
func verify(res *http.Response, metadata string, most int64) error {
	strongest, wanted := "", []string(nil)
	for _, item := range strings.Fields(metadata) {
		kind, value, ok := strings.Cut(item, "-")
		kind = strings.ToLower(kind)
		if !ok || kind != "sha256" && kind != "sha384" && kind != "sha512" {
			continue
		}
		value, _, _ = strings.Cut(value, "?")
		if kind > strongest {
			strongest, wanted = kind, nil
		}
		if kind == strongest {
			wanted = append(wanted, value)
		}
	}
	if strongest == "" {
		return nil
	}
	body := io.Reader(res.Body)
	if coding := strings.ToLower(strings.TrimSpace(res.Header.Get("Content-Encoding"))); codings[coding] != "" {
		body = &contentDecoder{raw: res.Body, coding: coding}
	}
	raw := &bytes.Buffer{}
	if d, ok := body.(*contentDecoder); ok {
		d.raw = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(res.Body, raw), res.Body}
	} else {
		body = io.TeeReader(res.Body, raw)
	}
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	_ = res.Body.Close()
	switch {
	case err != nil:
		return err
	case int64(len(data)) > most:
		return ErrBodyTooLarge
	case !matches(data, strongest, wanted):
		return errIntegrity
	}
	res.Body = io.NopCloser(raw)
	return nil
}

func matches(data []byte, kind string, wanted []string) bool {
	var sum []byte
	switch kind {
	case "sha256":
		s := sha256.Sum256(data)
		sum = s[:]
	case "sha384":
		s := sha512.Sum384(data)
		sum = s[:]
	default:
		s := sha512.Sum512(data)
		sum = s[:]
	}
	for _, value := range wanted {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			if b, err := encoding.DecodeString(value); err == nil && bytes.Equal(b, sum) {
				return true
			}
		}
	}
	return false
}
