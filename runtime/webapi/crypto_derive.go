package webapi

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"strings"
	"sync"
)

// known is made once, at first use: it cannot be initialised with the package, since
// what it holds leads back to it.
var known struct {
	sync.Once
	algorithms map[string]*algorithm
}

// algorithms are those that SubtleCrypto knows, by their names in upper case.
func algorithms() map[string]*algorithm {
	known.Do(func() {
		all := map[string]*algorithm{}
		for _, a := range []*algorithm{
			hmacAlgorithm(), cbcAlgorithm(), ctrAlgorithm(), gcmAlgorithm(), kwAlgorithm(), pkcs1Algorithm(), pssAlgorithm(), oaepAlgorithm(),
			ecdsaAlgorithm(), ecdhAlgorithm(), ed25519Algorithm(), x25519Algorithm(), hkdfAlgorithm(), pbkdf2Algorithm(),
		} {
			all[upper(a.name)] = a
		}
		for name := range hashes {
			all[name] = &algorithm{name: name, reads: map[operation]reader{opDigest: readNothing}}
		}
		known.algorithms = all
	})
	return known.algorithms
}

func upper(s string) string { return strings.ToUpper(s) }

// kdf is what the algorithms share that derive of a secret.
func kdf(name string, reads reader) *algorithm {
	a := &algorithm{name: name, usages: deriveUsages}
	a.reads = map[operation]reader{opDerive: reads, opImport: readNothing, opLength: readNothing}
	a.length = func(*params) (int, error) { return -1, nil }
	a.take = func(_ *params, in keyData, extractable bool, list []string) (*CryptoKey, error) {
		if in.format != "raw" {
			return nil, refuse("NotSupportedError", "keys of %s cannot be imported as %s", name, in.format)
		}
		if err := within(list, deriveUsages...); err != nil {
			return nil, err
		}
		if extractable {
			return nil, refuse("SyntaxError", "keys of %s cannot be extractable", name)
		}
		return &CryptoKey{kind: "secret", usages: list, material: in.bytes, algorithm: keyAlgorithm{name: name}}, nil
	}
	return a
}

// wholeBytes refuses a number of bits that is none or no whole number of bytes.
func wholeBytes(bits int) error {
	if bits < 0 || bits%8 != 0 {
		return refuse("OperationError", "the length is no multiple of 8")
	}
	return nil
}

func hkdfAlgorithm() *algorithm {
	a := kdf("HKDF", readHKDF)
	a.derive = func(_ context.Context, p *params, k *CryptoKey, bits int) ([]byte, error) {
		if err := wholeBytes(bits); err != nil {
			return nil, err
		}
		hash := hashes[p.hash]
		if bits/8 > 255*hash.Size() {
			return nil, refuse("OperationError", "HKDF with %s derives at most %d bytes", p.hash, 255*hash.Size())
		}
		return hkdf.Key(hash.New, k.secret(), p.salt, string(p.info), bits/8)
	}
	return a
}

// lightIterations is what PBKDF2 does without leaving the VM's goroutine.
const lightIterations = 1000

func pbkdf2Algorithm() *algorithm {
	a := kdf("PBKDF2", readPBKDF2)
	a.heavy = func(_ operation, p *params, _ *CryptoKey) bool { return p.iterations > lightIterations }
	a.derive = func(ctx context.Context, p *params, k *CryptoKey, bits int) ([]byte, error) {
		if err := wholeBytes(bits); err != nil {
			return nil, err
		}
		if p.iterations == 0 {
			return nil, refuse("OperationError", "PBKDF2 needs an iteration at least")
		}
		return pbkdf2(ctx, p, k.secret(), bits/8)
	}
	return a
}

// pbkdf2 is that of RFC 8018. The one of the standard library cannot be stopped.
func pbkdf2(ctx context.Context, p *params, secret []byte, n int) ([]byte, error) {
	mac := hmac.New(hashes[p.hash].New, secret)
	out := make([]byte, 0, n+mac.Size())
	sum := make([]byte, 0, mac.Size())
	var number [4]byte
	for block := uint32(1); len(out) < n; block++ {
		binary.BigEndian.PutUint32(number[:], block)
		mac.Reset()
		mac.Write(p.salt)
		mac.Write(number[:])
		out = mac.Sum(out)
		total := out[len(out)-mac.Size():]
		sum = append(sum[:0], total...)
		for i := 1; i < p.iterations; i++ {
			if i%1024 == 0 && ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			mac.Reset()
			mac.Write(sum)
			sum = mac.Sum(sum[:0])
			subtle.XORBytes(total, total, sum)
		}
	}
	return out[:n], nil
}
