package webapi

import (
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// Bounds of a table that the console draws.
const (
	maxColumns = 20
	maxCell    = 60
)

// table draws the rows of an array or object, as console.table does; only names the
// columns that are wanted.
func (r *Realm) table(v, only goja.Value) string {
	data, ok := v.(*goja.Object)
	if !ok {
		return r.inspect(v)
	}
	t := grid{realm: r, head: []string{"(index)"}}
	if list, ok := only.(*goja.Object); ok {
		for _, name := range r.sequence(list, "the columns of console.table") {
			t.column(r.text(name))
		}
		t.fixed = true
	}
	kind := collection(data)
	if kind == "" {
		for n, key := range data.Keys() {
			if n == inspectItems {
				break
			}
			t.row(key, data.Get(key))
		}
	} else {
		r.vm.ForOf(data, func(v goja.Value) bool {
			t.row(r.vm.ToValue(len(t.rows)).String(), v)
			return len(t.rows) < inspectItems
		})
	}
	if len(t.rows) == 0 {
		return r.inspect(v)
	}
	return t.draw()
}

// grid is a table under way.
type grid struct {
	realm *Realm
	head  []string
	rows  [][]string
	value bool // rows that are no objects stand in the last column
	fixed bool // the columns were named
}

func (t *grid) column(name string) int {
	for i, have := range t.head {
		if i > 0 && have == name {
			return i
		}
	}
	if t.fixed || len(t.head) > maxColumns {
		return -1
	}
	t.head = append(t.head, name)
	return len(t.head) - 1
}

func (t *grid) row(key string, v goja.Value) {
	row := map[int]string{0: short(key)}
	plain := ""
	if o, ok := v.(*goja.Object); ok && collection(o) == "" {
		if _, is := goja.AssertFunction(o); !is {
			for _, name := range o.Keys() {
				if at := t.column(short(name)); at > 0 {
					row[at] = short(t.realm.inspect(o.Get(name)))
				}
			}
		}
	} else {
		plain = short(t.realm.inspect(v))
		t.value = true
	}
	cells := make([]string, len(t.head)+1)
	for at, text := range row {
		cells[at] = text
	}
	cells[len(t.head)] = plain
	t.rows = append(t.rows, cells)
}

// short is one cell's text.
func short(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if utf8.RuneCountInString(s) <= maxCell {
		return s
	}
	return string([]rune(s)[:maxCell-1]) + "…"
}

func (t *grid) draw() string {
	head := t.head
	if t.value {
		head = append(head[:len(head):len(head)], "Values")
	}
	// A row that came before a column was found ends with its value too early.
	for i, row := range t.rows {
		full := make([]string, len(head))
		copy(full, row[:len(row)-1])
		if t.value {
			full[len(head)-1] = row[len(row)-1]
		}
		t.rows[i] = full
	}
	widths := make([]int, len(head))
	for _, row := range append([][]string{head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell)+2)
		}
	}
	var b strings.Builder
	rule := func(left, middle, right string) {
		for i, w := range widths {
			if i == 0 {
				b.WriteString(left)
			} else {
				b.WriteString(middle)
			}
			b.WriteString(strings.Repeat("─", w))
		}
		b.WriteString(right)
	}
	line := func(row []string) {
		for i, cell := range row {
			b.WriteString("│ " + cell + strings.Repeat(" ", widths[i]-1-utf8.RuneCountInString(cell)))
		}
		b.WriteString("│\n")
	}
	rule("┌", "┬", "┐\n")
	line(head)
	rule("├", "┼", "┤\n")
	for _, row := range t.rows {
		line(row)
	}
	rule("└", "┴", "┘")
	return b.String()
}
