package webapi

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestRSA(t *testing.T) {
	cases{
		{
			`const base = {modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256"}, out = [];
for (const [n, p] of [["RSASSA-PKCS1-v1_5", {}], ["RSA-PSS", {saltLength: 32}], ["RSA-PSS", {saltLength: 0}]]) {
	const a = {name: n, ...p}, k = await s.generateKey({name: n, ...base}, true, ["sign", "verify"]), m = utf("message"), sig = await s.sign(a, k.privateKey, m);
	const bad = new Uint8Array(sig.slice(0)); bad[9] ^= 1;
	out.push(await s.verify(a, k.publicKey, sig, m), await s.verify(a, k.publicKey, sig, utf("other")), await s.verify(a, k.publicKey, bad, m), k.publicKey.usages, k.privateKey.usages, k.publicKey.extractable, k.publicKey.algorithm);
	for (const f of ["jwk", "pkcs8"]) {
		const copy = await s.importKey(f, await s.exportKey(f, k.privateKey), {name: n, hash: "SHA-256"}, true, ["sign"]);
		out.push(await s.verify(a, k.publicKey, await s.sign(a, copy, m), m));
	}
	for (const f of ["jwk", "spki"]) out.push(await s.verify(a, await s.importKey(f, await s.exportKey(f, k.publicKey), {name: n, hash: "SHA-256"}, true, ["verify"]), sig, m));
	out.push(await name(s.exportKey("raw", k.publicKey)), await name(s.exportKey("spki", k.privateKey)), await name(s.exportKey("pkcs8", k.publicKey)));
}
return [out.slice(0, 14), JSON.stringify(out.slice(0, 3)) === JSON.stringify(out.slice(14, 17)), out.slice(28, 31), out.slice(35)]`,
			`[[true,false,false,["verify"],["sign"],true,{"name":"RSASSA-PKCS1-v1_5","modulusLength":1024,"publicExponent":{"0":1,"1":0,"2":1},"hash":{"name":"SHA-256"}},true,true,true,true,"NotSupportedError","InvalidAccessError","InvalidAccessError"],true,[true,false,false],[true,true,true,true,"NotSupportedError","InvalidAccessError","InvalidAccessError"]]`,
		},
		{
			`const k = await s.generateKey({name: "RSA-OAEP", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-1"}, true, ["encrypt", "decrypt", "wrapKey", "unwrapKey"]);
const p = {name: "RSA-OAEP", label: utf("l")}, c = await s.encrypt(p, k.publicKey, utf("secret")); const aes = await s.generateKey({name: "AES-GCM", length: 256}, true, ["encrypt"]);
const w = await s.wrapKey("raw", aes, k.publicKey, p), back = await s.unwrapKey("raw", w, k.privateKey, p, "AES-GCM", true, ["encrypt"]);
return [new TextDecoder().decode(await s.decrypt(p, k.privateKey, c)), await name(s.decrypt("RSA-OAEP", k.privateKey, c)), await name(s.encrypt(p, k.publicKey, new Uint8Array(300))), hex(await s.exportKey("raw", aes)) === hex(await s.exportKey("raw", back)), (await s.exportKey("jwk", k.publicKey)).alg]`,
			`["secret","OperationError","OperationError",true,"RSA-OAEP"]`,
		},
		{
			`const gen = (x, u) => name(s.generateKey({name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256", ...x}, true, u || ["sign"]));
return [await gen({publicExponent: new Uint8Array([1])}), await gen({modulusLength: 16}), await gen({modulusLength: 1e6}), await gen({}, ["verify"]), await gen({}, ["encrypt"]), await gen({hash: "MD5"}), await gen({publicExponent: [1, 0, 1]}), await gen({modulusLength: -1})]`,
			`["OperationError","OperationError","OperationError","SyntaxError","SyntaxError","NotSupportedError","TypeError","TypeError"]`,
		},
		{`return [await name(s.importKey("spki", new Uint8Array(9), {name: "RSA-PSS", hash: "SHA-1"}, true, ["verify"])), await name(s.importKey("jwk", {kty: "RSA", n: "AQAB", e: "AQAB"}, {name: "RSA-PSS", hash: "SHA-1"}, true, ["verify"])), await name(s.importKey("raw", new Uint8Array(9), {name: "RSA-PSS", hash: "SHA-1"}, true, ["verify"]))]`, `["DataError","DataError","NotSupportedError"]`},
	}.withPrelude(cryptoPrelude).run(t)
}

