package webapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"
)

// rows is 24 KB of what a backend answers.
func rows() string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range 200 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"name":"user %d","email":"user%d@example.com","active":%t,"score":%d.25,"tags":["a","b"],"city":"Town %d"}`, i, i, i, i%2 == 0, i, i%10)
	}
	b.WriteByte(']')
	return b.String()
}

// Each script is run with goja's own JSON and with ours.
func BenchmarkJSON(b *testing.B) {
	wide := `{"user":{"name":"x","id":1},"items":` + rows() + `,"more":` + rows() + `}`
	pretty := strings.NewReplacer(`,"`, `, "`, `":`, `": `).Replace(rows())
	for _, c := range []struct{ name, text, script string }{
		{"parse", rows(), `JSON.parse(text)`},
		{"parse and touch all", rows(), `let n = 0; for (const r of JSON.parse(text)) n += r.id`},
		{"parse pretty and touch all", pretty, `let n = 0; for (const r of JSON.parse(text)) n += r.id`},
		{"stringify", rows(), `JSON.stringify(value)`},
		{"filter and map", rows(), `JSON.stringify(JSON.parse(text).filter(r => r.active).map(r => ({id: r.id, name: r.name})))`},
		{"pass through", rows(), `JSON.stringify(JSON.parse(text))`},
		{"merge, little touched", wide, `const a = JSON.parse(text), b = JSON.parse(text); JSON.stringify({user: a.user.name, items: a.items, more: b.more})`},
		{"small", `{"hello":"world","n":1}`, `JSON.stringify(JSON.parse(text))`},
	} {
		for _, who := range []string{"goja", "ours"} {
			b.Run(c.name+"/json="+who, func(b *testing.B) {
				vm := goja.New()
				if who == "ours" {
					j := newJSON(vm, func(name string) *goja.Object { return vm.Get(name).(*goja.Object) })
					j.most = 64 << 20
					j.install(vm.Get("JSON").(*goja.Object))
				}
				_ = vm.Set("text", c.text)
				v, err := vm.RunString(`var value = JSON.parse(text); for (const key in value) value[key].tags; (() => {` + c.script + `})`)
				if err != nil {
					b.Fatal(err)
				}
				fn, _ := goja.AssertFunction(v)
				b.SetBytes(int64(len(c.text)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := fn(goja.Undefined()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
