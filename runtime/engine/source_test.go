package engine

import (
	"strings"
	"testing"

	"hadron/runtime/vlq"
)

// Class fields that goja's parser takes for accessors run as they are written, and
// text that only looks like one stays as it is.
func TestFieldsNamedLikeAccessors(t *testing.T) {
	const code = `var set,o={};o.x=1;set=5;class A{#v=1;static async="s";get=()=>this.#v;set=(v)=>{this.#v=v};async}
class B{static get;set}
const text="{get=1}",re=/[;]set=[}]/,tpl=` + "`;set=${(()=>{class C{get=7}return new C().get})()};get}`" + `;
exports.default={fetch(){const a=new A();a.set(3);
return Response.json([a.get(),A.async,"async" in a,"get" in B,"set" in new B(),set,text,re.source,tpl])}}`
	f := newFixture(t, nil)
	res, out := f.run(t, get(f.add(1, code), "/"))
	if want := `[3,"s",true,true,true,5,"{get=1}","[;]set=[}]",";set=7;get}"]`; res.body.String() != want {
		t.Errorf("%s, want %s; %+v", res.body.String(), want, out.Failure)
	}
}

// What stands behind a field that was put in quotes keeps its place in the author's
// file, in stacks as in profiles.
func TestQuotedFieldsKeepPositions(t *testing.T) {
	// One line for all: field, field, throw. Columns 0, 8, 14 and 36 are of lines 1 to 4.
	const code = `class A{get=1;set=2}exports.default={fetch(){throw new Error("x")}}`
	f := newFixture(t, nil)
	id := f.add(1, code)
	b := f.bundles[id]
	at := strings.Index(code, "throw")
	entries := []string{entryOf(0, 0), entryOf(8, 1), entryOf(6, 1), entryOf(at-14, 1)}
	b.Map = []byte(`{"version":3,"sources":["a.js"],"names":[],"mappings":"` + strings.Join(entries, ",") + `"}`)
	f.bundles[id] = b
	_, out := f.run(t, get(id, "/"))
	if out.Failure == nil || len(out.Failure.Stack) == 0 || out.Failure.Stack[0].Line != 4 {
		t.Errorf("%+v", out.Failure)
	}
	a := newAuthor(b.Code, b.Map)
	found := false
	for _, l := range a.literals {
		found = found || l.lines[4] && !l.lines[3]
	}
	if !found {
		t.Errorf("no function has the line of what it throws: %+v", a.literals)
	}
}

// entryOf is a source map's entry: columns and lines further than the one before.
func entryOf(columns, lines int) string {
	var b []byte
	for _, n := range []int{columns, 0, lines, 0} {
		b = vlq.Append(b, n<<1)
	}
	return string(b)
}
