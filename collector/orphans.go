package collector

import (
	"context"
	"fmt"
	"strings"

	"hadron/collector/metric"
)

// orphans asks the store for the series that an earlier process of this node left
// behind. One that was killed ended none of them, and they would look alive until
// the store's lookback has passed, even of a function that is deleted meanwhile.
func (c *Collector) orphans(ctx context.Context) ([]metric.Labels, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, appendTimeout, errSlowStore)
	defer cancel()
	// Aggregations drop the name, so it is kept under another label meanwhile: and an
	// aggregation it must be, since it makes numbers of histograms.
	const named = "hadron_name"
	expr := fmt.Sprintf(`count without () (label_replace({%s=%q,%s=%q,%s!=""}, %q, "$1", %q, "(.+)"))`,
		metric.Job, metric.JobValue, metric.Instance, c.node, metric.Team, named, metric.Name)
	points, err := c.store.Query(ctx, expr, c.now())
	if err != nil {
		return nil, fmt.Errorf("look for series of an earlier process: %w", err)
	}
	out := make([]metric.Labels, len(points))
	for i, p := range points {
		pairs := make([]string, 0, 2*len(p.Labels))
		for _, l := range p.Labels {
			if l.Name != named {
				pairs = append(pairs, l.Name, l.Value)
			}
		}
		out[i] = metric.NewLabels(p.Labels.Get(named), pairs...)
	}
	return out, nil
}

// endOrphans ends those of the series that no function goes on with.
func (c *Collector) endOrphans(ctx context.Context, found []metric.Labels) error {
	if len(found) == 0 {
		return nil
	}
	if err := c.appendAll(ctx, true, false); err != nil {
		return err
	}
	c.passing.Lock()
	defer c.passing.Unlock()
	alive := map[string]bool{}
	for _, t := range c.functions() {
		for _, s := range t.written.series {
			alive[labelKey(s.Labels)] = true
		}
	}
	p := &pass{c: c, ctx: ctx, at: c.lastPass + 1}
	for _, labels := range found {
		if !alive[labelKey(labels)] {
			p.add(metric.Sample{Series: &metric.Series{Labels: labels}, T: p.at, V: metric.Stale})
		}
	}
	p.flush()
	return p.err
}

func labelKey(labels metric.Labels) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.Name + "\x00" + l.Value + "\x00")
	}
	return b.String()
}
