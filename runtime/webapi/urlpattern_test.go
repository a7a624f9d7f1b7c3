package webapi

import "testing"

const patternPrelude = `const made = (...a) => { const p = new URLPattern(...a); return ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"].map(k => p[k]).join(" ") };
const bad = (...a) => { try { return made(...a) } catch (e) { return e.name } };
const got = (p, u, b) => { const m = p.exec(u, b); if (!m) return null; const g = {}; for (const k in m) if (k !== "inputs") for (const n in m[k].groups) if (n !== "0" || m[k].groups[n]) g[k + "." + n] = m[k].groups[n] === undefined ? "undefined" : m[k].groups[n]; return g };
`

func TestURLPatternStrings(t *testing.T) {
	cases{
		{
			`return [made(), made({}), made({pathname: "/books/:id"}), made("https://example.com/books/:id"), made("https://*.example.com/*\\?q=*#h"), made("/foo", "https://example.com:8080/x?y#z"), made("data\\:foobar"), made("http{s}?://a.com/(\\d+)"), made("https://example.com:443/"), made("https://user\\:pw@h/p")]`,
			`["* * * * * * * *","* * * * * * * *","* * * * * /books/:id * *","https * * example.com  /books/:id * *","https * * *.example.com  /* q=* h","https * * example.com 8080 /foo * *","data * *   foobar * *","http{s}? * * a.com  /(\\d+) * *","https * * example.com  / * *","https user pw h  /p * *"]`,
		},
		{
			`return [bad("foo"), bad("https://a/:id/:id"), bad("https://a/("), bad("https://a/(é)"), bad("https://a/(?:x)"), bad({hostname: "bad hostname"}), bad({hostname: "bad/hostname"}), bad({hostname: "bad#h"}), bad({port: "invalid"}), bad({port: "65536"}), bad({protocol: "é"}), bad({}, "https://a"), bad("x", "nope"), bad({pathname: "/a{"}), bad({pathname: "/([z-a])"}), bad({pathname: "\\"}), bad({pathname: "/a/(b)(c"}), bad({baseURL: "nope"}), bad({pathname: "/:id(\\d(x))"})]`,
			`["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`,
		},
		{
			`return [{pathname: "/foo/../bar"}, {pathname: "/caf\u00e9"}, {hostname: "CAF\u00c9.com"}, {hostname: "bad\nhostname"}, {port: "0080"}, {protocol: "HTTPS:"}, {search: "?a"}, {hash: "#a b"}, {pathname: "/{foo}"}, {pathname: "/foo/:bar{x}?"}, {pathname: "/{:foo}bar"}, {pathname: "/{:foo}(.*)"}, {pathname: "/{:foo}\\bar"}, {pathname: "{/:foo}+"}, {pathname: "/*{*}?"}, {pathname: "/:foo(.*)"}, {pathname: "/([^\\/]+?)"}, {hostname: "[\\:\\:1]"}, {hostname: "[\\:\\:AB\\::num]"}, {protocol: "http", port: "80"}, {pathname: "a:b", protocol: "foo"}, {pathname: "/é b"}, {pathname: "/a\\:b"}].map(i => { const p = new URLPattern(i); return Object.keys(i).map(k => p[k]).join(" ") })`,
			`["/bar","/caf%C3%A9","xn--caf-dma.com","badhostname","80","https","a","a%20b","/foo","/foo{/:bar}{x}?","/{:foo}bar","/{:foo}(.*)","/{:foo}bar","/:foo+","/*(.*)?","/:foo(.*)","/([^\\/]+?)","[\\:\\:1]","[\\:\\:ab\\::num]","http ","a:b foo","/%C3%A9%20b","/a\\:b"]`,
		},
		{`const p = new URLPattern({pathname: "/a", baseURL: "https://ex.com/b?c#d"}); return [p.protocol, p.hostname, p.port, p.pathname, p.search, p.hash, new URLPattern({pathname: "x", baseURL: "https://ex.com/b/c*"}).pathname, new URLPattern({search: "q", baseURL: "https://ex.com/b?c#d"}).pathname]`, `["https","ex.com","","/a","*","*","/b/x","/b"]`},
		{`return [new URLPattern({pathname: "/(\\d)"}).hasRegExpGroups, new URLPattern({pathname: "/:a*"}).hasRegExpGroups, String(new URLPattern())]`, `[true,false,"[object URLPattern]"]`},
	}.withPrelude(patternPrelude).run(t)
}

