package webapi

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"slices"
)

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

// coordinate is the bytes of a coordinate.
func coordinate(c elliptic.Curve) int { return (c.Params().BitSize + 7) / 8 }

// rawPublic is a public key as points on curves are written.
func rawPublic(material any) ([]byte, error) {
	switch key := material.(type) {
	case *ecdsa.PublicKey:
		return key.Bytes()
	case *ecdh.PublicKey:
		return key.Bytes(), nil
	case ed25519.PublicKey:
		return slices.Clone(key), nil
	}
	return nil, refuse("NotSupportedError", "the key cannot be exported as raw")
}

// ecAlgorithm is what ECDSA and ECDH share.
func ecAlgorithm(name, use string, public, private []string) *algorithm {
	a := &algorithm{name: name}
	a.reads = map[operation]reader{opGenerate: readCurve, opImport: readCurve}
	a.heavy = func(_ operation, p *params, k *CryptoKey) bool {
		return k != nil && k.algorithm.curve != "P-256" || p.curve == "P-521"
	}
	key := func(curve, kind string, material any, extractable bool, list []string) *CryptoKey {
		return &CryptoKey{kind: kind, extractable: extractable, usages: list, material: material, algorithm: keyAlgorithm{name: name, curve: curve}}
	}
	a.generate = func(p *params, extractable bool, list []string) (keyPair, error) {
		if err := within(list, slices.Concat(public, private)...); err != nil {
			return keyPair{}, err
		}
		if len(only(list, private...)) == 0 {
			return keyPair{}, refuse("SyntaxError", "a private key needs a usage")
		}
		made, err := ecdsa.GenerateKey(curves[p.curve], rand.Reader)
		if err != nil {
			return keyPair{}, err
		}
		return keyPair{
			public:  key(p.curve, "public", &made.PublicKey, true, only(list, public...)),
			private: key(p.curve, "private", made, extractable, only(list, private...)),
		}, nil
	}
	a.take = func(p *params, in keyData, extractable bool, list []string) (*CryptoKey, error) {
		isPrivate := in.format == "pkcs8" || in.jwk != nil && in.jwk.D != nil
		allowed := public
		if isPrivate {
			allowed = private
		}
		if err := within(list, allowed...); err != nil {
			return nil, err
		}
		var material any
		var err error
		curve := curves[p.curve]
		switch in.format {
		case "raw":
			material, err = ecPoint(curve, in.bytes)
		case "spki":
			material, err = x509.ParsePKIXPublicKey(in.bytes)
		case "pkcs8":
			material, err = x509.ParsePKCS8PrivateKey(in.bytes)
		default:
			var algs []string
			if name == "ECDSA" {
				algs = []string{map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[p.curve]}
			}
			material, err = in.jwk.ec(curve, p.curve, jwkUse{kty: "EC", use: use, algs: algs, extractable: extractable, usages: list})
		}
		if err != nil {
			return nil, badKey(err)
		}
		switch m := material.(type) {
		case *ecdsa.PublicKey:
			if m.Curve == curve && !isPrivate {
				return key(p.curve, "public", m, extractable, list), nil
			}
		case *ecdsa.PrivateKey:
			if m.Curve == curve && isPrivate {
				return key(p.curve, "private", m, extractable, list), nil
			}
		}
		return nil, refuse("DataError", "the key is not of the curve %s", p.curve)
	}
	a.give = func(k *CryptoKey, format string) (keyData, error) {
		return giveKey(k, format, func() *jwk {
			kty, curve := "EC", k.algorithm.curve
			j := &jwk{Kty: &kty, Crv: &curve}
			pub, ok := k.material.(*ecdsa.PublicKey)
			if !ok {
				private := k.material.(*ecdsa.PrivateKey)
				pub = &private.PublicKey
				if d, err := private.Bytes(); err == nil {
					j.D = base64url(d)
				}
			}
			if point, err := pub.Bytes(); err == nil {
				n := coordinate(pub.Curve)
				j.X, j.Y = base64url(point[1:1+n]), base64url(point[1+n:])
			}
			return j
		})
	}
	return a
}

