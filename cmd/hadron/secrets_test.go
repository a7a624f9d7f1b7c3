package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

// leaky does with a secret what it should not, in every way that there is.
const leaky = `
export default {
  async fetch(request: Request, env: Record<string, string>, ctx: any): Promise<Response> {
    const key = env.API_KEY;
    console.log("key", key, { nested: [key] });
    console.error("Basic " + btoa("user:" + key));
    ctx.log("with fields", { key, at: encodeURIComponent(key), list: [key], [key]: 1, hex: [...new TextEncoder().encode(key)].map(b => b.toString(16).padStart(2, "0")).join("") });
    ctx.log.error(new Error("inner " + key));
    metrics.counter("leaks", { key }).add(1);
    try { await fetch("http://" + key.toLowerCase().replace(/[^a-z0-9]/g, "") + ".invalid/" + key); } catch (e) { console.warn(e); }
    const path = new URL(request.url).pathname;
    if (path === "/throw") { const e = new TypeError("cannot use " + key); e.name = "E" + key; throw e; }
    if (path === "/reject") { ctx.waitUntil(Promise.reject(new Error("later " + key))); }
    if (path === "/bad") { return { key } as any; }
    return new Response(path === "/tell" ? key : String(key.length));
  },
};
`

// spelt are the ways in which a secret must be nowhere.
func spelt(secret string) []string {
	return []string{
		secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)],
		base64.StdEncoding.EncodeToString([]byte("user:" + secret))[8:20],
	}
}

func holdsSecret(data []byte, secrets ...string) string {
	for _, secret := range secrets {
		for _, form := range spelt(secret) {
			if bytes.Contains(data, []byte(form)) {
				return form
			}
		}
	}
	return ""
}

const (
	leakyName = "vault/core/leaky"
	leakyPath = "/api/v1/functions/" + leakyName
)

