package webapi

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"strings"
)

// Bounds of RSA: making a key takes seconds from there on, and importing one time
// that no interrupt reaches.
const (
	leastModulus     = 1024
	maxMadeModulus   = 4096
	maxRSAModulus    = 8192
	lightRSAModulus  = 4096 // up to which a public key is used on the VM's goroutine
	standardExponent = 65537
)

// rsaAlgorithm is what the uses of RSA share. alg makes the JWK name of a hash.
func rsaAlgorithm(name, use string, public, private []string, alg func(hash string) string) *algorithm {
	a := &algorithm{name: name}
	a.reads = map[operation]reader{opGenerate: readModulus, opImport: readHash}
	a.heavy = func(op operation, _ *params, k *CryptoKey) bool {
		if op == opGenerate {
			return true
		}
		return k.kind == "private" || k.algorithm.modulus > lightRSAModulus
	}
	a.generate = func(p *params, extractable bool, list []string) (keyPair, error) {
		if err := within(list, slices.Concat(public, private)...); err != nil {
			return keyPair{}, err
		}
		if len(only(list, private...)) == 0 {
			return keyPair{}, refuse("SyntaxError", "a private key needs a usage")
		}
		if new(big.Int).SetBytes(p.exponent).Cmp(big.NewInt(standardExponent)) != 0 {
			return keyPair{}, refuse("OperationError", "the publicExponent is not %d", standardExponent)
		}
		if p.modulus < leastModulus || p.modulus > maxMadeModulus || p.modulus%8 != 0 {
			return keyPair{}, refuse("OperationError", "a key of %d bits cannot be made; from %d to %d can", p.modulus, leastModulus, maxMadeModulus)
		}
		key, err := rsa.GenerateKey(rand.Reader, p.modulus)
		if err != nil {
			return keyPair{}, err
		}
		return keyPair{
			public:  rsaKey(name, p.hash, &key.PublicKey, key.Public(), true, only(list, public...)),
			private: rsaKey(name, p.hash, &key.PublicKey, key, extractable, only(list, private...)),
		}, nil
	}
	a.take = func(p *params, in keyData, extractable bool, list []string) (*CryptoKey, error) {
		var material any
		var err error
		switch in.format {
		case "spki":
			material, err = x509.ParsePKIXPublicKey(in.bytes)
		case "pkcs8":
			material, err = x509.ParsePKCS8PrivateKey(in.bytes)
		case "jwk":
			material, err = in.jwk.rsa(jwkUse{kty: "RSA", use: use, algs: []string{alg(p.hash)}, extractable: extractable, usages: list})
		default:
			return nil, refuse("NotSupportedError", "keys of RSA cannot be imported as %s", in.format)
		}
		allowed := public
		pub, isPublic := material.(*rsa.PublicKey)
		if in.format == "pkcs8" || in.jwk != nil && in.jwk.D != nil {
			allowed = private
		}
		if refused := within(list, allowed...); refused != nil {
			return nil, refused
		}
		if err != nil {
			return nil, badKey(err)
		}
		if key, ok := material.(*rsa.PrivateKey); ok {
			pub = &key.PublicKey
		} else if !isPublic {
			return nil, refuse("DataError", "the key is no RSA key")
		}
		if pub.N.BitLen() > maxRSAModulus {
			return nil, refuse("DataError", "the key has more than %d bits", maxRSAModulus)
		}
		return rsaKey(name, p.hash, pub, material, extractable, list), nil
	}
	a.give = func(k *CryptoKey, format string) (keyData, error) {
		return giveKey(k, format, func() *jwk {
			pub, ok := k.material.(*rsa.PublicKey)
			var key *rsa.PrivateKey
			if !ok {
				key = k.material.(*rsa.PrivateKey)
				pub = &key.PublicKey
			}
			kty, alg := "RSA", alg(k.algorithm.hash)
			j := &jwk{Kty: &kty, Alg: &alg, N: base64url(pub.N.Bytes()), E: base64url(big.NewInt(int64(pub.E)).Bytes())}
			if key != nil {
				j.D, j.P, j.Q = base64url(key.D.Bytes()), base64url(key.Primes[0].Bytes()), base64url(key.Primes[1].Bytes())
				j.DP, j.DQ = base64url(key.Precomputed.Dp.Bytes()), base64url(key.Precomputed.Dq.Bytes())
				j.QI = base64url(key.Precomputed.Qinv.Bytes())
			}
			return j
		})
	}
	return a
}

// badKey is what stands for the errors of parsers, which say more than they should.
func badKey(err error) error {
	var e *refusal
	if errors.As(err, &e) {
		return e
	}
	return refuse("DataError", "the key data could not be read")
}

