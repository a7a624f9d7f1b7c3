package webapi

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

type reader = func(*Realm, *goja.Object, *params)

func hmacAlgorithm() *algorithm {
	a := &algorithm{name: "HMAC", usages: []string{"sign", "verify"}}
	a.reads = map[operation]reader{
		opSign: readNothing, opVerify: readNothing, opGenerate: readHashAndLength, opImport: readHashAndLength, opLength: readHashAndLength,
	}
	mac := func(k *CryptoKey, data []byte) []byte {
		h := hmac.New(hashes[k.algorithm.hash].New, k.secret())
		h.Write(data)
		return h.Sum(nil)
	}
	a.sign = func(_ *params, k *CryptoKey, data []byte) ([]byte, error) { return mac(k, data), nil }
	a.verify = func(_ *params, k *CryptoKey, signature, data []byte) (bool, error) {
		return hmac.Equal(signature, mac(k, data)), nil
	}
	a.length = func(p *params) (int, error) {
		switch p.length {
		case -1:
			return hashes[p.hash].New().BlockSize() * 8, nil
		case 0:
			return 0, refuse("TypeError", "the length of an HMAC key is not 0")
		}
		return p.length, nil
	}
	alg := func(hash string) string { return "HS" + strings.TrimPrefix(hash, "SHA-") }
	key := func(p *params, secret []byte, bits int, extractable bool, list []string) *CryptoKey {
		return &CryptoKey{
			kind: "secret", extractable: extractable, usages: list, material: secret,
			algorithm: keyAlgorithm{name: a.name, hash: p.hash, length: bits},
		}
	}
	a.generate = func(p *params, extractable bool, list []string) (keyPair, error) {
		if err := within(list, a.usages...); err != nil {
			return keyPair{}, err
		}
		if len(list) == 0 {
			return keyPair{}, refuse("SyntaxError", "a secret key needs a usage")
		}
		bits, err := a.length(p)
		if err != nil || bits > maxKey*8 {
			return keyPair{}, refuse("OperationError", "an HMAC key cannot have %d bits", p.length)
		}
		return keyPair{private: key(p, random((bits+7)/8), bits, extractable, list)}, nil
	}
	a.take = func(p *params, in keyData, extractable bool, list []string) (*CryptoKey, error) {
		secret, err := a.secretKey(in, extractable, list, "sig", alg(p.hash))
		if err != nil {
			return nil, err
		}
		bits := len(secret) * 8
		if bits == 0 {
			return nil, refuse("DataError", "an HMAC key is not empty")
		}
		if p.length >= 0 {
			if p.length > bits || p.length <= bits-8 {
				return nil, refuse("DataError", "the key has %d bits, not %d", bits, p.length)
			}
			bits = p.length
		}
		return key(p, secret, bits, extractable, list), nil
	}
	a.give = func(k *CryptoKey, format string) (keyData, error) {
		return giveSecret(k, format, alg(k.algorithm.hash))
	}
	return a
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its contract
	return b
}

// secretKey reads the bytes of a secret key.
func (a *algorithm) secretKey(in keyData, extractable bool, list []string, use, alg string) ([]byte, error) {
	if err := within(list, a.usages...); err != nil {
		return nil, err
	}
	switch in.format {
	case "raw":
		return in.bytes, nil
	case "jwk":
		secret, err := []byte(nil), in.jwk.check(jwkUse{kty: "oct"})
		if err == nil {
			secret, err = unbase64(in.jwk.K, "k")
		}
		if err != nil {
			return nil, err
		}
		if use == "enc" { // the alg of AES says how long the key is
			alg = "A" + strconv.Itoa(len(secret)*8) + alg
		}
		return secret, in.jwk.check(jwkUse{kty: "oct", use: use, algs: []string{alg}, extractable: extractable, usages: list})
	}
	return nil, refuse("NotSupportedError", "keys of %s cannot be imported as %s", a.name, in.format)
}

func giveSecret(k *CryptoKey, format, alg string) (keyData, error) {
	switch format {
	case "raw":
		return keyData{format: format, bytes: slices.Clone(k.secret())}, nil
	case "jwk":
		kty := "oct"
		return keyData{format: format, jwk: &jwk{Alg: &alg, K: base64url(k.secret()), Kty: &kty}}, nil
	}
	return keyData{}, refuse("NotSupportedError", "secret keys cannot be exported as %s", format)
}

