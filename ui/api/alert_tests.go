package api

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// AlertTests sends marked tests from an evaluation to those who are told.
type AlertTests interface {
	// Begin asks for one. Errors: alerting.ErrNoAlerts, *alerting.DrillWaitError.
	Begin(ctx context.Context, by string, fn function.Function, class slo.Class) (wire.AlertTest, error)
	// Last is the last one of a function. Errors: alerting.ErrNoDrill.
	Last(ctx context.Context, name function.Name) (wire.AlertTest, error)
}

func (a *api) addAlertTests() {
	add(a, route{
		method: http.MethodPost, path: functionPath + "/alerts/test", id: "testAlerts", tag: "alerts",
		summary: "Test how the function is told of",
		detail: "A marked alert goes the whole way: evaluation, state, outbox, targets. It ends by itself when every target has answered, after 5 minutes at the latest, " +
			"and counts in no budget and no history. One a minute of a function, ten of all; else 429 with Retry-After. 409 alerts_off where nobody would be told.",
		action: access.Deploy, scope: ofFunction, body: wire.AskAlertTest{}, status: http.StatusAccepted,
	}, a.testAlerts)
	add(a, route{
		method: http.MethodGet, path: functionPath + "/alerts/test", id: "getAlertTest", tag: "alerts",
		summary: "How the last test of a function's alerts went",
		detail:  "With the time of each hop so far. 404 test_not_found where none was asked for since the server started.",
		action:  access.Read, scope: ofFunction,
	}, a.getAlertTest)
}

func (a *api) testAlerts(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.AlertTest], error) {
	if err := available(a.cfg.AlertTests != nil); err != nil {
		return nil, err
	}
	in := wire.AskAlertTest{}
	if err := decode(c, smallBody, &in); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	class := slo.Page
	switch in.Class {
	case "", string(slo.Page):
	case string(slo.Ticket):
		class = slo.Ticket
	default:
		return nil, refuse(http.StatusBadRequest, "invalid_request", "class is page or ticket.")
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	out, err := a.cfg.AlertTests.Begin(ctx, c.principal.Name, fn, class)
	var wait *alerting.DrillWaitError
	if errors.As(err, &wait) {
		seconds := strconv.Itoa(int(math.Ceil(wait.After.Seconds())))
		return nil, refuse(http.StatusTooManyRequests, "too_many_tests", "%s; try again in %s s.", sentence(wait.Why), seconds).with("Retry-After", seconds)
	}
	if err != nil {
		return nil, err
	}
	return ok(out)
}

func (a *api) getAlertTest(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.AlertTest], error) {
	if err := available(a.cfg.AlertTests != nil); err != nil {
		return nil, err
	}
	if _, err := a.cfg.Registry.Get(ctx, c.name); err != nil {
		return nil, err
	}
	out, err := a.cfg.AlertTests.Last(ctx, c.name)
	if err != nil {
		return nil, err
	}
	return ok(out)
}
