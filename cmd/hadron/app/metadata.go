package app

import (
	"context"

	"hadron/collector"
	"hadron/runtime/access"
	"hadron/storage/tsdb/promapi"
)

// metadata is what /prometheus/api/v1/metadata says of the functions' series.
// Of what functions count themselves, names and help are their team's: they are
// told to those who see every team.
func (a *App) metadata(ctx context.Context) map[string][]promapi.Metadata {
	out := map[string][]promapi.Metadata{}
	if who, _ := ctx.Value(principalKey{}).(access.Principal); overall(who) {
		for name, d := range a.parts.collector.OwnDescriptions() {
			out[name] = []promapi.Metadata{{Type: d.Type, Help: d.Help}}
		}
	}
	for name, d := range collector.Descriptions() {
		out[name] = []promapi.Metadata{{Type: d.Type, Help: d.Help, Unit: d.Unit}}
	}
	return out
}