func rsaKey(name, hash string, pub *rsa.PublicKey, material any, extractable bool, list []string) *CryptoKey {
	kind := "public"
	if _, ok := material.(*rsa.PrivateKey); ok {
		kind = "private"
	}
	return &CryptoKey{
		kind: kind, extractable: extractable, usages: list, material: material,
		algorithm: keyAlgorithm{name: name, hash: hash, modulus: pub.N.BitLen(), exponent: big.NewInt(int64(pub.E)).Bytes()},
	}
}

// giveKey exports an asymmetric key; describe makes its JWK.
func giveKey(k *CryptoKey, format string, describe func() *jwk) (keyData, error) {
	out := keyData{format: format}
	var err error
	switch {
	case format == "jwk":
		out.jwk = describe()
	case format == "spki" && k.kind == "public":
		out.bytes, err = x509.MarshalPKIXPublicKey(k.material)
	case format == "pkcs8" && k.kind == "private":
		out.bytes, err = x509.MarshalPKCS8PrivateKey(k.material)
	case format == "raw" && k.kind == "public" && k.algorithm.modulus == 0:
		out.bytes, err = rawPublic(k.material)
	case format == "raw" && k.algorithm.modulus > 0:
		return out, refuse("NotSupportedError", "keys of RSA cannot be exported as raw")
	default:
		return out, refuse("InvalidAccessError", "a %s key cannot be exported as %s", k.kind, format)
	}
	return out, err
}

// rsa makes a public or private key of a JWK.
func (j *jwk) rsa(use jwkUse) (any, error) {
	if err := j.check(use); err != nil {
		return nil, err
	}
	n, err := unbase64Int(j.N, "n")
	if err != nil {
		return nil, err
	}
	e, err := unbase64Int(j.E, "e")
	if err != nil {
		return nil, err
	}
	if !e.IsInt64() || e.Int64() > 1<<31-1 || e.Int64() < 3 || n.BitLen() > maxRSAModulus || n.BitLen() < leastModulus {
		return nil, refuse("DataError", "the modulus or exponent of the key is out of bounds")
	}
	pub := rsa.PublicKey{N: n, E: int(e.Int64())}
	if j.D == nil {
		return &pub, nil
	}
	if len(j.Oth) > 0 {
		return nil, refuse("NotSupportedError", "keys of more than two primes are not supported")
	}
	var numbers [6]*big.Int
	for i, m := range []struct {
		at   *string
		name string
	}{{j.D, "d"}, {j.P, "p"}, {j.Q, "q"}, {j.DP, "dp"}, {j.DQ, "dq"}, {j.QI, "qi"}} {
		if numbers[i], err = unbase64Int(m.at, m.name); err != nil {
			return nil, err
		}
		if numbers[i].BitLen() > n.BitLen() {
			return nil, refuse("DataError", "the %s of the key is out of bounds", m.name)
		}
	}
	key := &rsa.PrivateKey{PublicKey: pub, D: numbers[0], Primes: numbers[1:3]}
	if err := key.Validate(); err != nil {
		return nil, refuse("DataError", "the key is not consistent")
	}
	key.Precompute()
	pre := key.Precomputed
	if pre.Dp == nil || pre.Dp.Cmp(numbers[3]) != 0 || pre.Dq.Cmp(numbers[4]) != 0 || pre.Qinv.Cmp(numbers[5]) != 0 {
		return nil, refuse("DataError", "the key is not consistent")
	}
	return key, nil
}

func pkcs1Algorithm() *algorithm {
	a := rsaAlgorithm("RSASSA-PKCS1-v1_5", "sig", []string{"verify"}, []string{"sign"}, func(hash string) string { return "RS" + strings.TrimPrefix(hash, "SHA-") })
	a.reads[opSign], a.reads[opVerify] = readNothing, readNothing
	a.sign = func(_ *params, k *CryptoKey, data []byte) ([]byte, error) {
		key, hash := k.material.(*rsa.PrivateKey), k.algorithm.hash
		return rsa.SignPKCS1v15(nil, key, hashes[hash], digest(hash, data))
	}
	a.verify = func(_ *params, k *CryptoKey, signature, data []byte) (bool, error) {
		key, hash := k.material.(*rsa.PublicKey), k.algorithm.hash
		return rsa.VerifyPKCS1v15(key, hashes[hash], digest(hash, data), signature) == nil, nil
	}
	return a
}