// A secret reaches its function, and nothing else: no log, metric, dashboard, page,
// API, websocket, file or process table.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const first, second = "sk-live+FIRST/9f8e7d6c5b4a==x", "sk-live+SECOND/0a1b2c3d4e5f==y"
	o := newOperated(t)
	var mu sync.Mutex
	var sentOn []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		sentOn = append(sentOn, body...)
		w.WriteHeader(http.StatusOK)
	}))
	defer receiver.Close()
	o.start(t, "--traces.sample", "1", "--traces.otlp.url", receiver.URL+"/v1/traces",
		"--logs.loki.url", receiver.URL+"/loki/api/v1/push", "--logs.otlp.url", receiver.URL+"/v1/logs")
	register := wire.Register{Source: leaky, Manifest: json.RawMessage(`{"secrets":["API_KEY"],"slo":{"window":"1h"}}`)}
	var refused wire.Problem
	o.want(http.StatusUnprocessableEntity, http.MethodPost, leakyPath+"/versions", register, &refused)
	if refused.Code != "secret_missing" || !strings.Contains(refused.Detail, "API_KEY") {
		t.Errorf("%+v", refused)
	}
	secretPath := "/api/v1/teams/vault/projects/core/secrets/API_KEY"
	o.want(http.StatusOK, http.MethodPut, secretPath, wire.PutSecret{Value: first}, nil)
	o.want(http.StatusCreated, http.MethodPost, leakyPath+"/versions", register, nil)
	socket := listenLive(t, o.process)

	tell := func() string {
		status, body := o.call(http.MethodGet, "/fn/"+leakyName+"/tell", nil)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return string(body)
	}
	if got := tell(); got != first {
		t.Fatalf("the function got %q", got)
	}
	var answers []byte
	leak := func() {
		for _, path := range []string{"/", "/throw", "/reject", "/bad"} {
			_, body := o.call(http.MethodGet, "/fn/"+leakyName+path, nil)
			answers = append(answers, body...)
		}
	}
	leak()
	// A rotation is in effect without a deploy: each call that begins after the answer.
	o.want(http.StatusOK, http.MethodPut, secretPath, wire.PutSecret{Value: second}, nil)
	eventually(t, "the rotated value is used", 5*time.Second, func() (bool, string) {
		got := tell()
		return got == second, got
	})
	leak()
	if !bytes.Contains(answers, []byte("[redacted API_KEY]")) {
		t.Errorf("the problems do not say that something was redacted: %s", answers)
	}
	looked := map[string][]byte{"answers": answers}

	eventually(t, "the lines are there", 10*time.Second, func() (bool, string) {
		_, looked["logs"] = o.call(http.MethodGet, leakyPath+"/logs?limit=10000", nil)
		n := bytes.Count(looked["logs"], []byte("[redacted API_KEY]"))
		return n > 20, fmt.Sprint(n)
	})
	eventually(t, "the metric is there", 30*time.Second, func() (bool, string) {
		_, found := o.query(`leaks_total`, time.Time{})
		return found, ""
	})
	callers(t, func() string { return "/fn/" + leakyName + "/throw" }, func() *process { return o.process })
	eventually(t, "somebody is paged", time.Minute, func() (bool, string) {
		n := o.open()
		return n > 0, fmt.Sprint(n)
	})
	incidents, err := json.Marshal(o.pager.Incidents())
	if err != nil {
		t.Fatal(err)
	}
	looked["pages"] = incidents
	for _, path := range []string{
		leakyPath, leakyPath + "/versions", leakyPath + "/versions/1", leakyPath + "/errors", leakyPath + "/operability", leakyPath + "/dashboard",
		leakyPath + "/deployments", "/api/v1/alerts", "/api/v1/system", "/api/v1/teams", "/api/v1/teams/vault", "/api/v1/teams/vault/projects/core/secrets",
		"/metrics", `/prometheus/api/v1/series?match[]={__name__!=""}`, `/prometheus/api/v1/labels`,
	} {
		status, body := o.call(http.MethodGet, path, nil)
		if status != http.StatusOK {
			t.Errorf("GET %s: %d", path, status)
		}
		looked[path] = body
	}
	looked["websocket"] = socket()
	var traces wire.List[wire.Trace]
	o.want(http.StatusOK, http.MethodGet, leakyPath+"/traces?error=true", nil, &traces)
	if len(traces.Items) == 0 {
		t.Error("the failures have no trace")
	}
	for _, one := range traces.Items {
		_, looked["trace "+one.ID] = o.call(http.MethodGet, leakyPath+"/traces/"+one.ID, nil)
	}
	eventually(t, "logs and traces are sent on", 20*time.Second, func() (bool, string) {
		mu.Lock()
		defer mu.Unlock()
		looked["what is sent on"] = bytes.Clone(sentOn)
		return bytes.Count(sentOn, []byte("[redacted API_KEY]")) > 20 && bytes.Contains(sentOn, []byte("exception.message")) &&
			bytes.Contains(sentOn, []byte(`"streams"`)) && bytes.Contains(sentOn, []byte("resourceLogs")), ""
	})
	processTable(t, o.cmd.Process.Pid, looked)
	if code := o.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	looked["the server's log"] = []byte(o.log())
	err = filepath.WalkDir(o.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			looked[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for where, data := range looked {
		if form := holdsSecret(data, first, second); form != "" {
			at := bytes.Index(data, []byte(form))
			t.Errorf("%s holds the secret as %q: …%s…", where, form, data[max(0, at-80):min(len(data), at+40)])
		}
	}
}

// listenLive follows all that the websocket has of the function, and returns it.
func listenLive(t *testing.T, p *process) func() []byte {
	t.Helper()
	api, err := client.New(p.url, p.token)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := api.Live(t.Context(), "overview", "function:"+leakyName, "alerts", "logs:"+leakyName, "deployments")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan []byte, 1)
	go func() {
		var all []byte
		for {
			m, err := stream.Next(t.Context())
			if err != nil {
				heard <- all
				return
			}
			for _, item := range m.Items {
				all = append(all, item...)
			}
		}
	}()
	return func() []byte {
		_ = stream.Close()
		return <-heard
	}
}

