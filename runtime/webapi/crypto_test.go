package webapi

import "testing"

// prelude turns hex into bytes and back, and makes what a failed call was named.
const cryptoPrelude = `const s = crypto.subtle; const un = h => new Uint8Array((h.match(/../g) || []).map(x => parseInt(x, 16)));
const hex = b => [...new Uint8Array(b)].map(x => x.toString(16).padStart(2, "0")).join(""); const utf = t => new TextEncoder().encode(t);
const name = p => Promise.resolve().then(() => p).then(v => "no error", e => e.name);
`

func (all cases) withPrelude(prelude string) cases {
	for i := range all {
		all[i][0] = prelude + all[i][0]
	}
	return all
}

func TestDigestAndHMAC(t *testing.T) {
	cases{
		{
			`return Promise.all(["SHA-1", "sha-256", {name: "SHA-384"}, "SHA-512"].map(async a => hex(await s.digest(a, utf("abc"))).slice(0, 16)))`,
			`["a9993e364706816a","ba7816bf8f01cfea","cb00753f45a35e8b","ddaf35a193617aba"]`,
		},
		{
			`return [await name(s.digest("MD5", utf(""))), await name(s.digest("SHA-256", "text")), await name(s.digest("SHA-256")), await name(s.digest({}, utf("")))]`,
			`["NotSupportedError","TypeError","TypeError","TypeError"]`,
		},
		// RFC 4231, test case 2
		{
			`const k = await s.importKey("raw", utf("Jefe"), {name: "hmac", hash: "SHA-256"}, true, ["verify", "sign"]); const m = await s.sign("HMAC", k, utf("what do ya want for nothing?")); return [hex(m), await s.verify("HMAC", k, m, utf("what do ya want for nothing?")), await s.verify("HMAC", k, m, utf("x")), k.type, k.extractable, k.usages, k.algorithm, k.algorithm === k.algorithm]`,
			`["5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",true,false,"secret",true,["sign","verify"],{"name":"HMAC","hash":{"name":"SHA-256"},"length":32},true]`,
		},
		{`const k = await s.generateKey({name: "HMAC", hash: "SHA-512"}, true, ["sign"]); return [k.algorithm.length, (await s.exportKey("raw", k)).byteLength, (await s.exportKey("jwk", k)).alg]`, `[1024,128,"HS512"]`},
		{`return s.exportKey("jwk", await s.importKey("jwk", {kty: "oct", k: "SmVmZQ", alg: "HS256", key_ops: ["sign"]}, {name: "HMAC", hash: "SHA-256"}, true, ["sign"]))`, `{"alg":"HS256","ext":true,"k":"SmVmZQ","key_ops":["sign"],"kty":"oct"}`},
		{
			`const imp = (k, a, x, u) => name(s.importKey("jwk", k, a || {name: "HMAC", hash: "SHA-256"}, x !== false, u || ["sign"])); const ok = {kty: "oct", k: "SmVmZQ"};
return [await imp({...ok, kty: "RSA"}), await imp({...ok, alg: "HS512"}), await imp({...ok, use: "enc"}), await imp({...ok, key_ops: ["verify"]}), await imp({...ok, ext: false}), await imp({kty: "oct"}), await imp({...ok, k: "a"}), await imp(ok, null, true, []), await imp(ok, null, true, ["encrypt"]), await imp(ok, null, true, ["fly"]), await imp(ok, "HMAC"), await imp({...ok, key_ops: ["sign", "sign"]}), await imp(ok)]`,
			`["DataError","DataError","DataError","DataError","DataError","DataError","DataError","SyntaxError","SyntaxError","TypeError","TypeError","DataError","no error"]`,
		},
		{
			`const k = await s.importKey("raw", utf("k"), {name: "HMAC", hash: "SHA-1"}, false, ["sign"]); return [await name(s.exportKey("raw", k)), await name(s.verify("HMAC", k, utf(""), utf(""))), await name(s.sign("ECDSA", k, utf(""))), await name(s.sign({name: "ECDSA", hash: "SHA-1"}, k, utf(""))), await name(s.exportKey("pkcs9", k)), await name(s.sign("HMAC", {}, utf("")))]`,
			`["InvalidAccessError","InvalidAccessError","TypeError","InvalidAccessError","TypeError","TypeError"]`,
		},
	}.withPrelude(cryptoPrelude).run(t)
}

