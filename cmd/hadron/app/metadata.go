package app

import (
	"context"

	"hadron/collector"
	"hadron/storage/tsdb/promapi"
)

// metadata is what /prometheus/api/v1/metadata says of the functions' series.
func (a *App) metadata(context.Context) map[string][]promapi.Metadata {
	out := map[string][]promapi.Metadata{}
	for name, d := range a.parts.collector.OwnDescriptions() {
		out[name] = []promapi.Metadata{{Type: d.Type, Help: d.Help}}
	}
	for name, d := range collector.Descriptions() {
		out[name] = []promapi.Metadata{{Type: d.Type, Help: d.Help, Unit: d.Unit}}
	}
	return out
}