// aesAlgorithm is what the modes of AES share.
func aesAlgorithm(mode string, reads reader, list ...string) *algorithm {
	a := &algorithm{name: "AES-" + mode, usages: list}
	a.reads = map[operation]reader{opGenerate: readLength, opImport: readNothing, opLength: readLength}
	if mode == "KW" {
		a.reads[opWrap], a.reads[opUnwrap] = reads, reads
	} else {
		a.reads[opEncrypt], a.reads[opDecrypt] = reads, reads
	}
	key := func(secret []byte, extractable bool, list []string) *CryptoKey {
		return &CryptoKey{
			kind: "secret", extractable: extractable, usages: list, material: secret,
			algorithm: keyAlgorithm{name: a.name, length: len(secret) * 8},
		}
	}
	a.length = func(p *params) (int, error) {
		if p.length != 128 && p.length != 192 && p.length != 256 {
			return 0, refuse("OperationError", "an AES key has 128, 192 or 256 bits")
		}
		return p.length, nil
	}
	a.generate = func(p *params, extractable bool, list []string) (keyPair, error) {
		if err := within(list, a.usages...); err != nil {
			return keyPair{}, err
		}
		bits, err := a.length(p)
		if err == nil && len(list) == 0 {
			err = refuse("SyntaxError", "a secret key needs a usage")
		}
		if err != nil {
			return keyPair{}, err
		}
		return keyPair{private: key(random(bits/8), extractable, list)}, nil
	}
	a.take = func(_ *params, in keyData, extractable bool, list []string) (*CryptoKey, error) {
		secret, err := a.secretKey(in, extractable, list, "enc", mode)
		if n := len(secret); err == nil && n != 16 && n != 24 && n != 32 {
			err = refuse("DataError", "an AES key has 128, 192 or 256 bits, not %d", n*8)
		}
		if err != nil {
			return nil, err
		}
		return key(secret, extractable, list), nil
	}
	a.give = func(k *CryptoKey, format string) (keyData, error) {
		return giveSecret(k, format, "A"+strconv.Itoa(k.algorithm.length)+mode)
	}
	return a
}

var dataUsages = []string{"encrypt", "decrypt", "wrapKey", "unwrapKey"}

func aesBlock(k *CryptoKey) cipher.Block {
	b, err := aes.NewCipher(k.secret())
	if err != nil {
		panic(err) // the length was checked when the key was made
	}
	return b
}

func cbcAlgorithm() *algorithm {
	a := aesAlgorithm("CBC", readIV, dataUsages...)
	a.encrypt = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		if len(p.iv) != aes.BlockSize {
			return nil, refuse("OperationError", "the iv has 16 bytes, not %d", len(p.iv))
		}
		pad := aes.BlockSize - len(data)%aes.BlockSize
		data = append(data, bytes.Repeat([]byte{byte(pad)}, pad)...)
		cipher.NewCBCEncrypter(aesBlock(k), p.iv).CryptBlocks(data, data)
		return data, nil
	}
	a.decrypt = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		if len(p.iv) != aes.BlockSize {
			return nil, refuse("OperationError", "the iv has 16 bytes, not %d", len(p.iv))
		}
		if len(data) == 0 || len(data)%aes.BlockSize != 0 {
			return nil, refuse("OperationError", "the data could not be decrypted")
		}
		cipher.NewCBCDecrypter(aesBlock(k), p.iv).CryptBlocks(data, data)
		pad := int(data[len(data)-1])
		if pad == 0 || pad > aes.BlockSize || subtle.ConstantTimeCompare(data[len(data)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) != 1 {
			return nil, refuse("OperationError", "the data could not be decrypted")
		}
		return data[:len(data)-pad], nil
	}
	return a
}

func ctrAlgorithm() *algorithm {
	a := aesAlgorithm("CTR", readCounter, dataUsages...)
	a.encrypt = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		if len(p.iv) != aes.BlockSize {
			return nil, refuse("OperationError", "the counter has 16 bytes, not %d", len(p.iv))
		}
		if p.length < 1 || p.length > 128 {
			return nil, refuse("OperationError", "the counter has 1 to 128 bits, not %d", p.length)
		}
		if len(data) == 0 {
			return data, nil
		}
		blocks := uint64(len(data)+aes.BlockSize-1) / aes.BlockSize
		if p.length < 63 && blocks > 1<<p.length {
			return nil, refuse("OperationError", "the counter is too short for so much data")
		}
		// Where the counter's bits run over they start again from 0, and leave the
		// others alone; Go's counter has all 128.
		counter, mask := new(big.Int).SetBytes(p.iv), new(big.Int).Lsh(big.NewInt(1), uint(p.length))
		mask.Sub(mask, big.NewInt(1))
		left := new(big.Int).Sub(mask, new(big.Int).And(counter, mask))
		first := len(data)
		if left.IsUint64() && left.Uint64() < blocks-1 {
			first = int(left.Uint64()+1) * aes.BlockSize
		}
		b := aesBlock(k)
		cipher.NewCTR(b, p.iv).XORKeyStream(data[:first], data[:first])
		if first < len(data) {
			again := counter.AndNot(counter, mask).FillBytes(make([]byte, aes.BlockSize))
			cipher.NewCTR(b, again).XORKeyStream(data[first:], data[first:])
		}
		return data, nil
	}
	a.decrypt = a.encrypt
	return a
}

