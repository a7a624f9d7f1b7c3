package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/pprof/profile"

	"hadron/ui/wire"
)

const spinning = `interface Order { total: number }

function tax(order: Order): number {
  let sum = 0;
  for (let i = 0; i < 3000; i++) {
    sum += (order.total * i) % 19;
  }
  return sum;
}

export default {
  fetch(): Response {
    return Response.json(tax({ total: 12 }));
  },
};
`

// A profile is taken of a function under load and names what its author wrote.
func TestProfile(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/shop/web/tax/versions", wire.Register{Source: spinning}, nil)
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/shop/web/idle/versions", wire.Register{Source: spinning}, nil)
	profiled := func(args ...string) (int, string, string) {
		var out, errs strings.Builder
		code := run(t.Context(), stdio{In: strings.NewReader(""), Out: &out, Err: &errs}, append([]string{"profile", "--server", p.url}, args...))
		return code, out.String(), errs.String()
	}

	stop := make(chan struct{})
	var callers sync.WaitGroup
	defer callers.Wait()
	defer close(stop)
	for range 2 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := http.Get(p.url + "/fn/shop/web/tax") //nolint:noctx // it ends with the server
				if err != nil {
					return
				}
				_ = resp.Body.Close()
			}
		})
	}

	file := filepath.Join(t.TempDir(), "tax.pprof")
	code, out, errs := profiled("shop/web/tax", "--seconds", "3", "-o", file)
	if code != exitOK || !strings.Contains(out, "tax") || !strings.Contains(out, "index.ts:6") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	written, err := profile.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := written.CheckValid(); err != nil || len(written.Sample) == 0 {
		t.Errorf("%d samples, %v", len(written.Sample), err)
	}

	code, out, errs = profiled("shop/web/tax@1", "--seconds", "2", "--json")
	var hot wire.List[hotFunction]
	if err := json.Unmarshal([]byte(out), &hot); err != nil || code != exitOK || len(hot.Items) == 0 {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	if top := hot.Items[0]; top.Function != "tax" || top.File != "index.ts" || top.Line < 5 || top.Line > 6 || top.Share < 0.5 {
		t.Errorf("the hottest is %+v", top)
	}

	if code, _, errs := profiled("shop/web/idle", "--seconds", "1"); code != exitRefused || !strings.Contains(errs, "no_samples") {
		t.Errorf("idle: exit code %d, %s", code, errs)
	}
	if code, _, _ := profiled("shop/web/none", "--seconds", "1"); code != exitRefused {
		t.Errorf("no such function: exit code %d", code)
	}
	if code, _, _ := profiled("shop/web/tax", "--seconds", "61"); code != exitUsage {
		t.Errorf("too long: exit code %d", code)
	}
}