func pssAlgorithm() *algorithm {
	a := rsaAlgorithm("RSA-PSS", "sig", []string{"verify"}, []string{"sign"}, func(hash string) string { return "PS" + strings.TrimPrefix(hash, "SHA-") })
	a.reads[opSign], a.reads[opVerify] = readSaltLength, readSaltLength
	a.sign = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		key, hash := k.material.(*rsa.PrivateKey), k.algorithm.hash
		if p.saltLength > key.Size() {
			return nil, refuse("OperationError", "the salt is longer than the key")
		}
		if p.saltLength == 0 {
			return signUnsalted(key, hashes[hash], digest(hash, data))
		}
		return rsa.SignPSS(rand.Reader, key, hashes[hash], digest(hash, data), &rsa.PSSOptions{SaltLength: p.saltLength})
	}
	a.verify = func(p *params, k *CryptoKey, signature, data []byte) (bool, error) {
		key, hash := k.material.(*rsa.PublicKey), k.algorithm.hash
		if p.saltLength > key.Size() {
			return false, nil
		}
		if p.saltLength == 0 {
			return verifyUnsalted(key, hashes[hash], digest(hash, data), signature), nil
		}
		return rsa.VerifyPSS(key, hashes[hash], digest(hash, data), signature, &rsa.PSSOptions{SaltLength: p.saltLength}) == nil, nil
	}
	return a
}

// unsalted is the encoded message of RSA-PSS without a salt, which crypto/rsa
// cannot make: its 0 stands for "as long as possible".
func unsalted(hash crypto.Hash, digest []byte, bits int) ([]byte, error) {
	size := (bits + 7) / 8
	if size < hash.Size()+2 {
		return nil, refuse("OperationError", "the key is too short for the hash")
	}
	h := hash.New()
	h.Write(make([]byte, 8))
	h.Write(digest)
	sum := h.Sum(nil)
	masked := make([]byte, size-hash.Size()-1)
	masked[len(masked)-1] = 1
	var counter [4]byte
	for i, at := uint32(0), 0; at < len(masked); i++ {
		binary.BigEndian.PutUint32(counter[:], i)
		h.Reset()
		h.Write(sum)
		h.Write(counter[:])
		at += subtle.XORBytes(masked[at:], masked[at:], h.Sum(nil))
	}
	masked[0] &= 0xff >> (8*size - bits)
	return slices.Concat(masked, sum, []byte{0xbc}), nil
}

func signUnsalted(key *rsa.PrivateKey, hash crypto.Hash, digest []byte) ([]byte, error) {
	message, err := unsalted(hash, digest, key.N.BitLen()-1)
	if err != nil {
		return nil, err
	}
	// math/big takes a time that depends on its numbers: a random factor, taken out
	// again afterwards, keeps that from telling of the key.
	blind, err := rand.Int(rand.Reader, key.N)
	if err != nil {
		return nil, err
	}
	unblind := new(big.Int).ModInverse(blind, key.N)
	if unblind == nil {
		return nil, refuse("OperationError", "the message could not be signed")
	}
	m := new(big.Int).SetBytes(message)
	m.Mul(m, blind.Exp(blind, big.NewInt(int64(key.E)), key.N)).Mod(m, key.N)
	m.Exp(m, key.D, key.N)
	m.Mul(m, unblind).Mod(m, key.N)
	return m.FillBytes(make([]byte, key.Size())), nil
}

func verifyUnsalted(key *rsa.PublicKey, hash crypto.Hash, digest, signature []byte) bool {
	want, err := unsalted(hash, digest, key.N.BitLen()-1)
	s := new(big.Int).SetBytes(signature)
	if err != nil || len(signature) != key.Size() || s.Cmp(key.N) >= 0 {
		return false
	}
	s.Exp(s, big.NewInt(int64(key.E)), key.N)
	return s.BitLen() <= len(want)*8 && bytes.Equal(s.FillBytes(make([]byte, len(want))), want)
}

func oaepAlgorithm() *algorithm {
	a := rsaAlgorithm("RSA-OAEP", "enc", []string{"encrypt", "wrapKey"}, []string{"decrypt", "unwrapKey"}, func(hash string) string {
		if hash == "SHA-1" {
			return "RSA-OAEP"
		}
		return "RSA-OAEP-" + strings.TrimPrefix(hash, "SHA-")
	})
	a.reads[opEncrypt], a.reads[opDecrypt] = readLabel, readLabel
	a.encrypt = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		key, ok := k.material.(*rsa.PublicKey)
		if !ok {
			return nil, refuse("InvalidAccessError", "encrypting takes a public key")
		}
		return rsa.EncryptOAEP(hashes[k.algorithm.hash].New(), rand.Reader, key, data, p.label)
	}
	a.decrypt = func(p *params, k *CryptoKey, data []byte) ([]byte, error) {
		key, ok := k.material.(*rsa.PrivateKey)
		if !ok {
			return nil, refuse("InvalidAccessError", "decrypting takes a private key")
		}
		return rsa.DecryptOAEP(hashes[k.algorithm.hash].New(), nil, key, data, p.label)
	}
	return a
}
