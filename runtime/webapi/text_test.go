package webapi

import "testing"

func TestTextDecoderEncodings(t *testing.T) {
	cases{
		{
			`return ["latin1", "ASCII", " utf8 ", "unicode", "unicodeFFFE", "sjis", "x-sjis", "euc-jp", "iso-2022-jp", "gbk", "gb2312", "gb18030", "big5", "euc-kr", "koi8-r", "windows-1251", "iso-8859-2", "iso-8859-8-i", "macintosh", "x-user-defined", "cp866", "windows-874"].map(l => new TextDecoder(l).encoding)`,
			`["windows-1252","windows-1252","utf-8","utf-16le","utf-16be","shift_jis","shift_jis","euc-jp","iso-2022-jp","gbk","gbk","gb18030","big5","euc-kr","koi8-r","windows-1251","iso-8859-2","iso-8859-8-i","macintosh","x-user-defined","ibm866","windows-874"]`,
		},
		{`return ["nope", "", "utf-7", "iso-2022-kr", "hz-gb-2312", "replacement", "\u00a0utf-8", "utf-8\0", "utf-32"].map(l => { try { return new TextDecoder(l).encoding } catch (e) { return e.name } })`, `["RangeError","RangeError","RangeError","RangeError","RangeError","RangeError","RangeError","RangeError","RangeError"]`},
		{
			`const d = (l, ...b) => new TextDecoder(l).decode(new Uint8Array(b)); return [d("shift_jis", 0x82, 0xa0, 0x41), d("euc-jp", 0xa4, 0xa2), d("gbk", 0xc4, 0xe3, 0xba, 0xc3), d("big5", 0xa7, 0x41), d("euc-kr", 0xb0, 0xa1), d("windows-1251", 0xcf, 0xf0), d("koi8-r", 0xd0), d("iso-8859-15", 0xa4), d("windows-1252", 0x80, 0x81), d("shift_jis", 0x82)]`,
			`["あA","あ","你好","你","가","Пр","п","€","€` + "\u0081" + `","` + "\uFFFD" + `"]`,
		},
		{`const d = new TextDecoder("shift_jis"); return d.decode(new Uint8Array([0x41, 0x82]), {stream: true}) + d.decode(new Uint8Array([0xa0]), {stream: true}) + d.decode() + d.decode(new Uint8Array([0xa0]))`, `"Aあ` + "\uFFFD" + `"`},
		{`try { new TextDecoder("gbk", {fatal: true}).decode(new Uint8Array([0xff])) } catch (e) { return e.name }`, `"TypeError"`},
		{`const d = new TextDecoder("utf-16le", {fatal: true}); try { d.decode(new Uint8Array([0, 0xd8])) } catch (e) { return [e.name, d.decode(new Uint8Array([0x41, 0]))] }`, `["TypeError","A"]`},
		{`const d = new TextDecoder(); return [d.decode(new Uint8Array([0xef, 0xbb]), {stream: true}), d.decode(new Uint8Array([0xbf, 0x41])), d.decode(new Uint8Array([0xef, 0xbb, 0xbf])), new TextDecoder("windows-1252").decode(new Uint8Array([0xef, 0xbb, 0xbf]))]`, `["","A","","ï»¿"]`},
		{`for (const v of ["text", 1, {}, [1]]) { try { new TextDecoder().decode(v); return v } catch (e) { if (!(e instanceof TypeError)) return e.name } } return new TextDecoder().decode(undefined)`, `""`},
	}.run(t)
}

