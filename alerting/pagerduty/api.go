package pagerduty

import (
	"context"
	"errors"
	"net/http"

	pd "github.com/PagerDuty/go-pagerduty"
)

// api is the part of PagerDuty's REST API in use, with errors that say what happened.
type api struct {
	client *pd.Client
	origin string
	token  string
}

func newAPI(cfg Config, rt http.RoundTripper) *api {
	client := pd.NewClient(cfg.Token, pd.WithAPIEndpoint(cfg.APIURL), pd.WithV2EventsAPIEndpoint(cfg.EventsURL))
	client.HTTPClient = &http.Client{
		Transport: rt,
		// A redirect would take the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &api{client: client, origin: cfg.APIURL, token: cfg.Token}
}

// call runs one request and gives its error back whole: the client keeps only the
// text of a network error and of a deadline.
func (a *api) call(ctx context.Context, doing string, f func(context.Context) error) error {
	var x exchange
	err := f(context.WithValue(ctx, exchangeKey{}, &x))
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		reason := context.Cause(ctx)
		return &Error{Doing: doing, Text: plain(reason.Error(), a.token), cause: reason}
	}
	switch {
	case x.err != nil:
		return &Error{Doing: doing, Text: plain(x.err.Error(), a.token), cause: x.err}
	case x.status >= 200 && x.status < 300:
		return &Error{Doing: doing, Status: http.StatusBadGateway, Text: "its answer is not what its API describes"}
	}
	return &Error{Doing: doing, Status: x.status, Text: plain(refusal(err), a.token)}
}

const (
	pageSize = 100    // the most that PagerDuty gives
	maxList  = 10_000 // it lists no more than that
)

var errEndless = errors.New("PagerDuty lists no more than 10,000")

// services lists all services of the account, without their keys.
func (a *api) services(ctx context.Context) ([]pd.Service, error) {
	var out []pd.Service
	err := a.pages(ctx, "list services", func(ctx context.Context, offset uint) (int, bool, error) {
		r, err := a.client.ListServicesWithContext(ctx, pd.ListServiceOptions{Limit: pageSize, Offset: offset, SortBy: "name"})
		if err != nil {
			return 0, false, err
		}
		out = append(out, r.Services...)
		return len(r.Services), r.More, nil
	})
	return out, err
}

// policies lists all escalation policies.
func (a *api) policies(ctx context.Context) ([]pd.EscalationPolicy, error) {
	var out []pd.EscalationPolicy
	err := a.pages(ctx, "list escalation policies", func(ctx context.Context, offset uint) (int, bool, error) {
		r, err := a.client.ListEscalationPoliciesWithContext(ctx, pd.ListEscalationPoliciesOptions{Limit: pageSize, Offset: offset, SortBy: "name"})
		if err != nil {
			return 0, false, err
		}
		out = append(out, r.EscalationPolicies...)
		return len(r.EscalationPolicies), r.More, nil
	})
	return out, err
}

// pages never gives a part for the whole.
func (a *api) pages(ctx context.Context, doing string, page func(context.Context, uint) (int, bool, error)) error {
	for offset := uint(0); ; offset += pageSize {
		if offset+pageSize > maxList {
			return &Error{Doing: doing, Status: http.StatusBadRequest, Text: errEndless.Error()}
		}
		var more bool
		err := a.call(ctx, doing, func(ctx context.Context) (err error) {
			_, more, err = page(ctx, offset)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

func (a *api) service(ctx context.Context, id string) (*pd.Service, error) {
	var out *pd.Service
	err := a.call(ctx, "get service", func(ctx context.Context) (err error) {
		out, err = a.client.GetServiceWithContext(ctx, id, &pd.GetServiceOptions{})
		return err
	})
	return out, err
}

func (a *api) createService(ctx context.Context, s pd.Service) (*pd.Service, error) {
	var out *pd.Service
	err := a.call(ctx, "create service", func(ctx context.Context) (err error) {
		out, err = a.client.CreateServiceWithContext(ctx, s)
		return err
	})
	return out, err
}

func (a *api) updateService(ctx context.Context, s pd.Service) (*pd.Service, error) {
	var out *pd.Service
	err := a.call(ctx, "update service", func(ctx context.Context) (err error) {
		out, err = a.client.UpdateServiceWithContext(ctx, s)
		return err
	})
	return out, err
}

func (a *api) deleteService(ctx context.Context, id string) error {
	return a.call(ctx, "delete service", func(ctx context.Context) error {
		return a.client.DeleteServiceWithContext(ctx, id)
	})
}

func (a *api) createIntegration(ctx context.Context, service string) (*pd.Integration, error) {
	var out *pd.Integration
	err := a.call(ctx, "create integration", func(ctx context.Context) (err error) {
		out, err = a.client.CreateIntegrationWithContext(ctx, service, pd.Integration{
			APIObject: pd.APIObject{Type: integrationType}, Name: integrationName,
			Service: &pd.APIObject{ID: service, Type: "service_reference"},
		})
		return err
	})
	return out, err
}

func (a *api) integration(ctx context.Context, service, id string) (*pd.Integration, error) {
	var out *pd.Integration
	err := a.call(ctx, "get integration", func(ctx context.Context) (err error) {
		out, err = a.client.GetIntegrationWithContext(ctx, service, id, pd.GetIntegrationOptions{})
		return err
	})
	return out, err
}

// openIncidents reports whether a service has incidents that nobody resolved.
func (a *api) openIncidents(ctx context.Context, service string) (bool, error) {
	open := false
	err := a.call(ctx, "list incidents", func(ctx context.Context) error {
		r, err := a.client.ListIncidentsWithContext(ctx, pd.ListIncidentsOptions{
			Limit: 1, ServiceIDs: []string{service}, Statuses: []string{"triggered", "acknowledged"}, DateRange: "all",
		})
		if err != nil {
			return err
		}
		open = len(r.Incidents) > 0
		return nil
	})
	return open, err
}
