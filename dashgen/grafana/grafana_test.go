package grafana_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hadron/dashgen"
	"hadron/dashgen/grafana"
	"hadron/dashgen/grafana/grafanatest"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

func TestMain(m *testing.M) {
	// A check is a whole life of a Grafana: a few of them find what many do. More by -rapid.checks.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const dataToken = "hadron_read_secret"

func fn(name string) *function.Function {
	return &function.Function{Name: function.Name(name), Spec: function.DefaultManifest()}
}

func fns(names ...string) []*function.Function {
	var out []*function.Function
	for _, name := range names {
		out = append(out, fn(name))
	}
	return out
}

func target(t testing.TB, s *grafanatest.Server, change ...func(*grafana.Config)) *grafana.Target {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := grafana.Config{
		URL: s.URL, Token: s.Token, DatasourceURL: "http://hadron.example:8080/prometheus", DatasourceToken: dataToken,
		Installation: "home", ExternalURL: "http://hadron.example:8080",
		Rate: 100_000, Backoff: time.Microsecond, Timeout: time.Minute, Transport: transport,
		Slice: time.Hour, // a slow machine cuts no pass short
	}
	for _, c := range change {
		c(&cfg)
	}
	out, err := grafana.NewTarget(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// boards is how many dashboards functions have: their own, those of their teams and
// projects, and two of the whole installation.
func boards(want []*function.Function) int { return len(want) + 1 + folders(want) }

// folders is how many folders they lie in.
func folders(want []*function.Function) int {
	seen := map[string]bool{"": true}
	for _, f := range want {
		seen[f.Name.Team()] = true
		seen[f.Name.Team()+"/"+f.Name.Project()] = true
	}
	return len(seen)
}

// folderOf finds a folder by its title.
func folderOf(t tester, s *grafanatest.Server, title string) string {
	t.Helper()
	for _, f := range s.Folders() {
		if f.Title == title {
			return f.UID
		}
	}
	t.Errorf("there is no folder %q", title)
	return ""
}

// tester is what testing and rapid have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

func pass(t tester, target reconcile.Target, want []*function.Function) reconcile.Result {
	t.Helper()
	result, err := target.Reconcile(context.Background(), want)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// steady asserts that a pass finds nothing to do.
func steady(t tester, s *grafanatest.Server, target reconcile.Target, want []*function.Function) {
	t.Helper()
	s.ForgetRequests()
	if got, wish := pass(t, target, want), (reconcile.Result{Unchanged: boards(want)}); got != wish {
		t.Errorf("a second pass did %+v", got)
	}
	if writes := s.Writes(); len(writes) > 0 {
		t.Errorf("a second pass wrote: %v", writes)
	}
}

func TestProvision(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	want := fns("shop/checkout/pay", "shop/cart/add", "media/encode/thumb")
	if st := tg.Status("shop/cart/add"); st.State != grafana.Pending || st.UID == "" {
		t.Errorf("before a pass: %+v", st)
	}
	if got := pass(t, tg, want); got != (reconcile.Result{Created: boards(want)}) {
		t.Errorf("the first pass did %+v", got)
	}
	var titles []string
	for _, f := range s.Folders() {
		titles = append(titles, f.Title)
	}
	if got := strings.Join(titles, ", "); got != "Hadron, Hadron / media, Hadron / media / encode, Hadron / shop, Hadron / shop / cart, Hadron / shop / checkout" {
		t.Errorf("folders: %s", got)
	}
	sources := s.Datasources()
	if len(sources) != 1 || sources[0].Type != "prometheus" || sources[0].URL != "http://hadron.example:8080/prometheus" ||
		sources[0].Header().Get("Authorization") != "Bearer "+dataToken {
		t.Errorf("data sources: %+v", sources)
	}
	for _, f := range want {
		st := tg.Status(f.Name)
		d, ok := s.Dashboard(st.UID)
		if !ok || st.State != grafana.Ready || st.Error != "" || st.Target != "grafana" || st.URL != s.URL+"/d/"+st.UID {
			t.Errorf("%s: %+v, there: %v", f.Name, st, ok)
		}
		if d.Title != string(f.Name) || !strings.Contains(string(d.JSON), sources[0].UID) {
			t.Errorf("%s: title %q, or the data source is not in it", f.Name, d.Title)
		}
	}
	steady(t, s, tg, want)
	steady(t, s, target(t, s), want) // after a restart
}

func TestDeleteTouchesNothingForeign(t *testing.T) {
	s := grafanatest.New(t)
	foreign := s.AddFolder("", "Somebody's")
	s.AddForeignDashboard(foreign, "theirs")
	// Other installations' things look like ours.
	other := target(t, s, func(c *grafana.Config) { c.Installation = "elsewhere" })
	pass(t, other, fns("shop/checkout/pay"))

	tg := target(t, s)
	pass(t, tg, fns("shop/checkout/pay", "shop/cart/add", "media/encode/thumb"))
	if len(s.Dashboards()) != 1+boards(fns("shop/checkout/pay"))+boards(fns("shop/checkout/pay", "shop/cart/add", "media/encode/thumb")) || len(s.Datasources()) != 2 {
		t.Fatalf("dashboards %v, folders %v", s.Dashboards(), s.Folders())
	}
	// Somebody puts a dashboard into a folder of ours: it is then not ours to delete.
	guest := s.AddForeignDashboard(folderOf(t, s, "Hadron / media / encode"), "guest")
	// Functions go with the overviews of the projects and the team that nothing is left of.
	if got := pass(t, tg, fns("shop/cart/add")); got != (reconcile.Result{Deleted: 2 + 3 + 2, Unchanged: boards(fns("shop/cart/add"))}) {
		t.Errorf("did %+v", got)
	}
	if _, ok := s.Dashboard(guest); !ok {
		t.Error("the guest is gone with the folder")
	}
	if got := pass(t, tg, nil); got != (reconcile.Result{Deleted: 3 + 2, Unchanged: 2}) {
		t.Errorf("did %+v", got)
	}
	if st := tg.Status("shop/cart/add"); st.State != grafana.Pending {
		t.Errorf("of a deleted function: %+v", st)
	}
	if d := s.Dashboards(); len(d) != 2+boards(fns("shop/checkout/pay"))+boards(nil) {
		t.Errorf("left: dashboards %v", d)
	}
	steady(t, s, other, fns("shop/checkout/pay"))
}

func TestDriftIsRestored(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	want := fns("shop/checkout/pay", "shop/cart/add")
	pass(t, tg, want)
	uid := tg.Status("shop/checkout/pay").UID
	folder := folderOf(t, s, "Hadron / shop / checkout")
	clean, _ := s.Dashboard(uid)
	for name, drift := range map[string]func(){
		"edited":          func() { s.Edit(uid, func(m map[string]any) { m["panels"] = []any{} }) },
		"renamed":         func() { s.Edit(uid, func(m map[string]any) { m["title"] = "mine now" }) },
		"something added": func() { s.Edit(uid, func(m map[string]any) { m["weekStart"] = "monday" }) },
		"moved":           func() { s.Move(uid, "") },
		"deleted":         func() { s.RemoveDashboard(uid) },
		"folder renamed":  func() { s.RenameFolder(folder, "other") },
	} {
		drift()
		pass(t, tg, want)
		got, ok := s.Dashboard(uid)
		var g, c map[string]any
		if !ok || json.Unmarshal(got.JSON, &g) != nil || json.Unmarshal(clean.JSON, &c) != nil {
			t.Fatalf("%s: the dashboard is not there", name)
		}
		for _, m := range []map[string]any{g, c} {
			delete(m, "version")
			delete(m, "id")
		}
		if name != "something added" && fmt.Sprint(g) != fmt.Sprint(c) || got.FolderUID != folder || folderOf(t, s, "Hadron / shop / checkout") != folder {
			t.Errorf("%s: not restored", name)
		}
		steady(t, s, tg, want)
	}
}

func TestTakenTitles(t *testing.T) {
	s := grafanatest.New(t)
	s.AddFolder("theirs", "Hadron / shop / cart")
	tg := target(t, s)
	pass(t, tg, fns("shop/cart/add"))
	ours := folderOf(t, s, "Hadron / shop / cart (home)")
	steady(t, s, tg, fns("shop/cart/add"))
	// Somebody's dashboard has the title of one of ours, in the same folder. Overwriting
	// would write into it.
	theirs := s.AddForeignDashboard(ours, "shop/cart/drop")
	before, _ := s.Dashboard(theirs)
	result, err := tg.Reconcile(context.Background(), fns("shop/cart/add", "shop/cart/drop", "shop/cart/see"))
	if err != nil || result != (reconcile.Result{Created: 1, Unchanged: boards(fns("shop/cart/add")), Failed: 1}) {
		t.Errorf("%+v, %v", result, err)
	}
	if after, _ := s.Dashboard(theirs); after.Version != before.Version {
		t.Error("somebody's dashboard was written into")
	}
	if st := tg.Status("shop/cart/drop"); st.State != grafana.Failed || !strings.Contains(st.Error, "title") {
		t.Errorf("%+v", st)
	}
	if st := tg.Status("shop/cart/see"); st.State != grafana.Ready {
		t.Errorf("one function's failure held up another: %+v", st)
	}
	s.RemoveDashboard(theirs)
	if got := pass(t, tg, fns("shop/cart/add", "shop/cart/drop", "shop/cart/see")); got.Created != 1 {
		t.Errorf("%+v", got)
	}
}

func TestForeignUID(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	uid := dashgen.UID("home", "shop/cart/add")
	s.AddDashboard("", uid, "stolen uid")
	result, err := tg.Reconcile(context.Background(), fns("shop/cart/add"))
	if err != nil || result.Failed != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	if d, _ := s.Dashboard(uid); d.Title != "stolen uid" || d.Version != 1 {
		t.Errorf("it was changed: %+v", d)
	}
}

func TestDatasourceIsKept(t *testing.T) {
	s := grafanatest.New(t)
	pass(t, target(t, s), nil)
	pass(t, target(t, s, func(c *grafana.Config) {
		c.DatasourceToken = "hadron_read_new"
		c.DatasourceURL = "http://new.example/prometheus/"
	}), nil)
	d := s.Datasources()
	if len(d) != 1 || d[0].Header().Get("Authorization") != "Bearer hadron_read_new" || d[0].URL != "http://new.example/prometheus" {
		t.Errorf("%+v", d)
	}
	for _, v := range d[0].JSONData {
		if strings.Contains(fmt.Sprint(v), "hadron_read") {
			t.Error("the token lies where everybody can read it")
		}
	}
}

func TestFaults(t *testing.T) {
	want := fns("shop/cart/add", "shop/cart/drop")
	for name, fault := range map[string]grafanatest.Fault{
		"down":           {Drop: true},
		"500":            {Status: 500},
		"503":            {Status: 503},
		"unauthorized":   {Status: 401},
		"rate limit":     {Status: 429, Header: http.Header{"Retry-After": {"30"}}},
		"list fails":     {Status: 500, Path: "/api/search"},
		"folders fail":   {Status: 500, Path: "/api/folders", Method: "GET"},
		"source refused": {Status: 403, Path: "/api/datasources", Method: "POST"},
		"html":           {Status: 302, Header: http.Header{"Location": {"/login"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := grafanatest.New(t)
			tg := target(t, s)
			fault.Message = "bad token " + s.Token + " " + dataToken
			s.SetFault(fault)
			if _, err := tg.Reconcile(context.Background(), want); err == nil {
				t.Error("the pass has no error")
			}
			for _, f := range want {
				st := tg.Status(f.Name)
				if st.State != grafana.Failed || st.Error == "" {
					t.Errorf("%+v", st)
				}
				if strings.Contains(st.Error, s.Token) || strings.Contains(st.Error, dataToken) {
					t.Errorf("a token is in the error: %s", st.Error)
				}
			}
			if strings.HasSuffix(name, "fails") && len(s.Writes()) > 0 {
				t.Errorf("a failed list led to writes: %v", s.Writes())
			}
			s.ClearFaults()
			if got := pass(t, tg, want); got.Failed > 0 || tg.Status("shop/cart/add").State != grafana.Ready {
				t.Errorf("did not recover: %+v", got)
			}
			// What is provisioned stays ready while Grafana is away.
			s.SetFault(fault)
			if name == "source refused" {
				return
			}
			if _, err := tg.Reconcile(context.Background(), want); err == nil {
				t.Error("the pass has no error")
			}
			if st := tg.Status("shop/cart/add"); st.State != grafana.Ready {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestOneFailureDoesNotHoldUpOthers(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	s.SetFault(grafanatest.Fault{Status: 500, Method: "POST", Path: "/api/dashboards/db", Times: 1})
	result, err := tg.Reconcile(context.Background(), fns("a/b/c", "a/b/d", "a/b/e"))
	if want := boards(fns("a/b/c", "a/b/d", "a/b/e")); err != nil || result != (reconcile.Result{Created: want - 1, Failed: 1}) {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestTransientFaultsAreTriedAgain(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	s.SetFault(
		grafanatest.Fault{Status: 429, Method: "POST", Times: 2},
		grafanatest.Fault{Drop: true, Method: "GET", Times: 2},
	)
	if got := pass(t, tg, fns("a/b/c")); got != (reconcile.Result{Created: boards(fns("a/b/c"))}) {
		t.Errorf("%+v", got)
	}
}

// TestLostAnswers: a write that was done but whose answer was lost is found, not
// done twice.
func TestLostAnswers(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	want := fns("a/b/c", "a/b/d")
	s.SetFault(grafanatest.Fault{Drop: true, After: true, Method: "POST", Path: "/api/dashboards", Times: 1})
	if _, err := tg.Reconcile(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	pass(t, tg, want)
	if d, _ := s.Dashboard(tg.Status("a/b/c").UID); d.Version != 1 {
		t.Errorf("written %d times", d.Version)
	}
	steady(t, s, tg, want)
}

func TestCancelled(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	s.SetFault(grafanatest.Fault{Delay: time.Minute})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := tg.Reconcile(ctx, fns("a/b/c")); err == nil {
		t.Error("the pass has no error")
	}
	if st := tg.Status("a/b/c"); st.State != grafana.Failed {
		t.Errorf("%+v", st)
	}
}

func TestReadBackRotates(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s, func(c *grafana.Config) { c.Verify = 2 })
	var want []*function.Function
	for i := range 7 {
		want = append(want, fn(fmt.Sprintf("a/b/f%d", i)))
	}
	pass(t, tg, want)
	for _, f := range want {
		s.Edit(tg.Status(f.Name).UID, func(m map[string]any) { m["panels"] = []any{} })
	}
	restored := 0
	for range (boards(want) + 1) / 2 {
		restored += pass(t, tg, want).Updated
	}
	if restored != 7 {
		t.Errorf("%d of 7 were found when all had been read", restored)
	}
}

func TestConfig(t *testing.T) {
	good := grafana.Config{URL: "http://g", Token: "t", DatasourceURL: "http://h", Installation: "i"}
	for name, change := range map[string]func(*grafana.Config){
		"url": func(c *grafana.Config) { c.URL = "g" }, "password": func(c *grafana.Config) { c.URL = "http://a:b@g" },
		"token": func(c *grafana.Config) { c.Token = "" }, "source": func(c *grafana.Config) { c.DatasourceURL = "" },
		"installation": func(c *grafana.Config) { c.Installation = "" }, "rate": func(c *grafana.Config) { c.Rate = -1 },
	} {
		c := good
		change(&c)
		if _, err := grafana.NewTarget(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := grafana.NewTarget(good); err != nil {
		t.Error(err)
	}
}
