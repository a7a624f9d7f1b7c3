package webapi

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBlobs(t *testing.T) {
	cases{
		{`const b = new Blob(["a", new Blob(["b"]), new Uint8Array([99]), new Uint8Array([100]).buffer, 5, {toString: () => "o"}], {type: "Text/X"}); return [b.size, b.type, await b.text(), [...await b.bytes()].length, (await b.arrayBuffer()).byteLength, Object.prototype.toString.call(b)]`, `[6,"text/x","abcd5o",6,6,"[object Blob]"]`},
		{`return [throws(() => new Blob("x")), throws(() => new Blob(null)), throws(() => new Blob({})), throws(() => new Blob([], 1)), throws(() => new Blob([], {endings: "x"})), new Blob().size, new Blob(undefined, null).size, new Blob([], {type: "\u00e9"}).type, new Blob(new Set(["a"])).size]`, `["TypeError","TypeError","TypeError","TypeError","TypeError",0,0,"",1]`},
		{`return [await new Blob(["a\r\nb\rc\nd"], {endings: "native"}).text(), await new Blob(["a\r\n"]).text()]`, `["a\nb\nc\nd","a\r\n"]`},
		{`const b = new Blob(["0123456789"]); const s = async (...a) => (await b.slice(...a).text()); return [await s(), await s(2), await s(2, 4), await s(-3), await s(-3, -1), await s(5, 2), await s(NaN, 1), await s(0, 99), await s(1.5, 3.5), b.slice(0, 1, "A/b").type]`, `["0123456789","23456789","23","789","78","","0","0123456789","23","a/b"]`},
		{`const b = new Blob(["abc"]); const s = b.stream(); const out = []; const r = s.getReader({mode: "byob"}); const {value} = await r.read(new Uint8Array(2)); return [[...value], await new Response(b.stream()).text(), b.stream() !== b.stream()]`, `[[97,98],"abc",true]`},
		{`const f = new File(["ab"], "n.txt", {type: "t/x", lastModified: 5}); return [f.name, f.size, f.type, f.lastModified, f instanceof Blob, await f.text(), f.slice(0, 1) instanceof File, Object.prototype.toString.call(f), File.length, Math.abs(new File([], "x").lastModified - Date.now()) < 5000]`, `["n.txt",2,"t/x",5,true,"ab",false,"[object File]",2,true]`},
		{`return [throws(() => new File()), throws(() => new File([])), throws(() => new File("x", "y")), new File([], "a/b").name, throws(() => Blob.prototype.slice.call({}))]`, `["TypeError","TypeError","TypeError","a/b","TypeError"]`},
		{`return throws(() => new Blob([new Uint8Array(1 << 20), "more"]))`, `"RangeError"`},
		{`const u = new Uint8Array([1]), b = new Blob([u]); u[0] = 2; return [...await b.bytes()]`, `[1]`},
	}.with(tools).run(t)
}

