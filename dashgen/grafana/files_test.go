package grafana_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hadron/dashgen/grafana"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

func files(t *testing.T, dir, installation string) *grafana.Files {
	t.Helper()
	f, err := grafana.NewFiles(grafana.FilesConfig{Dir: dir, Installation: installation, ExternalURL: "http://hadron.example"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		out = append(out, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dashboards")
	tg := files(t, dir, "home")
	want := fns("shop/checkout/pay", "shop/cart/add", "media/encode/thumb")
	if got := pass(t, tg, want); got != (reconcile.Result{Created: 3}) {
		t.Errorf("%+v", got)
	}
	st := tg.Status("shop/cart/add")
	if st.State != grafana.Ready || st.Target != "files" || st.URL != filepath.Join(dir, "shop", "cart", "add.json") {
		t.Errorf("%+v", st)
	}
	if got := pass(t, tg, want); got != (reconcile.Result{Unchanged: 3}) {
		t.Errorf("%+v", got)
	}

	// What others and other installations put there stays; what a dead writer left goes.
	pass(t, files(t, filepath.Join(dir), "elsewhere"), nil)
	for name, text := range map[string]string{
		"media/encode/theirs.json": `{"uid": "x", "title": "theirs"}`, "media/notes.txt": "notes",
		"shop/cart/.hadron-add.json": "half", "shop/cart/broken.json": "{",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(st.URL, []byte(strings.Replace(string(content(t, st.URL)), "Is it fine", "edited by hand", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := pass(t, tg, fns("shop/cart/add")); got != (reconcile.Result{Updated: 1, Deleted: 2}) {
		t.Errorf("%+v", got)
	}
	if got, wish := tree(t, dir), []string{
		".", "_overview.json", "_platform.json", "media", "media/encode", "media/encode/theirs.json", "media/notes.txt",
		"shop", "shop/_overview.json", "shop/cart", "shop/cart/_overview.json", "shop/cart/add.json", "shop/cart/broken.json",
	}; !slices.Equal(got, wish) {
		t.Errorf("left: %v", got)
	}
	if strings.Contains(string(content(t, st.URL)), "edited by hand") {
		t.Error("what was changed by hand was not restored")
	}
}

func TestFilesPlan(t *testing.T) {
	tg := files(t, filepath.Join(t.TempDir(), "dashboards"), "home")
	want := fns("a/b/c", "a/b/d")
	plan := func(want []*function.Function) string {
		t.Helper()
		p, err := tg.Plan(context.Background(), want)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, a := range p.Actions {
			text += a.Do + " " + a.Title + "; "
		}
		return text
	}
	if got := plan(want); got != "create a/b/c; create a/b/d; " {
		t.Error(got)
	}
	pass(t, tg, want)
	if g := tg.Progress(); g.Total != 2 || g.Ready != 2 || g.Pending != 0 || len(tg.Noteworthy()) != 0 {
		t.Errorf("%+v", g)
	}
	if got := plan(want); got != "" {
		t.Error(got)
	}
	if err := os.WriteFile(tg.Status("a/b/c").URL, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := plan(want[:1]); got != "restore a/b/c; delete a/b/d; " {
		t.Error(got)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFilesInTheWay(t *testing.T) {
	dir := t.TempDir()
	outside := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "b", "mine.json"), []byte(`{"title": "mine"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "a", "b", "dir.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tg := files(t, dir, "home")
	got := pass(t, tg, fns("a/b/mine", "a/b/dir", "link/x/y", "a/b/good"))
	// Of link, two overviews cannot be written either.
	if got != (reconcile.Result{Created: 1, Failed: 3 + 2}) {
		t.Errorf("%+v", got)
	}
	for _, name := range fns("a/b/mine", "a/b/dir", "link/x/y") {
		if st := tg.Status(name.Name); st.State != grafana.Failed || st.Error == "" {
			t.Errorf("%+v", st)
		}
	}
	if tg.Status("a/b/good").State != grafana.Ready {
		t.Error("one function's failure held up another")
	}
	if string(content(t, filepath.Join(dir, "a", "b", "mine.json"))) != `{"title": "mine"}` || len(tree(t, outside)) != 1 {
		t.Error("something foreign was touched")
	}
}

func TestFilesBadDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tg := files(t, filepath.Join(file, "dashboards"), "home")
	if _, err := tg.Reconcile(context.Background(), fns("a/b/c")); err == nil {
		t.Error("the pass has no error")
	}
	if st := tg.Status("a/b/c"); st.State != grafana.Failed || st.Error == "" {
		t.Errorf("%+v", st)
	}
}

// A process that starts knows, from what an earlier one kept, which files are right:
// it draws none anew, and still finds what was changed or removed meanwhile.
func TestFilesAreKnownAfterARestart(t *testing.T) {
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	begin := func(version string) *grafana.Files {
		f, err := grafana.NewFiles(grafana.FilesConfig{
			Dir: dir, Installation: "home", ExternalURL: "http://hadron.example", State: state, Version: version,
			DatasourceUID: "prometheus",
		})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	want := fns("shop/checkout/pay", "shop/cart/add", "shop/cart/drop", "media/encode/thumb")
	if got := pass(t, begin("1"), want); got != (reconcile.Result{Created: 4}) {
		t.Fatalf("%+v", got)
	}
	// A file whose text is not the dashboard's, with time and size as they were left,
	// shows whether a pass looked into it.
	secret := func(name string) {
		file := filepath.Join(dir, filepath.FromSlash(name)+".json")
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(content(t, file)), "Is it fine", "Is it FINE", 1)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	secret("shop/cart/add")
	again := begin("1")
	if got := pass(t, again, want); got != (reconcile.Result{Unchanged: 4}) {
		t.Errorf("after a restart: %+v", got)
	}
	if s := again.Status("shop/cart/add"); s.State != grafana.Ready {
		t.Errorf("after a restart: %+v", s)
	}

	// What was changed or removed while no process ran is found.
	if err := os.Remove(filepath.Join(dir, "media", "encode", "thumb.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shop", "cart", "drop.json"), []byte(strings.Replace(string(content(t, filepath.Join(dir, "shop", "cart", "drop.json"))), "Is it fine", "by hand", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := pass(t, begin("1"), want); got != (reconcile.Result{Created: 1, Updated: 1, Unchanged: 2}) {
		t.Errorf("after changes: %+v", got)
	}
	// So is a function that changed, and one that went, with what was kept of it.
	changed := fns("shop/cart/add", "shop/cart/drop", "media/encode/thumb")
	changed[1].SpecOf, changed[1].Spec.Description = 2, "drops"
	if got := pass(t, begin("1"), changed); got != (reconcile.Result{Updated: 1, Unchanged: 2, Deleted: 1}) {
		t.Errorf("after a deployment: %+v", got)
	}
	if got, wish := tree(t, state), []string{".", "media", "media/encode", "shop", "shop/cart"}; !slices.Equal(got, wish) {
		t.Errorf("kept: %v", got)
	}
	// Another program's files are looked into.
	if got := pass(t, begin("2"), changed); got != (reconcile.Result{Updated: 1, Unchanged: 2}) {
		t.Errorf("after an update of the program: %+v", got)
	}
	// What is kept is only believed whole.
	secret("shop/cart/add")
	file := filepath.Join(state, "shop", "cart")
	kept := content(t, file)
	kept[len(kept)/2] ^= 1
	if err := os.WriteFile(file, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := pass(t, begin("2"), changed); got != (reconcile.Result{Updated: 1, Unchanged: 2}) {
		t.Errorf("after damage: %+v", got)
	}
}