// ecPoint reads a point, compressed or not.
func ecPoint(curve elliptic.Curve, b []byte) (any, error) {
	if n := coordinate(curve); len(b) == n+1 && (b[0] == 2 || b[0] == 3) {
		x, y := elliptic.UnmarshalCompressed(curve, b)
		if x == nil {
			return nil, refuse("DataError", "the point is not on the curve")
		}
		b = append([]byte{4}, append(x.FillBytes(make([]byte, n)), y.FillBytes(make([]byte, n))...)...)
	}
	return ecdsa.ParseUncompressedPublicKey(curve, b)
}

// ec makes a public or private key of a JWK.
func (j *jwk) ec(curve elliptic.Curve, name string, use jwkUse) (any, error) {
	if err := j.check(use); err != nil {
		return nil, err
	}
	if !is(j.Crv, name) {
		return nil, refuse("DataError", "the crv of the key is not %s", name)
	}
	x, err := unbase64(j.X, "x")
	if err != nil {
		return nil, err
	}
	y, err := unbase64(j.Y, "y")
	if err != nil {
		return nil, err
	}
	if n := coordinate(curve); len(x) != n || len(y) != n {
		return nil, refuse("DataError", "the coordinates of the key have not %d bytes", n)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil || j.D == nil {
		return pub, err
	}
	d, err := unbase64(j.D, "d")
	if err != nil {
		return nil, err
	}
	private, err := ecdsa.ParseRawPrivateKey(curve, d)
	if err == nil && !private.PublicKey.Equal(pub) {
		err = refuse("DataError", "the halves of the key do not belong together")
	}
	return private, err
}

func ecdsaAlgorithm() *algorithm {
	a := ecAlgorithm("ECDSA", "sig", []string{"verify"}, []string{"sign"})
	a.reads[opSign], a.reads[opVerify] = readHash, readHash
	a.sign = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		key, ok := k.material.(*ecdsa.PrivateKey)
		if !ok {
			return nil, refuse("InvalidAccessError", "signing takes a private key")
		}
		x, y, err := ecdsa.Sign(rand.Reader, key, digest(p.hash, data))
		if err != nil {
			return nil, err
		}
		n := coordinate(key.Curve)
		out := make([]byte, 2*n)
		x.FillBytes(out[:n])
		y.FillBytes(out[n:])
		return out, nil
	}
	a.verify = func(p *params, k *CryptoKey, signature, data []byte) (bool, error) {
		key, ok := k.material.(*ecdsa.PublicKey)
		if !ok {
			return false, refuse("InvalidAccessError", "verifying takes a public key")
		}
		n := coordinate(key.Curve)
		if len(signature) != 2*n {
			return false, nil
		}
		x, y := new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
		return ecdsa.Verify(key, digest(p.hash, data), x, y), nil
	}
	return a
}

var deriveUsages = []string{"deriveKey", "deriveBits"}

func ecdhAlgorithm() *algorithm {
	a := ecAlgorithm("ECDH", "enc", nil, deriveUsages)
	a.reads[opDerive] = readPublic
	a.derive = func(_ context.Context, p *params, k *CryptoKey, bits int) ([]byte, error) {
		if err := pair(p, k); err != nil {
			return nil, err
		}
		private, err := k.material.(*ecdsa.PrivateKey).ECDH()
		if err != nil {
			return nil, err
		}
		public, err := p.public.material.(*ecdsa.PublicKey).ECDH()
		if err != nil {
			return nil, err
		}
		secret, err := private.ECDH(public)
		if err != nil {
			return nil, err
		}
		return truncate(secret, bits)
	}
	return a
}

// pair refuses two keys that are not the halves that a secret is derived of.
func pair(p *params, k *CryptoKey) error {
	switch {
	case k.kind != "private":
		return refuse("InvalidAccessError", "the base key is no private key")
	case p.public.kind != "public":
		return refuse("InvalidAccessError", "the public member is no public key")
	case p.public.algorithm.name != k.algorithm.name || p.public.algorithm.curve != k.algorithm.curve:
		return refuse("InvalidAccessError", "the keys are not of one curve")
	}
	return nil
}

// truncate keeps the first bits of a secret; the rest of the last byte becomes 0.
func truncate(secret []byte, bits int) ([]byte, error) {
	if bits < 0 {
		return secret, nil
	}
	if bits > len(secret)*8 {
		return nil, refuse("OperationError", "the secret has %d bits, not %d", len(secret)*8, bits)
	}
	out := bytes.Clone(secret[:(bits+7)/8])
	if rest := bits % 8; rest != 0 {
		out[len(out)-1] &= 0xff << (8 - rest)
	}
	return out, nil
}