func TestFormData(t *testing.T) {
	const form = `const boundary = r => r.headers.get("content-type").split("boundary=")[1];`
	cases{
		{`const f = new FormData(); f.append("a", "1"); f.append("b", 2); f.append("a", "3"); return [[...f], f.get("a"), f.getAll("a"), f.get("x"), f.has("b"), [...f.keys()], (f.set("a", "9"), [...f.values()]), (f.delete("a"), [...f.entries()])]`, `[[["a","1"],["b","2"],["a","3"]],"1",["1","3"],null,true,["a","b","a"],["9","2"],[["b","2"]]]`},
		{`const f = new FormData(); f.append("f", new Blob(["x"])); f.append("g", new Blob(["x"]), "n"); f.append("h", new File(["y"], "own")); const g = f.get("f"); return [g instanceof File, g.name, f.get("f") === g, f.get("g").name, f.get("h").name, (f.set("h", f.get("h"), "new"), f.get("h").name)]`, `[true,"blob",true,"n","own","new"]`},
		{`return [throws(() => new FormData(1)), throws(() => new FormData().append("a")), throws(() => new FormData().append("a", "b", "c")), throws(() => new FormData().get()), new FormData(undefined).has("x"), throws(() => new FormData(null))]`, `["TypeError","TypeError","TypeError","TypeError",false,"TypeError"]`},
		{`const f = new FormData(); f.append("é\"\n", "a\nb"); f.append("f", new File(["x\n"], "q\".t", {type: "a/b"})); const r = new Response(f); const b = boundary(r); return (await r.text()).replaceAll(b, "B")`, `"--B\r\nContent-Disposition: form-data; name=\"é%22%0D%0A\"\r\n\r\na\r\nb\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"q%22.t\"\r\nContent-Type: a/b\r\n\r\nx\n\r\n--B--\r\n"`},
		{`const f = new FormData(); f.append("a", "é"); f.append("f", new File(["\0\r\n--"], "n", {type: "x/y"})); const g = await new Response(f).formData(); const file = g.get("f"); return [g.get("a"), file instanceof File, file.name, file.type, [...await file.bytes()]]`, `["é",true,"n","x/y",[0,13,10,45,45]]`},
		{`return [...await new Response("a=1&b=%20+x", {headers: {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}}).formData()]`, `[["a","1"],["b","  x"]]`},
		{`return [...await new Response(new URLSearchParams("a=1")).formData()]`, `[["a","1"]]`},
		{`const of = (body, type = "multipart/form-data; boundary=B") => fails(new Response(body, {headers: {"content-type": type}}).formData()); return [await of(""), await of("x"), await of("--B\r\n"), await of("--B\r\n\r\nx\r\n--B--"), await of("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"), await of("x", "text/plain"), await of("--B--", "multipart/form-data"), await of("--B--\r\n"), await fails(new Response("x").formData())]`, `["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","fulfilled","TypeError"]`},
		{`const g = await new Response("--B\r\ncontent-disposition: form-data; filename=\"a b\"; name=\"n\"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name=m\r\nX-Y: z\r\n\r\n\r\n--B--trailing", {headers: {"content-type": "multipart/form-data; boundary=\"B\""}}).formData(); return [g.get("n").name, g.get("n").type, g.get("m")]`, `["a b","text/plain",""]`},
		{`const f = new FormData(); f.append("a", "1"); const seen = []; f.forEach((v, k, o) => seen.push(v, k, o === f)); return [seen, Object.prototype.toString.call(f), FormData.prototype.entries === FormData.prototype[Symbol.iterator]]`, `[["1","a",true],"[object FormData]",true]`},
		{`const f = new FormData(); f.append("a", "1"); const q = new Request("http://a", {method: "POST", body: f}); return [q.headers.get("content-type").startsWith("multipart/form-data; boundary="), (await q.clone().formData()).get("a"), (await q.formData()).get("a")]`, `[true,"1","1"]`},
	}.with(tools + form).run(t)
}

// TestFormRoundTrip: what is written is read back, but for the ends of lines, which
// the standard makes CRLF.
func TestFormRoundTrip(t *testing.T) {
	h := newHost(t)
	rapid.Check(t, func(t *rapid.T) {
		f := &FormData{}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			e := formEntry{name: rapid.String().Draw(t, "name")}
			if rapid.Bool().Draw(t, "file") {
				e.file = &File{name: rapid.String().Draw(t, "filename"), Blob: Blob{
					data: rapid.SliceOf(rapid.SampledFrom([]byte{0, '\r', '\n', '-', 'a', 0xff})).Draw(t, "data"),
					kind: rapid.SampledFrom([]string{"", "text/x", "a/b;c=d"}).Draw(t, "type"),
				}}
			} else {
				e.text = rapid.String().Draw(t, "text")
			}
			f.entries = append(f.entries, e)
		}
		boundary := newBoundary()
		back, err := parseMultipart(h.realm.encodeForm(f, boundary), boundary)
		if err != nil || len(back) != len(f.entries) {
			t.Fatalf("%d entries became %d: %v", len(f.entries), len(back), err)
		}
		for i, e := range f.entries {
			got := back[i]
			if (e.file == nil) != (got.file == nil) || got.name != formPlain.Replace(formName.Replace(lines(e.name))) {
				t.Fatalf("%+v became %+v", e, got)
			}
			if e.file == nil {
				if got.text != lines(e.text) {
					t.Fatalf("%q became %q", e.text, got.text)
				}
				continue
			}
			if string(got.file.data) != string(e.file.data) || got.file.name != formPlain.Replace(formName.Replace(e.file.name)) {
				t.Fatalf("%+v became %+v", e.file, got.file)
			}
		}
	})
}

func FuzzMultipart(f *testing.F) {
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\nContent-Type: x/y\r\n\r\nv\r\n--B--"), "B")
	f.Add([]byte("--\r\n\r\n----"), "")
	f.Add([]byte("--B--"), "B")
	f.Fuzz(func(t *testing.T, data []byte, boundary string) {
		entries, err := parseMultipart(data, boundary)
		if err != nil {
			return
		}
		total := 0
		for _, e := range entries {
			total += len(e.text)
			if e.file != nil {
				total += len(e.file.data)
			}
		}
		if total > 3*len(data) { // a malformed byte becomes the three of U+FFFD
			t.Fatalf("%d bytes of %d", total, len(data))
		}
	})
}

func FuzzMIME(f *testing.F) {
	f.Add(`text/html;charset="a\"b";x=y, a/b`)
	f.Add("a/b;;;=;x=;y=\"")
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := extractMIME(s)
		if !ok {
			return
		}
		again, ok := parseMIME(m.String())
		if !ok || again.String() != m.String() {
			t.Fatalf("%q: %q became %q", s, m.String(), again.String())
		}
	})
}
