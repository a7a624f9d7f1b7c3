package tsdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

var noOptions storage.AOptions

func labelsOf(name string) labels.Labels { return labels.FromStrings("__name__", name) }

const crashVariable = "HADRON_TSDB_CRASH_DIR"

func crashDir() string { return os.Getenv(crashVariable) }

// crashingWriter is the child process: it appends and says so until it is killed.
func crashingWriter(dir string) {
	db, err := tsdb.Open(tsdb.Config{Dir: dir})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	_, newest := db.Bounds()
	counter, begun := series("crash_total"), max(newest.UnixMilli(), time.Now().Add(-time.Minute).UnixMilli())
	for i := 1; ; i++ {
		if err := db.Append(context.Background(), []metric.Sample{{Series: counter, T: begun + int64(i), V: float64(i)}}); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println("stored", i)
	}
}

func TestKill9LosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	last := 0
	for range 2 { // the second child finds the first one's leavings
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), crashVariable+"="+dir)
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for stored := 0; stored < 500 && lines.Scan(); stored++ {
			if _, err := fmt.Sscanf(lines.Text(), "stored %d", &last); err != nil {
				t.Fatal(lines.Text())
			}
		}
		if _, err := tsdb.Open(tsdb.Config{Dir: dir}); !errors.Is(err, tsdb.ErrLocked) || !strings.Contains(err.Error(), dir) {
			t.Errorf("while the child runs: %v", err)
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it stored before it died
			_, _ = fmt.Sscanf(lines.Text(), "stored %d", &last)
		}
		_ = child.Wait() // killed, as asked
		if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
			t.Error("the child left no lock file:", err)
		}
	}
	db := open(t, tsdb.Config{Dir: dir})
	points, err := db.Query(t.Context(), "crash_total", time.Now())
	if err != nil || len(points) != 1 || points[0].V < float64(last) {
		t.Errorf("%+v, %v; the child had stored %d", points, err, last)
	}
	if err := db.Append(t.Context(), []metric.Sample{{Series: series("crash_total"), T: time.Now().UnixMilli(), V: 1}}); err != nil {
		t.Error("append after replay:", err)
	}
}

func TestReopen(t *testing.T) {
	dir, counter, at := t.TempDir(), series("kept_total"), base()
	for i := range 3 {
		db, err := tsdb.Open(tsdb.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		sample := metric.Sample{Series: counter, T: at.Add(time.Duration(i) * time.Second).UnixMilli(), V: float64(i)}
		if err := db.Append(t.Context(), []metric.Sample{sample}); err != nil {
			t.Fatal(err)
		}
		points, err := db.Query(t.Context(), "count_over_time(kept_total[1m])", at.Add(10*time.Second))
		if err != nil || len(points) != 1 || points[0].V != float64(i+1) {
			t.Errorf("run %d: %+v, %v", i, points, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Error("second close:", err)
		}
	}
}