func TestEllipticCurves(t *testing.T) {
	cases{
		{`const out = []; for (const namedCurve of ["P-256", "P-384", "P-521"]) {
	const a = {name: "ECDSA", namedCurve}, sa = {name: "ECDSA", hash: "SHA-512"}, k = await s.generateKey(a, true, ["sign", "verify"]), m = utf("m"), sig = await s.sign(sa, k.privateKey, m);
	out.push(sig.byteLength, await s.verify(sa, k.publicKey, sig, m), await s.verify(sa, k.publicKey, sig, utf("n")), await s.verify(sa, k.publicKey, sig.slice(1), m), k.publicKey.algorithm.namedCurve);
	for (const f of ["raw", "spki", "jwk"]) out.push(await s.verify(sa, await s.importKey(f, await s.exportKey(f, k.publicKey), a, true, ["verify"]), sig, m));
	for (const f of ["pkcs8", "jwk"]) out.push(await s.verify(sa, k.publicKey, await s.sign(sa, await s.importKey(f, await s.exportKey(f, k.privateKey), a, true, ["sign"]), m), m));
	const raw = new Uint8Array(await s.exportKey("raw", k.publicKey)), half = (raw.length - 1) / 2, packed = new Uint8Array([2 + (raw[raw.length - 1] & 1), ...raw.slice(1, half + 1)]);
	out.push(hex(await s.exportKey("raw", await s.importKey("raw", packed, a, true, ["verify"]))) === hex(raw)); raw[5] ^= 1;
	out.push(await name(s.importKey("raw", raw, a, true, ["verify"])));
} return out`, `[64,true,false,false,"P-256",true,true,true,true,true,true,"DataError",96,true,false,false,"P-384",true,true,true,true,true,true,"DataError",132,true,false,false,"P-521",true,true,true,true,true,true,"DataError"]`},
		// RFC 7515, A.3
		{`const k = await s.importKey("jwk", {kty: "EC", crv: "P-256", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}, {name: "ECDSA", namedCurve: "P-256"}, true, ["verify"]);
const d = t => Uint8Array.from([...atob(t.replace(/-/g, "+").replace(/_/g, "/"))], c => c.charCodeAt(0));
return s.verify({name: "ECDSA", hash: "SHA-256"}, k, d("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"), utf("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"))`, `true`},
		{`const out = []; for (const namedCurve of ["P-256", "P-384", "P-521"]) { const a = {name: "ECDH", namedCurve}, x = await s.generateKey(a, true, ["deriveBits", "deriveKey"]), y = await s.generateKey(a, true, ["deriveBits"]);
	const one = hex(await s.deriveBits({name: "ECDH", public: y.publicKey}, x.privateKey, null)), two = hex(await s.deriveBits({name: "ECDH", public: x.publicKey}, y.privateKey));
	out.push(one === two, one.length / 2, hex(await s.deriveBits({name: "ECDH", public: y.publicKey}, x.privateKey, 12)).length, await name(s.deriveBits({name: "ECDH", public: y.publicKey}, x.privateKey, 5000)));
	const k = await s.deriveKey({name: "ECDH", public: y.publicKey}, x.privateKey, {name: "AES-GCM", length: 256}, true, ["encrypt"]); out.push(hex(await s.exportKey("raw", k)) === one.slice(0, 64));
	out.push(await name(s.deriveBits({name: "ECDH", public: y.privateKey}, x.privateKey, 8)), await name(s.deriveBits({name: "ECDH", public: x.publicKey}, x.publicKey, 8)), x.publicKey.usages.length);
} return out`, `[true,32,4,"OperationError",true,"InvalidAccessError","InvalidAccessError",0,true,48,4,"OperationError",true,"InvalidAccessError","InvalidAccessError",0,true,66,4,"OperationError",true,"InvalidAccessError","InvalidAccessError",0]`},
		{`const a = {name: "ECDSA", namedCurve: "P-256"}; return [await name(s.generateKey({name: "ECDSA", namedCurve: "P-1"}, true, ["sign"])), await name(s.generateKey({name: "ECDSA"}, true, ["sign"])), await name(s.generateKey(a, true, ["verify"])), await name(s.generateKey(a, true, ["deriveKey"])), await name(s.importKey("raw", new Uint8Array(65), a, true, ["sign"]))]`, `["NotSupportedError","TypeError","SyntaxError","SyntaxError","SyntaxError"]`},
	}.withPrelude(cryptoPrelude).run(t)
}

