package live

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/ui/wire"
)

// TestDocsNameEveryWord holds docs/live-protocol.md to the code.
func TestDocsNameEveryWord(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/live-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{
		wire.TypeHello, wire.TypeSubscribe, wire.TypeUnsubscribe, wire.TypeSnapshot, wire.TypeDelta, wire.TypeError, wire.TypeHeartbeat,
		wire.TopicOverview, wire.TopicSummary, wire.TopicGroups, wire.TopicAlerts, wire.TopicDeployments, wire.TopicFunction + "<team/project/name>", wire.TopicLogs + "<team/project/name>",
		wire.LiveInvalidMessage, wire.LiveUnknownTopic, wire.LiveNotFound, wire.LiveForbidden, wire.LiveTooMany, wire.LiveInternal,
		wire.LiveProtocol,
	}
	for _, word := range words {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/live-protocol.md does not name %s", word)
		}
	}
	for _, code := range []int{wire.CloseAccessChanged, wire.CloseUnauthorized, wire.CloseFlood} {
		if !strings.Contains(string(text), "| "+strconv.Itoa(code)+" |") {
			t.Errorf("docs/live-protocol.md does not name close code %d", code)
		}
	}
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []prometheus.Collector{m.clients, m.subscriptions, m.messages, m.bytes, m.conflated, m.resumes, m.lost, m.slow, m.refused, m.failures, m.delay} {
		descs := make(chan *prometheus.Desc, 1)
		c.Describe(descs)
		_, rest, _ := strings.Cut((<-descs).String(), `"hadron_live_`)
		name, _, _ := strings.Cut(rest, `"`)
		if name == "" || !strings.Contains(string(text), "_"+name) {
			t.Errorf("docs/live-protocol.md does not name hadron_live_%s", name)
		}
	}
}
