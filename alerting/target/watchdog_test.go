package target_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/alerting/target"
)

func TestHeartbeat(t *testing.T) {
	got := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		got <- r.Method + " " + string(body)
	}))
	defer server.Close()
	configs, err := load(t, "targets: [{name: snitch, type: heartbeat, url: "+server.URL+"}]", nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := configs[0].Describe(); d.Watchdog != time.Minute || !d.Only {
		t.Errorf("%+v", d)
	}
	s := target.NewSender(configs[0], target.Options{Installation: "test"})
	for _, e := range []alerting.Event{event(alerting.Trigger), {Action: alerting.Trigger, Watchdog: true, Timestamp: "now", Until: "soon"}} {
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if text := <-got; text != `POST {"installation":"test","timestamp":"now","until":"soon"}` || len(got) != 0 {
		t.Errorf("%s, and %d more", text, len(got))
	}
}

func TestWatchdogSettings(t *testing.T) {
	for text, want := range map[string]string{
		"{name: a, type: slack, url: http://x, watchdog: 1m}":        "leave watchdog out",
		"{name: a, type: heartbeat, url: http://x, watchdog: 1s}":    "from 10s to 1h",
		"{name: a, type: alertmanager, url: http://x, watchdog: no}": "from 10s to 1h",
	} {
		if _, err := load(t, "targets: ["+text+"]", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	configs, err := load(t, "targets: [{name: a, type: alertmanager, url: http://x, watchdog: 30s}]", nil)
	if err != nil || configs[0].Describe().Watchdog != 30*time.Second || configs[0].Describe().Only {
		t.Errorf("%+v, %v", configs, err)
	}
}
