package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

// measureMemory is the heap that series take in the store once they have two samples,
// without what their writer keeps, and how fast they come into being.
func measureMemory(ctx context.Context, o options, f *figures) error {
	db, err := tsdb.Open(tsdb.Config{Dir: filepath.Join(o.dir, "memory")})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	before := heap()
	begun := time.Now()
	at := begun.Add(-time.Minute).UnixMilli()
	const portion = 10_000
	batch := make([]metric.Sample, 0, 2*portion)
	for from := 0; from < o.series; from += portion {
		batch = batch[:0]
		for i := from; i < min(from+portion, o.series); i++ {
			s := &metric.Series{Labels: metric.NewLabels("faas_invocations_total", metric.Job, metric.JobValue, metric.Instance, "node-1",
				metric.Team, fmt.Sprintf("team-%d", i%100), metric.Project, "web", metric.Function, fmt.Sprintf("fn-%d", i/10), metric.Version, fmt.Sprint(i%10))}
			batch = append(batch, metric.Sample{Series: s, T: at, V: 1}, metric.Sample{Series: s, T: at + 15_000, V: 2})
		}
		if err := db.Append(ctx, batch); err != nil {
			return err
		}
	}
	f.seriesRate = float64(o.series) / time.Since(begun).Seconds()
	clear(batch[:cap(batch)])
	f.memory = float64(heap()-before) / float64(o.series) * 1e6
	runtime.KeepAlive(db)
	return nil
}

// heap is the bytes of live objects.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