func TestURLPatternMatching(t *testing.T) {
	cases{
		{
			`const p = new URLPattern({pathname: "/books/:id"}); return [p.test("https://a/books/1"), p.test("https://a/books/1/2"), p.test("https://a/books/"), p.test({pathname: "/books/x"}), p.test("/books/1", "https://b"), p.test("/books/1"), p.test(new URL("http://x/books/7")), got(p, "https://a/books/a%20b")]`,
			`[true,false,false,true,true,false,true,{"protocol.0":"https","hostname.0":"a","pathname.id":"a%20b"}]`,
		},
		{
			`return [["/foo/:bar?", "/foo"], ["/foo/:bar?", "/foo/"], ["/foo/:bar*", "/foo/a/b"], ["/foo/:bar+", "/foo"], ["/foo/*", "/foo/a/b"], ["/foo{/bar}?", "/foo/bar"], ["/foo/(\\d+)?", "/foo"], ["/:a.:b", "/x.y.z"], ["/:a-:b(\\d+)", "/x-y-12"], ["/a\\+b", "/a+b"], ["/:x{.:ext}?", "/n.txt"], ["*", "/anything"], ["/é", "/é"], ["/([^]*)", "/a"]].map(([pathname, u]) => { try { return got(new URLPattern({pathname}), {pathname: u}) } catch (e) { return e.name } })`,
			`[{"pathname.bar":"undefined"},null,{"pathname.bar":"a/b"},null,{"pathname.0":"a/b"},{},{},{"pathname.a":"x","pathname.b":"y.z"},{"pathname.a":"x-y","pathname.b":"12"},{},{"pathname.x":"n","pathname.ext":"txt"},{"pathname.0":"/anything"},{},{"pathname.0":"a"}]`,
		},
		{
			`const p = new URLPattern("https://:sub.example.com/:v(v\\d)/*\\?q=:q#:h"); return [got(p, "https://api.example.com/v2/x/y?q=1#top"), p.test("https://api.example.com/x2/x?q=1#top"), p.test("https://a.b.example.com/v2/x?q=1#t"), p.test("http://api.example.com/v2/x?q=1#t")]`,
			`[{"hostname.sub":"api","pathname.0":"x/y","pathname.v":"v2","search.q":"1","hash.h":"top"},false,false,false]`,
		},
		{`return [new URLPattern({pathname: "/FOO"}, {ignoreCase: true}).test("http://a/foo"), new URLPattern({pathname: "/FOO"}).test("http://a/foo"), new URLPattern("https://a/FOO", {ignoreCase: true}).test("https://a/foo"), new URLPattern("/Foo(b)", "https://a", {ignoreCase: true}).test("https://a/fooB")]`, `[true,false,true,true]`},
		{
			`const m = new URLPattern({hostname: "*.com"}).exec("https://u:p@x.com:81/p?s#h"); return [m.inputs, m.hostname, m.port, m.username.input, Object.keys(m), new URLPattern({hostname: "*.com"}).exec("/p", "https://x.com").inputs]`,
			`[["https://u:p@x.com:81/p?s#h"],{"input":"x.com","groups":{"0":"x"}},{"input":"81","groups":{"0":"81"}},"u",["inputs","protocol","username","password","hostname","port","pathname","search","hash"],["/p","https://x.com"]]`,
		},
		{`return [new URLPattern().test(), new URLPattern().test({}), new URLPattern({port: "8080"}).test({protocol: "http", port: "8080"}), new URLPattern({port: ""}).test("http://a:80"), new URLPattern({pathname: "/x"}).test({pathname: "y/../x", baseURL: "http://a/b"}), new URLPattern({pathname: "/a"}).test({baseURL: "bad"})]`, `[true,true,true,true,true,false]`},
		{`return new URLPattern({pathname: "/a"}).test({}, "http://a")`, `rejected: TypeError`},
		{`class P extends URLPattern { #x = 1; go(u) { return this.test(u) && this.#x } }; return new P({pathname: "/a"}).go("http://a/a")`, `1`},
	}.withPrelude(patternPrelude).run(t)
}

func FuzzURLPattern(f *testing.F) {
	for _, s := range []string{"https://*.example.com/books/:id(\\d+)?#x", "{/a}+:b\\c", "/:a*", "http{s}?://[::1]:8*/", "((", "data\\:x", "?a=:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := newHost(t).realm
		given, err := r.parsePatternString(s)
		if err != nil || given.parts[partProtocol] == nil || len(s) > 200 {
			return
		}
		full, err := given.resolve(true)
		if err != nil {
			return
		}
		p, err := r.compilePattern(full, false)
		if err != nil {
			return
		}
		// What a component answers is the pattern that it is.
		again := &patternInit{}
		for i, c := range p.parts {
			again.set(i, c.pattern)
		}
		twin, err := r.compilePattern(again, false)
		if err != nil {
			t.Fatalf("%q: its components do not parse: %v", s, err)
		}
		for i, c := range twin.parts {
			if c.pattern != p.parts[i].pattern {
				t.Fatalf("%q: the %s %q became %q", s, urlPartNames[i], p.parts[i].pattern, c.pattern)
			}
		}
	})
}

func BenchmarkURLPattern(b *testing.B) {
	h := newHost(b)
	if _, err := h.vm.RunString(`const p = new URLPattern({pathname: "/books/:id"})`); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.vm.RunString(`p.test("https://example.com/books/12")`); err != nil {
			b.Fatal(err)
		}
	}
}