func gcmAlgorithm() *algorithm {
	a := aesAlgorithm("GCM", readGCM, dataUsages...)
	open := func(p *params, k *CryptoKey) (cipher.AEAD, error) {
		if len(p.iv) == 0 {
			return nil, refuse("OperationError", "the iv is empty")
		}
		if !slices.Contains([]int{32, 64, 96, 104, 112, 120, 128}, p.tag) {
			return nil, refuse("OperationError", "a tag cannot have %d bits", p.tag)
		}
		return cipher.NewGCMWithNonceSize(aesBlock(k), len(p.iv))
	}
	a.encrypt = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		g, err := open(p, k)
		if err != nil {
			return nil, err
		}
		return g.Seal(nil, p.iv, data, p.extra)[:len(data)+p.tag/8], nil
	}
	a.decrypt = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		g, err := open(p, k)
		if err != nil {
			return nil, err
		}
		failed := refuse("OperationError", "the data could not be decrypted")
		if len(data) < p.tag/8 {
			return nil, failed
		}
		if p.tag == 128 {
			out, err := g.Open(nil, p.iv, data, p.extra)
			if err != nil {
				return nil, failed
			}
			return out, nil
		}
		// Go opens no shortened tags: what was encrypted is found from the key
		// stream, and its tag compared as far as it is there.
		sealed, tag := data[:len(data)-p.tag/8], data[len(data)-p.tag/8:]
		plain := make([]byte, len(sealed))
		subtle.XORBytes(plain, sealed, g.Seal(nil, p.iv, plain, nil))
		full := g.Seal(nil, p.iv, plain, p.extra)[len(plain):]
		if subtle.ConstantTimeCompare(full[:len(tag)], tag) != 1 {
			return nil, failed
		}
		return plain, nil
	}
	return a
}

// kwAlgorithm wraps keys as RFC 3394 says.
func kwAlgorithm() *algorithm {
	a := aesAlgorithm("KW", readNothing, "wrapKey", "unwrapKey")
	start := bytes.Repeat([]byte{0xa6}, 8)
	a.encrypt = func(_ *params, k *CryptoKey, data []byte) ([]byte, error) {
		if len(data)%8 != 0 || len(data) < 16 {
			return nil, refuse("OperationError", "AES-KW wraps whole blocks of 8 bytes, two at least")
		}
		b, n := aesBlock(k), len(data)/8
		out := append(slices.Clone(start), data...)
		var buf [16]byte
		for t := range 6 * n {
			at := out[8*(t%n+1):][:8]
			copy(buf[:8], out[:8])
			copy(buf[8:], at)
			b.Encrypt(buf[:], buf[:])
			binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(buf[:8])^uint64(t+1))
			copy(at, buf[8:])
		}
		return out, nil
	}
	a.decrypt = func(_ *params, k *CryptoKey, data []byte) ([]byte, error) {
		if len(data)%8 != 0 || len(data) < 24 {
			return nil, refuse("OperationError", "the key could not be unwrapped")
		}
		b, n := aesBlock(k), len(data)/8-1
		var buf [16]byte
		for t := 6*n - 1; t >= 0; t-- {
			at := data[8*(t%n+1):][:8]
			binary.BigEndian.PutUint64(buf[:8], binary.BigEndian.Uint64(data)^uint64(t+1))
			copy(buf[8:], at)
			b.Decrypt(buf[:], buf[:])
			copy(data[:8], buf[:8])
			copy(at, buf[8:])
		}
		if subtle.ConstantTimeCompare(data[:8], start) != 1 {
			return nil, refuse("OperationError", "the key could not be unwrapped")
		}
		return data[8:], nil
	}
	return a
}
