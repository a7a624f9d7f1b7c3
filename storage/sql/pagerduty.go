package sql

import (
	"context"
	"fmt"

	"hadron/alerting"
)

// PagerDuty keeps which service at PagerDuty belongs to which scope, and which business
// service to which team. It satisfies the stores that the adapter declares.
type PagerDuty struct{ db *DB }

// PagerDuty returns the store of services at PagerDuty.
func (db *DB) PagerDuty() *PagerDuty { return &PagerDuty{db} }

type serviceRow struct {
	Scope       string `db:"scope"`
	ID          string `db:"service_id"`
	Name        string `db:"name"`
	URL         string `db:"url"`
	Integration string `db:"integration_id"`
	RoutingKey  string `db:"routing_key"`
	Policy      string `db:"policy"`
	State       string `db:"state"`
	Hash        string `db:"hash"`
	DeletedAt   int64  `db:"deleted_at"`
	Confirmed   bool   `db:"confirmed"`
}

func (r serviceRow) service() alerting.Service {
	return alerting.Service{
		Scope: alerting.Scope(r.Scope), ID: r.ID, Name: r.Name, URL: r.URL, Integration: r.Integration,
		RoutingKey: r.RoutingKey, Policy: r.Policy, State: r.State, Hash: r.Hash, DeletedAt: fromMicrosOrZero(r.DeletedAt), Confirmed: r.Confirmed,
	}
}

// Services returns all services, by scope.
func (p *PagerDuty) Services(ctx context.Context) ([]alerting.Service, error) {
	var rows []serviceRow
	if err := p.db.reader.SelectContext(ctx, &rows, "SELECT * FROM pagerduty_services ORDER BY scope"); err != nil {
		return nil, fmt.Errorf("list services: %w", translate(err))
	}
	out := make([]alerting.Service, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.service())
	}
	return out, nil
}

// PutService makes or replaces the service of its scope.
func (p *PagerDuty) PutService(ctx context.Context, s alerting.Service) error {
	return p.db.write(ctx, func(tx tx) error {
		_, err := tx.exec(`INSERT INTO pagerduty_services
			(scope, service_id, name, url, integration_id, routing_key, policy, state, hash, deleted_at, confirmed)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (scope) DO UPDATE SET
				service_id = excluded.service_id, name = excluded.name, url = excluded.url,
				integration_id = excluded.integration_id, routing_key = excluded.routing_key, policy = excluded.policy,
				state = excluded.state, hash = excluded.hash, deleted_at = excluded.deleted_at,
				confirmed = excluded.confirmed`,
			string(s.Scope), s.ID, s.Name, s.URL, s.Integration, s.RoutingKey, s.Policy, s.State, s.Hash, microsOrZero(s.DeletedAt), s.Confirmed)
		if err != nil {
			return fmt.Errorf("put service: %w", err)
		}
		return nil
	})
}

// DeleteService forgets the service of a scope; one that is not there is no error.
func (p *PagerDuty) DeleteService(ctx context.Context, of alerting.Scope) error {
	return p.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM pagerduty_services WHERE scope = ?", string(of)); err != nil {
			return fmt.Errorf("delete service: %w", err)
		}
		return nil
	})
}

type businessRow struct {
	Team string `db:"team"`
	ID   string `db:"service_id"`
	Hash string `db:"hash"`
}

// BusinessServices returns all business services, by team.
func (p *PagerDuty) BusinessServices(ctx context.Context) ([]alerting.BusinessService, error) {
	var rows []businessRow
	if err := p.db.reader.SelectContext(ctx, &rows, "SELECT * FROM pagerduty_business_services ORDER BY team"); err != nil {
		return nil, fmt.Errorf("list business services: %w", translate(err))
	}
	out := make([]alerting.BusinessService, len(rows))
	for i, row := range rows {
		out[i] = alerting.BusinessService(row)
	}
	return out, nil
}

// PutBusinessService makes or replaces the business service of its team.
func (p *PagerDuty) PutBusinessService(ctx context.Context, s alerting.BusinessService) error {
	return p.db.write(ctx, func(tx tx) error {
		_, err := tx.exec(`INSERT INTO pagerduty_business_services (team, service_id, hash) VALUES (?, ?, ?)
			ON CONFLICT (team) DO UPDATE SET service_id = excluded.service_id, hash = excluded.hash`, s.Team, s.ID, s.Hash)
		if err != nil {
			return fmt.Errorf("put business service: %w", err)
		}
		return nil
	})
}

// DeleteBusinessService forgets that of a team; one that is not there is no error.
func (p *PagerDuty) DeleteBusinessService(ctx context.Context, team string) error {
	return p.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM pagerduty_business_services WHERE team = ?", team); err != nil {
			return fmt.Errorf("delete business service: %w", err)
		}
		return nil
	})
}
