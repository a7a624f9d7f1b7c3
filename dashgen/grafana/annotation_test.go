package grafana_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/dashgen"
	"hadron/dashgen/grafana/grafanatest"
	"hadron/runtime/delivery"
)

func notice(cursor int64) delivery.Notice {
	return delivery.Notice{
		Cursor: cursor, Function: "shop/web/cart", Kind: "deployed", Text: "shop/web/cart: live is at @2", By: "ada",
		Message: "<b>faster</b>", Time: time.UnixMilli(1_790_000_000_000),
	}
}

// A mark whose answer was lost is found again by its tag, and one on a dashboard that is
// not there yet is on none.
func TestAnnotationsAreMadeOnce(t *testing.T) {
	s := grafanatest.New(t)
	g := target(t, s)
	if err := g.Annotate(t.Context(), notice(1), true); err != nil {
		t.Fatal(err)
	}
	pass(t, g, fns("shop/web/cart"))
	s.SetFault(grafanatest.Fault{Drop: true, After: true, Times: 1})
	if err := g.Annotate(t.Context(), notice(2), false); err == nil {
		t.Fatal("a lost answer is no error")
	}
	s.ClearFaults()
	for range 2 {
		if err := g.Annotate(t.Context(), notice(2), true); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Annotations()
	if len(got) != 2 || got[0].DashboardUID != "" || got[1].DashboardUID != dashgen.UID("home", "shop/web/cart") || got[1].Time != 1_790_000_000_000 {
		t.Fatalf("%+v", got)
	}
	if text := got[1].Text; strings.Contains(text, "<b>") || !strings.Contains(text, "ada") || !strings.Contains(text, "@2") {
		t.Errorf("text %q", text)
	}
	s.SetFault(grafanatest.Fault{Status: http.StatusForbidden})
	if err := g.Annotate(t.Context(), notice(3), false); err == nil || errors.Is(err, delivery.ErrUnwanted) {
		t.Errorf("a refusal that may end: %v", err)
	}
}
