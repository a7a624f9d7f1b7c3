package sql

import (
	"context"
	"fmt"

	"hadron/alerting"
	"hadron/runtime/function"
)

// PagerDuty keeps which service at PagerDuty belongs to which function. It satisfies
// the Store that the adapter declares.
type PagerDuty struct{ db *DB }

// PagerDuty returns the store of services at PagerDuty.
func (db *DB) PagerDuty() *PagerDuty { return &PagerDuty{db} }

type serviceRow struct {
	Function    string `db:"function"`
	ID          string `db:"service_id"`
	Name        string `db:"name"`
	URL         string `db:"url"`
	Integration string `db:"integration_id"`
	RoutingKey  string `db:"routing_key"`
	Policy      string `db:"policy"`
	State       string `db:"state"`
	Hash        string `db:"hash"`
	DeletedAt   int64  `db:"deleted_at"`
}

func (r serviceRow) service() alerting.Service {
	return alerting.Service{
		Function: function.Name(r.Function), ID: r.ID, Name: r.Name, URL: r.URL, Integration: r.Integration,
		RoutingKey: r.RoutingKey, Policy: r.Policy, State: r.State, Hash: r.Hash, DeletedAt: fromMicrosOrZero(r.DeletedAt),
	}
}

// Services returns all services, by function.
func (p *PagerDuty) Services(ctx context.Context) ([]alerting.Service, error) {
	var rows []serviceRow
	if err := p.db.reader.SelectContext(ctx, &rows, "SELECT * FROM pagerduty_services ORDER BY function"); err != nil {
		return nil, fmt.Errorf("list services: %w", translate(err))
	}
	out := make([]alerting.Service, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.service())
	}
	return out, nil
}

// PutService makes or replaces the service of its function.
func (p *PagerDuty) PutService(ctx context.Context, s alerting.Service) error {
	return p.db.write(ctx, func(tx tx) error {
		_, err := tx.exec(`INSERT INTO pagerduty_services
			(function, service_id, name, url, integration_id, routing_key, policy, state, hash, deleted_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (function) DO UPDATE SET
				service_id = excluded.service_id, name = excluded.name, url = excluded.url,
				integration_id = excluded.integration_id, routing_key = excluded.routing_key, policy = excluded.policy,
				state = excluded.state, hash = excluded.hash, deleted_at = excluded.deleted_at`,
			string(s.Function), s.ID, s.Name, s.URL, s.Integration, s.RoutingKey, s.Policy, s.State, s.Hash, microsOrZero(s.DeletedAt))
		if err != nil {
			return fmt.Errorf("put service: %w", err)
		}
		return nil
	})
}

// DeleteService forgets the service of a function; one that is not there is no error.
func (p *PagerDuty) DeleteService(ctx context.Context, name function.Name) error {
	return p.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM pagerduty_services WHERE function = ?", string(name)); err != nil {
			return fmt.Errorf("delete service: %w", err)
		}
		return nil
	})
}