func TestTextEncoder(t *testing.T) {
	cases{
		{
			`const e = new TextEncoder(), into = (n, s) => { const u = new Uint8Array(n), r = e.encodeInto(s, u); return [r.read, r.written, ...u] }; return [into(3, "ab"), into(1, "é"), into(4, "\ud83d\ude00"), into(3, "\ud83d\ude00"), into(3, "\ud83d"), into(5, "aé€")]`,
			`[[2,2,97,98,0],[0,0,0],[2,4,240,159,152,128],[0,0,0,0,0],[1,3,239,191,189],[2,3,97,195,169,0,0]]`,
		},
		{`const e = new TextEncoder(); return [Int8Array, Uint8ClampedArray, Uint16Array, Float32Array, ArrayBuffer].map(C => { try { e.encodeInto("a", new C(4)); return "took it" } catch (x) { return x.name } })`, `["TypeError","TypeError","TypeError","TypeError","TypeError"]`},
		{`const e = new TextEncoder("utf-16"); return [e.encoding, e.encode().length, e.encode(undefined).length, e.encode(null).length, e.encode() instanceof Uint8Array, new TextDecoder().decode(e.encode("x".repeat(5000) + "é")).length]`, `["utf-8",0,0,4,true,5001]`},
		{`const u = new Uint8Array(6); return [new TextEncoder().encodeInto("ab", u.subarray(2)).written, [...u]]`, `[2,[0,0,97,98,0,0]]`},
	}.run(t)
}

func TestBase64(t *testing.T) {
	cases{
		{`return ["", " ", "ab", "abc", "abcd", "ab==", "ab= =", "a b c d", "\t\n\f\rYQ==", "////", "ab\u000b"].map(s => { try { return btoa(atob(s)) } catch (e) { return e.name } })`, `["","","aQ==","abc=","abcd","aQ==","aQ==","abcd","YQ==","////","InvalidCharacterError"]`},
		{`return ["a", "ab=", "abc==", "=", "==", "a===", "ab=c", "ab===", "abcde", "a-b_", "é", "\u0000nonsense", "ab\u00a0cd", "abcd="].map(s => { try { return "took " + atob(s) } catch (e) { return e.code } })`, `[5,5,5,5,5,5,5,5,5,5,5,5,5,5]`},
		{`return [btoa(null), btoa(undefined), btoa(12), btoa({toString: () => "x"}), atob(null), atob("/w==").charCodeAt(0), btoa("\u00ff\u0000")]`, `["bnVsbA==","dW5kZWZpbmVk","MTI=","eA==","` + "\u009eée" + `",255,"/wA="]`},
		{`return btoa()`, `rejected: TypeError`},
		{`let s = ""; for (let i = 0; i < 256; i++) s += String.fromCharCode(i); return atob(btoa(s)) === s`, `true`},
	}.run(t)
}

func BenchmarkText(b *testing.B) {
	for name, script := range map[string]string{
		"encode 1 KB": `e.encode(text)`, "decode 1 KB": `d.decode(bytes)`, "encodeInto 1 KB": `e.encodeInto(text, bytes)`, "btoa 1 KB": `btoa(text)`, "atob 1 KB": `atob(coded)`,
		"new URL": `new URL("https://api.example.com/v1/users?limit=20").pathname`, "URLSearchParams": `new URLSearchParams("a=1&b=2&c=%20").get("b")`,
		"digest 1 KB": `crypto.subtle.digest("SHA-256", bytes)`, "hmac": `crypto.subtle.sign("HMAC", key, bytes)`, "structuredClone": `structuredClone(value)`, "randomUUID": `crypto.randomUUID()`,
	} {
		b.Run(name, func(b *testing.B) {
			h := newHost(b)
			h.eval(b, `globalThis.text = "abcdefgh".repeat(128); globalThis.e = new TextEncoder(); globalThis.d = new TextDecoder(); globalThis.bytes = e.encode(text); globalThis.coded = btoa(text);
globalThis.value = {a: [1, 2, {b: "c"}], d: new Date(), m: new Map([[1, 2]])}; globalThis.key = await crypto.subtle.importKey("raw", bytes.slice(0, 32), {name: "HMAC", hash: "SHA-256"}, false, ["sign"])`)
			v, err := h.vm.RunString(`(() => ` + script + `)`)
			if err != nil {
				b.Fatal(err)
			}
			fn := h.realm.callable(v, script)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fn(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
