package registry

import (
	"context"
	"fmt"
	"slices"

	"hadron/runtime/function"
)

// Delivery is a move of a deployment.
type Delivery struct {
	By      string
	Message string
	Kind    Kind
	Name    function.Name
	Alias   string
	Weights []function.Weight // nil: the alias stays as it is
	// Revision is the one that the alias must still have.
	Revision int64
	// Settle says that live means the version now. Otherwise its objectives and the way
	// back stay those of the version before, whatever the weights.
	Settle bool
	Beside any // written in the same transaction
}

// Deliver writes a move and returns its change's cursor. Errors: ErrNotFound,
// ErrVersionNotFound, and ErrStale where the alias, or what is beside it, was changed
// since it was read.
func (r *Registry) Deliver(ctx context.Context, d Delivery) (int64, error) {
	rec, err := r.write(ctx, d.Name, func(cur Record) (*edit, error) {
		if !cur.exists() {
			return nil, notFound(d.Name)
		}
		alias, there := cur.Function.Alias(d.Alias)
		if !there || alias.Revision != d.Revision {
			return nil, fmt.Errorf("%s@%s: %w", d.Name, d.Alias, ErrStale)
		}
		e := begin(cur, d.Kind, d.By, d.Message)
		e.beside, e.held = d.Beside, !d.Settle
		if d.Weights == nil {
			return e, nil
		}
		alias.Weights, alias.Parts = slices.Clone(d.Weights), nil // who meets what is of the weights before
		return r.repoint(ctx, e, alias)
	})
	if err != nil {
		return 0, err
	}
	return rec.Revision, nil
}