func TestAES(t *testing.T) {
	cases{
		// The GCM specification, test case 4
		{
			`const k = await s.importKey("raw", un("feffe9928665731c6d6a8f9467308308"), "AES-GCM", false, ["encrypt", "decrypt"]);
const p = {name: "AES-GCM", iv: un("cafebabefacedbaddecaf888"), additionalData: un("feedfacedeadbeeffeedfacedeadbeefabaddad2")};
const plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
const c = await s.encrypt(p, k, un(plain)); const short = await s.encrypt({...p, tagLength: 32}, k, un(plain));
return [hex(c).slice(-32), hex(await s.decrypt(p, k, c)) === plain, hex(short).slice(-8), hex(await s.decrypt({...p, tagLength: 32}, k, short)) === plain,
await name(s.decrypt({...p, iv: un("00")}, k, c)), await name(s.encrypt({...p, tagLength: 33}, k, c)), await name(s.encrypt({name: "AES-GCM"}, k, c)), await name(s.decrypt(p, k, un("00"))), await name(s.decrypt({...p, tagLength: 32}, k, c))]`,
			`["5bc94fbc3221a5db94fae95ae7121a47",true,"5bc94fbc",true,"OperationError","OperationError","TypeError","OperationError","OperationError"]`,
		},
		// NIST SP 800-38A F.2.1 (its first block) and F.5.1
		{
			`const k = await s.importKey("raw", un("2b7e151628aed2a6abf7158809cf4f3c"), "AES-CBC", true, ["encrypt", "decrypt"]); const p = {name: "AES-CBC", iv: un("000102030405060708090a0b0c0d0e0f")};
const c = await s.encrypt(p, k, un("6bc1bee22e409f96e93d7e117393172a")); return [hex(c).slice(0, 32), c.byteLength, hex(await s.decrypt(p, k, c)), await name(s.decrypt(p, k, c.slice(0, 16))), await name(s.decrypt(p, k, new Uint8Array(0))), await name(s.encrypt({name: "AES-CBC", iv: un("00")}, k, c)), (await s.exportKey("jwk", k)).alg]`,
			`["7649abac8119b246cee98e9b12e9197d",32,"6bc1bee22e409f96e93d7e117393172a","OperationError","OperationError","OperationError","A128CBC"]`,
		},
		{
			`const k = await s.importKey("raw", un("2b7e151628aed2a6abf7158809cf4f3c"), "AES-CTR", false, ["encrypt", "decrypt"]); const p = {name: "AES-CTR", counter: un("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), length: 128};
const one = await s.encrypt(p, k, un("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"));
const zero = new Uint8Array(32), wrap = new Uint8Array(await s.encrypt({...p, length: 4}, k, zero)), again = await s.encrypt({...p, counter: un("f0f1f2f3f4f5f6f7f8f9fafbfcfdfef0")}, k, zero);
return [hex(one), hex(wrap.slice(16)) === hex(again.slice(0, 16)), await name(s.encrypt({...p, length: 1}, k, new Uint8Array(33))), await name(s.encrypt({...p, length: 0}, k, zero)), await name(s.encrypt({...p, length: 129}, k, zero)), await name(s.encrypt({...p, length: 256}, k, zero))]`,
			`["874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",true,"OperationError","OperationError","OperationError","TypeError"]`,
		},
		// RFC 3394, 4.1
		{
			`const kek = await s.importKey("raw", un("000102030405060708090A0B0C0D0E0F"), "AES-KW", false, ["wrapKey", "unwrapKey"]); const k = await s.importKey("raw", un("00112233445566778899AABBCCDDEEFF"), "AES-GCM", true, ["encrypt"]);
const w = await s.wrapKey("raw", k, kek, "AES-KW"); const back = await s.unwrapKey("raw", w, kek, "AES-KW", "AES-GCM", true, ["encrypt"]); new Uint8Array(w)[0] ^= 1;
return [hex(await s.exportKey("raw", back)), hex(w).slice(2), await name(s.unwrapKey("raw", w, kek, "AES-KW", "AES-GCM", true, ["encrypt"])), await name(s.encrypt("AES-KW", kek, w))]`,
			`["00112233445566778899aabbccddeeff","a68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5","OperationError","NotSupportedError"]`,
		},
		{`const kek = await s.generateKey({name: "AES-GCM", length: 256}, false, ["wrapKey", "unwrapKey"]), p = {name: "AES-GCM", iv: new Uint8Array(12)}; const pair = await s.generateKey({name: "ECDSA", namedCurve: "P-256"}, true, ["sign", "verify"]);
const w = await s.wrapKey("jwk", pair.privateKey, kek, p); const back = await s.unwrapKey("jwk", w, kek, p, {name: "ECDSA", namedCurve: "P-256"}, true, ["sign"]); const a = {name: "ECDSA", hash: "SHA-256"};
return [await s.verify(a, pair.publicKey, await s.sign(a, back, utf("m")), utf("m")), await name(s.wrapKey("raw", kek, kek, p))]`, `[true,"InvalidAccessError"]`},
		{
			`return [await name(s.generateKey({name: "AES-GCM", length: 100}, true, ["encrypt"])), await name(s.generateKey({name: "AES-GCM", length: 128}, true, [])), await name(s.generateKey({name: "AES-GCM", length: 128}, true, ["sign"])), await name(s.generateKey({name: "AES-GCM"}, true, ["encrypt"])), await name(s.generateKey({name: "AES-GCM", length: 70000}, true, ["encrypt"])), await name(s.importKey("raw", new Uint8Array(5), "AES-GCM", true, ["encrypt"])), await name(s.importKey("spki", new Uint8Array(16), "AES-GCM", true, ["encrypt"])), await name(s.importKey("raw", {}, "AES-GCM", true, ["encrypt"])), await name(s.importKey("jwk", new Uint8Array(16), "AES-GCM", true, ["encrypt"]))]`,
			`["OperationError","SyntaxError","SyntaxError","TypeError","TypeError","DataError","NotSupportedError","TypeError","TypeError"]`,
		},
	}.withPrelude(cryptoPrelude).run(t)
}

func TestCryptoClasses(t *testing.T) {
	cases{
		{`return [crypto instanceof Crypto, crypto.subtle instanceof SubtleCrypto, crypto.subtle === s, String(crypto), await name(s.digest.call({}, "SHA-1", utf(""))), await name((() => new CryptoKey())())]`, `rejected: TypeError`},
		{`try { new CryptoKey() } catch (e) { return [crypto instanceof Crypto, crypto.subtle instanceof SubtleCrypto, crypto.subtle === s, String(crypto), await name(s.digest.call({}, "SHA-1", utf("")))] }`, `[true,true,true,"[object Crypto]","TypeError"]`},
		{`const k = await s.generateKey({name: "AES-GCM", length: 128}, true, ["decrypt", "encrypt", "encrypt"]); return [k instanceof CryptoKey, String(k), k.usages, k.algorithm]`, `[true,"[object CryptoKey]",["encrypt","decrypt"],{"name":"AES-GCM","length":128}]`},
	}.withPrelude(cryptoPrelude).run(t)
}