func TestCurve25519(t *testing.T) {
	cases{
		// RFC 8032, 7.1, test 2, and RFC 8037, A.1
		{
			`const k = await s.importKey("jwk", {kty: "OKP", crv: "Ed25519", alg: "EdDSA", d: "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs", x: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}, "Ed25519", true, ["sign"]);
const sig = await s.sign("Ed25519", k, un("72")), pub = await s.importKey("raw", un("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), "ed25519", true, ["verify"]);
return [hex(sig).slice(0, 32), await s.verify("Ed25519", pub, sig, un("72")), await s.verify("Ed25519", pub, sig, un("73")), (await s.exportKey("jwk", pub)).x, hex(await s.exportKey("pkcs8", k)).slice(0, 32), hex(await s.exportKey("spki", pub)).slice(0, 24), pub.algorithm]`,
			`["92a009a9f0d4cab8720e820b5f642540",true,false,"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw","302e020100300506032b657004220420","302a300506032b6570032100",{"name":"Ed25519"}]`,
		},
		{`const zero = await s.importKey("raw", un("00".repeat(32)), "Ed25519", true, ["verify"]); return [await s.verify("Ed25519", zero, un("01" + "00".repeat(63)), utf("")), await name(s.importKey("raw", un("00"), "Ed25519", true, ["verify"]))]`, `[false,"DataError"]`},
		// RFC 7748, 6.1
		{`const a = await s.importKey("pkcs8", un("302e020100300506032b656e0422042077076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"), "X25519", true, ["deriveBits"]), b = await s.importKey("raw", un("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"), "X25519", true, []);
return hex(await s.deriveBits({name: "X25519", public: b}, a, null))`, `"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"`},
		{`const x = await s.generateKey("X25519", true, ["deriveBits", "deriveKey"]), y = await s.generateKey({name: "X25519"}, true, ["deriveBits"]); const d = (p, k, n) => s.deriveBits({name: "X25519", public: p}, k, n);
const out = [hex(await d(y.publicKey, x.privateKey, null)) === hex(await d(x.publicKey, y.privateKey, 256)), (await d(y.publicKey, x.privateKey, 8)).byteLength];
for (const f of ["raw", "spki", "jwk"]) out.push(hex(await d(await s.importKey(f, await s.exportKey(f, y.publicKey), "X25519", true, []), x.privateKey, 64)) === hex(await d(x.publicKey, y.privateKey, 64)));
for (const f of ["pkcs8", "jwk"]) out.push(hex(await d(y.publicKey, await s.importKey(f, await s.exportKey(f, x.privateKey), "X25519", true, ["deriveBits"]), 64)) === hex(await d(x.publicKey, y.privateKey, 64)));
const small = await s.importKey("raw", new Uint8Array(32), "X25519", true, []); out.push(await name(d(small, x.privateKey, null)), await name(s.importKey("raw", new Uint8Array(32), "X25519", true, ["deriveBits"])));
return out`, `[true,1,true,true,true,true,true,"OperationError","SyntaxError"]`},
	}.withPrelude(cryptoPrelude).run(t)
}

func TestDerivation(t *testing.T) {
	cases{
		// RFC 5869, A.1
		{
			`const k = await s.importKey("raw", un("0b".repeat(22)), "HKDF", false, ["deriveBits", "deriveKey"]), p = {name: "HKDF", hash: "SHA-256", salt: un("000102030405060708090a0b0c"), info: un("f0f1f2f3f4f5f6f7f8f9")};
return [hex(await s.deriveBits(p, k, 336)), await name(s.deriveBits(p, k, 7)), await name(s.deriveBits(p, k, null)), await name(s.deriveBits(p, k, 255 * 256 + 8)), (await s.deriveBits(p, k, 0)).byteLength, hex(await s.exportKey("raw", await s.deriveKey(p, k, {name: "HMAC", hash: "SHA-256", length: 128}, true, ["sign"]))), await name(s.importKey("raw", un("00"), "HKDF", true, ["deriveBits"])), await name(s.exportKey("raw", k)), await name(s.deriveKey(p, k, {name: "AES-GCM", length: 128}, true, []))]`,
			`["3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865","OperationError","OperationError","OperationError",0,"3cb25f25faacd57a90434f64d0362f2a","SyntaxError","NotSupportedError","SyntaxError"]`,
		},
		// RFC 6070
		{
			`const k = await s.importKey("raw", utf("password"), "PBKDF2", false, ["deriveBits"]), p = {name: "PBKDF2", hash: "SHA-1", salt: utf("salt")};
return [hex(await s.deriveBits({...p, iterations: 2}, k, 160)), hex(await s.deriveBits({...p, iterations: 4096}, k, 160)), await name(s.deriveBits({...p, iterations: 0}, k, 160)), await name(s.deriveBits({...p, iterations: -1}, k, 160)), await name(s.deriveBits(p, k, 160))]`,
			`["ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957","4b007901b765489abead49d926f721d065a429c1","OperationError","TypeError","TypeError"]`,
		},
	}.withPrelude(cryptoPrelude).run(t)
}

