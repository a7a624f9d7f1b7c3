package pagerduty

import (
	"context"
	"fmt"
	"net/http"

	pd "github.com/PagerDuty/go-pagerduty"
)

func (a *api) businessServices(ctx context.Context) ([]*pd.BusinessService, error) {
	var out []*pd.BusinessService
	for offset := 0; offset+pageSize <= maxList; offset += pageSize {
		var page struct {
			More  bool                  `json:"more"`
			Items []*pd.BusinessService `json:"business_services"`
		}
		path := fmt.Sprintf("/business_services?limit=%d&offset=%d", pageSize, offset)
		if err := a.ask(ctx, "list business services", http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		if out = append(out, page.Items...); !page.More {
			return out, nil
		}
	}
	return nil, &Error{Doing: "list business services", Status: http.StatusBadRequest, Text: errEndless.Error()}
}

func (a *api) createBusinessService(ctx context.Context, s pd.BusinessService) (*pd.BusinessService, error) {
	var out *pd.BusinessService
	err := a.call(ctx, "create business service", func(ctx context.Context) (err error) {
		out, err = a.client.CreateBusinessServiceWithContext(ctx, &s)
		return err
	})
	return out, err
}

func (a *api) updateBusinessService(ctx context.Context, s pd.BusinessService) (*pd.BusinessService, error) {
	var out *pd.BusinessService
	err := a.call(ctx, "update business service", func(ctx context.Context) (err error) {
		out, err = a.client.UpdateBusinessServiceWithContext(ctx, &s) // takes the id away from s
		return err
	})
	return out, err
}

func (a *api) deleteBusinessService(ctx context.Context, id string) error {
	return a.call(ctx, "delete business service", func(ctx context.Context) error {
		return a.client.DeleteBusinessServiceWithContext(ctx, id)
	})
}

func (a *api) dependencies(ctx context.Context, id string) ([]*pd.ServiceDependency, error) {
	var out []*pd.ServiceDependency
	err := a.call(ctx, "list service dependencies", func(ctx context.Context) error {
		r, err := a.client.ListBusinessServiceDependenciesWithContext(ctx, id)
		if err == nil {
			out = r.Relationships
		}
		return err
	})
	return out, err
}

func (a *api) associate(ctx context.Context, id string, services []string) error {
	return a.call(ctx, "associate services", func(ctx context.Context) error {
		_, err := a.client.AssociateServiceDependenciesWithContext(ctx, relations(id, services))
		return err
	})
}

func (a *api) disassociate(ctx context.Context, id string, services []string) error {
	return a.call(ctx, "disassociate services", func(ctx context.Context) error {
		_, err := a.client.DisassociateServiceDependenciesWithContext(ctx, relations(id, services))
		return err
	})
}

// relations says that services support a business service.
func relations(id string, services []string) *pd.ListServiceDependencies {
	out := &pd.ListServiceDependencies{}
	for _, s := range services {
		out.Relationships = append(out.Relationships, &pd.ServiceDependency{
			SupportingService: &pd.ServiceObj{ID: s, Type: "service"}, DependentService: &pd.ServiceObj{ID: id, Type: "business_service"},
		})
	}
	return out
}
