package webapi

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"slices"
)

// okpAlgorithm is what Ed25519 and X25519 share. public and private make keys of
// their bytes, and halves takes a private key apart.
type okp struct {
	name, use string
	algs      []string
	public    func(b []byte) (any, error)
	private   func(b []byte) (any, error)
	halves    func(private any) (secret []byte, public any)
	usable    func(material any) (private, ok bool)
	forPublic []string
	forSecret []string
}

const keySize25519 = 32

func (o okp) algorithm() *algorithm {
	a := &algorithm{name: o.name}
	a.reads = map[operation]reader{opGenerate: readNothing, opImport: readNothing}
	key := func(kind string, material any, extractable bool, list []string) *CryptoKey {
		return &CryptoKey{kind: kind, extractable: extractable, usages: list, material: material, algorithm: keyAlgorithm{name: o.name}}
	}
	a.generate = func(_ *params, extractable bool, list []string) (keyPair, error) {
		if err := within(list, slices.Concat(o.forPublic, o.forSecret)...); err != nil {
			return keyPair{}, err
		}
		if len(only(list, o.forSecret...)) == 0 {
			return keyPair{}, refuse("SyntaxError", "a private key needs a usage")
		}
		private, err := o.private(random(keySize25519))
		if err != nil {
			return keyPair{}, err
		}
		_, public := o.halves(private)
		return keyPair{
			public:  key("public", public, true, only(list, o.forPublic...)),
			private: key("private", private, extractable, only(list, o.forSecret...)),
		}, nil
	}
	a.take = func(_ *params, in keyData, extractable bool, list []string) (*CryptoKey, error) {
		isPrivate := in.format == "pkcs8" || in.jwk != nil && in.jwk.D != nil
		kind, allowed := "public", o.forPublic
		if isPrivate {
			kind, allowed = "private", o.forSecret
		}
		if err := within(list, allowed...); err != nil {
			return nil, err
		}
		var material any
		var err error
		switch in.format {
		case "raw":
			material, err = o.public(in.bytes)
		case "spki":
			material, err = x509.ParsePKIXPublicKey(in.bytes)
		case "pkcs8":
			material, err = x509.ParsePKCS8PrivateKey(in.bytes)
		default:
			material, err = o.jwk(in.jwk, jwkUse{kty: "OKP", use: o.use, algs: o.algs, extractable: extractable, usages: list})
		}
		if err != nil {
			return nil, badKey(err)
		}
		if private, ok := o.usable(material); !ok || private != isPrivate {
			return nil, refuse("DataError", "the key is no %s key of %s", kind, o.name)
		}
		return key(kind, material, extractable, list), nil
	}
	a.give = func(k *CryptoKey, format string) (keyData, error) {
		return giveKey(k, format, func() *jwk {
			kty := "OKP"
			j := &jwk{Kty: &kty, Crv: &a.name}
			if o.name == "Ed25519" {
				j.Alg = &a.name
			}
			public := k.material
			if k.kind == "private" {
				var secret []byte
				secret, public = o.halves(k.material)
				j.D = base64url(secret)
			}
			if raw, err := rawPublic(public); err == nil {
				j.X = base64url(raw)
			}
			return j
		})
	}
	return a
}

func (o okp) jwk(j *jwk, use jwkUse) (any, error) {
	if err := j.check(use); err != nil {
		return nil, err
	}
	if !is(j.Crv, o.name) {
		return nil, refuse("DataError", "the crv of the key is not %s", o.name)
	}
	x, err := unbase64(j.X, "x")
	if err != nil {
		return nil, err
	}
	public, err := o.public(x)
	if err != nil || j.D == nil {
		return public, err
	}
	d, err := unbase64(j.D, "d")
	if err != nil {
		return nil, err
	}
	private, err := o.private(d)
	if err != nil {
		return nil, err
	}
	_, half := o.halves(private)
	if raw, err := rawPublic(half); err != nil || !bytes.Equal(raw, x) {
		return nil, refuse("DataError", "the halves of the key do not belong together")
	}
	return private, nil
}

func ed25519Algorithm() *algorithm {
	length := func(b []byte) error {
		if len(b) != keySize25519 {
			return refuse("DataError", "a key of Ed25519 has %d bytes, not %d", keySize25519, len(b))
		}
		return nil
	}
	a := okp{
		name: "Ed25519", use: "sig", algs: []string{"Ed25519", "EdDSA"},
		forPublic: []string{"verify"}, forSecret: []string{"sign"},
		public: func(b []byte) (any, error) { return ed25519.PublicKey(b), length(b) },
		private: func(b []byte) (any, error) {
			if err := length(b); err != nil {
				return nil, err
			}
			return ed25519.NewKeyFromSeed(b), nil
		},
		halves: func(private any) ([]byte, any) {
			key := private.(ed25519.PrivateKey)
			return key.Seed(), key.Public()
		},
		usable: func(material any) (bool, bool) {
			_, private := material.(ed25519.PrivateKey)
			_, public := material.(ed25519.PublicKey)
			return private, private || public
		},
	}.algorithm()
	a.reads[opSign], a.reads[opVerify] = readNothing, readNothing
	a.sign = func(_ *params, k *CryptoKey, data []byte) ([]byte, error) {
		key, ok := k.material.(ed25519.PrivateKey)
		if !ok {
			return nil, refuse("InvalidAccessError", "signing takes a private key")
		}
		return key.Sign(rand.Reader, data, &ed25519.Options{})
	}
	a.verify = func(_ *params, k *CryptoKey, signature, data []byte) (bool, error) {
		key, ok := k.material.(ed25519.PublicKey)
		if !ok {
			return false, refuse("InvalidAccessError", "verifying takes a public key")
		}
		if len(signature) != ed25519.SignatureSize || smallOrder(key) || smallOrder(signature[:keySize25519]) {
			return false, nil
		}
		return ed25519.Verify(key, data, signature), nil
	}
	return a
}

// smallOrder reports whether a point is one of those that a signature proves
// nothing with; the standard has them refused. The sign bit does not matter.
func smallOrder(point []byte) bool {
	y := bytes.Clone(point)
	y[keySize25519-1] &= 0x7f
	return slices.Contains(smallOrders, hex.EncodeToString(y))
}

var smallOrders = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func x25519Algorithm() *algorithm {
	curve := ecdh.X25519()
	a := okp{
		name: "X25519", use: "enc", forSecret: deriveUsages,
		public:  func(b []byte) (any, error) { return curve.NewPublicKey(b) },
		private: func(b []byte) (any, error) { return curve.NewPrivateKey(b) },
		halves: func(private any) ([]byte, any) {
			key := private.(*ecdh.PrivateKey)
			return key.Bytes(), key.PublicKey()
		},
		usable: func(material any) (bool, bool) {
			switch key := material.(type) {
			case *ecdh.PrivateKey:
				return true, key.Curve() == curve
			case *ecdh.PublicKey:
				return false, key.Curve() == curve
			}
			return false, false
		},
	}.algorithm()
	a.reads[opDerive] = readPublic
	a.derive = func(_ context.Context, p *params, k *CryptoKey, bits int) ([]byte, error) {
		if err := pair(p, k); err != nil {
			return nil, err
		}
		secret, err := k.material.(*ecdh.PrivateKey).ECDH(p.public.material.(*ecdh.PublicKey))
		if err != nil {
			return nil, err
		}
		return truncate(secret, bits)
	}
	return a
}