// TestHeavyCryptoLeavesTheVM: long work neither holds the VM nor outlives its
// invocation, and only so much of it waits.
func TestHeavyCryptoLeavesTheVM(t *testing.T) {
	cases{
		{`const k = await s.importKey("raw", utf("p"), "PBKDF2", false, ["deriveBits"]); let ticks = 0, done = false; const work = s.deriveBits({name: "PBKDF2", hash: "SHA-512", salt: utf("s"), iterations: 300000}, k, 512).then(() => done = true);
while (!done) { ticks++; await new Promise(r => setTimeout(r, 1)) } await work; return ticks > 3`, `true`},
		{`const k = await s.importKey("raw", utf("p"), "PBKDF2", false, ["deriveBits"]), p = {name: "PBKDF2", hash: "SHA-1", salt: utf("s"), iterations: 1001}; const all = await Promise.allSettled(Array.from({length: 70}, () => s.deriveBits(p, k, 8))); return [all.filter(r => r.status === "fulfilled").length, all[69].reason.name]`, `[64,"QuotaExceededError"]`},
		{`return Promise.all([s.digest("SHA-256", new Uint8Array(400000)), s.digest("SHA-256", new Uint8Array(100))]).then(all => all.map(b => b.byteLength))`, `[32,32]`},
		{`return name(s.digest("SHA-256", new Uint8Array(2 << 20)))`, `"OperationError"`},
	}.withPrelude(cryptoPrelude).run(t)

	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(20*time.Millisecond, func() { cancel(stopped) })
	start := time.Now()
	_, err := pbkdf2(ctx, &params{hash: "SHA-512", iterations: 1 << 32, salt: []byte("s")}, []byte("p"), 64)
	if !errors.Is(err, stopped) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// TestCryptoWhileLoading: what is quick can be done before there is an invocation.
func TestCryptoWhileLoading(t *testing.T) {
	h := newHost(t)
	h.ctx = nil
	got := h.eval(t, cryptoPrelude+`const k = await s.importKey("raw", utf("p"), "PBKDF2", false, ["deriveBits"]); return [(await s.digest("SHA-1", utf(""))).byteLength, await name(s.deriveBits({name: "PBKDF2", hash: "SHA-1", salt: utf("s"), iterations: 1e9}, k, 8))]`)
	if got != `[20,"NotSupportedError"]` {
		t.Error(got)
	}
}

// FuzzJWK imports keys of anybody's making: each is refused, or is what it exports to.
func FuzzJWK(f *testing.F) {
	for _, s := range []string{
		`{"kty":"oct","k":"SmVmZQ"}`, `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
		`{"kty":"OKP","crv":"Ed25519","d":"TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}`,
		`{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB","p":"Aw","q":"BQ","dp":"AQ","dq":"AQ","qi":"AQ"}`, `{"kty":"EC","crv":"P-521","x":"AA","y":"AA","d":"AA"}`, `{"key_ops":["sign","sign"]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := parseJWK([]byte(s))
		if err != nil {
			return
		}
		for _, a := range algorithms() {
			if a.take == nil {
				continue
			}
			for _, curve := range []string{"P-256", "P-521"} {
				k, err := a.take(&params{name: a.name, hash: "SHA-256", curve: curve, length: -1}, keyData{format: "jwk", jwk: j}, true, nil)
				if err != nil {
					continue
				}
				out, err := exported(k, "jwk")
				if err != nil {
					t.Fatalf("%s: %v", a.name, err)
				}
				back, err := parseJWK(out.jwk.marshal())
				if err != nil {
					t.Fatalf("%s: %v", a.name, err)
				}
				if _, err := a.take(&params{name: a.name, hash: "SHA-256", curve: curve, length: -1}, keyData{format: "jwk", jwk: back}, true, nil); err != nil {
					t.Fatalf("%s took %s, and not what it made of it, %s: %v", a.name, s, out.jwk.marshal(), err)
				}
			}
		}
	})
}