// processTable adds what the system shows of the server and its workers.
func processTable(t *testing.T, server int, looked map[string][]byte) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Log("there is no /proc to look into")
		return
	}
	workers := 0
	for _, dir := range dirs {
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		if err != nil {
			continue // it has ended
		}
		mine := filepath.Base(dir) == strconv.Itoa(server)
		if strings.Contains(string(status), fmt.Sprintf("PPid:\t%d\n", server)) {
			mine, workers = true, workers+1
		}
		for _, file := range []string{"environ", "cmdline"} {
			if data, err := os.ReadFile(filepath.Join(dir, file)); mine && err == nil {
				looked[filepath.Join(dir, file)] = data
			}
		}
	}
	if workers == 0 {
		t.Error("no worker was found")
	}
}

// kill -9 in the middle of a rekey: every secret is readable before, between and
// after, and the next rekey completes it.
func TestRekeyIsKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, next := filepath.Join(dir, "old.key"), filepath.Join(dir, "next.key")
	for path, b := range map[string]byte{old: 1, next: 2} {
		if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const n = 60
	names, _ := json.Marshal(func() (list []string) {
		for i := range n {
			list = append(list, fmt.Sprint("S", i))
		}
		return list
	}())
	const reader = `export default { fetch: (_: Request, env: any) => Response.json(Object.keys(env).filter(k => k[0] === "S" && env[k] === "value of " + k).length) }`
	p := startServer(t, dir, "--dev", "--quotas.secrets", "1000", "--secrets.key-file", old)
	for i := range n {
		p.want(http.StatusOK, http.MethodPut, fmt.Sprint("/api/v1/teams/vault/secrets/S", i), wire.PutSecret{Value: fmt.Sprint("value of S", i)}, nil)
	}
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/vault/core/reader/versions", wire.Register{Source: reader, Manifest: json.RawMessage(`{"secrets":` + string(names) + `}`)}, nil)
	check := func() {
		t.Helper()
		if status, body := p.call(http.MethodGet, "/fn/vault/core/reader", nil); status != http.StatusOK || strings.TrimSpace(string(body)) != fmt.Sprint(n) {
			t.Fatalf("%d %s of %d secrets", status, body, n)
		}
	}
	check()
	keysOf := func() map[string]int {
		var list wire.List[wire.Secret]
		p.want(http.StatusOK, http.MethodGet, "/api/v1/teams/vault/secrets?limit=1000", nil, &list)
		out := map[string]int{}
		for _, s := range list.Items {
			out[s.KeyID]++
		}
		return out
	}
	var first string
	for first = range keysOf() { // all are sealed with one key
	}
	moved := func() int { return n - keysOf()[first] }
	for range 3 {
		p.kill()
		p = startServer(t, dir, "--dev", "--quotas.secrets", "1000", "--secrets.key-file", next, "--secrets.old-key-files", old)
		go func(p *process) { // its answer never comes
			req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/secrets/rekey", nil)
			if err != nil {
				return
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}(p)
		before := moved()
		eventually(t, "the rekey has begun", 10*time.Second, func() (bool, string) {
			now := moved()
			return now > before || now == n, fmt.Sprint(now)
		})
		t.Logf("killed with %d of %d moved", moved(), n)
	}
	p.kill()
	p = startServer(t, dir, "--dev", "--quotas.secrets", "1000", "--secrets.key-file", next, "--secrets.old-key-files", old)
	check()
	p.want(http.StatusOK, http.MethodPost, "/api/v1/secrets/rekey", nil, nil)
	if keys := keysOf(); len(keys) != 1 {
		t.Errorf("sealed with %v", keys)
	}
	p.kill()
	p = startServer(t, dir, "--dev", "--secrets.key-file", next) // the old key is gone
	check()
}
