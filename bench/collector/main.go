// Command collector measures what collecting and querying cost: appends beside the
// raw store's, remote write, memory of series, a start behind a crash, every query
// of a generated dashboard among many functions, live health and the recorder. It
// writes its tables into docs/performance.md. See make bench-collector.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"hadron/bench/marked"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "collector:", err)
		os.Exit(1)
	}
}

type options struct {
	parts     []string
	functions int
	raw       time.Duration // of samples
	rolled    time.Duration // of rollups
	series    int           // of the memory measured
	benchtime time.Duration
	runs      int // of each query
	out       string
	dir       string
}

// parts are what can be measured, in their order.
var parts = []string{"append", "write", "recorder", "health", "memory", "query", "replay"}

func parse(args []string, w io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("collector", flag.ContinueOnError)
	flags.SetOutput(w)
	chosen := flags.String("parts", strings.Join(parts, ","), "what to measure, with commas between; replay needs what query fills")
	flags.IntVar(&o.functions, "functions", 10_000, "functions in the store that is queried")
	flags.DurationVar(&o.raw, "raw", 2*time.Hour, "length of their raw samples, one each 15 s")
	flags.DurationVar(&o.rolled, "rolled", 30*24*time.Hour, "length of their rollups")
	flags.IntVar(&o.series, "series", 300_000, "series whose memory is measured")
	flags.DurationVar(&o.benchtime, "benchtime", time.Second, "length of each benchmark")
	flags.IntVar(&o.runs, "runs", 3, "runs of each query; the middle one counts")
	flags.StringVar(&o.out, "write", "", "put the tables between the marks of this Markdown file")
	flags.StringVar(&o.dir, "dir", "", "folder for stores, to use again: filling takes minutes; default: a temporary one, removed at the end")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.parts = strings.Split(*chosen, ",")
	for _, part := range o.parts {
		if !slices.Contains(parts, part) {
			return o, fmt.Errorf("-parts: there is no %q; there are %s", part, strings.Join(parts, ", "))
		}
	}
	if o.measures("replay") && !o.measures("query") {
		return o, errors.New("-parts: replay needs query")
	}
	if o.functions < 1 || o.series < 1 || o.runs < 1 {
		return o, errors.New("-functions, -series and -runs must be at least 1")
	}
	return o, nil
}

func (o options) measures(part string) bool { return slices.Contains(o.parts, part) }

func run(ctx context.Context, args []string, progress io.Writer) error {
	o, err := parse(args, progress)
	if err != nil {
		return err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "hadron-collector-*"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.dir) }()
	}
	var f figures
	for _, step := range []struct {
		part    string
		measure func(context.Context, options, *figures) error
	}{
		{"append", measureAppend},
		{"write", measureWrite},
		{"recorder", measureRecorder},
		{"health", measureHealth},
		{"memory", measureMemory},
		{"query", measureQueries},
	} {
		if !o.measures(step.part) {
			continue
		}
		begun := time.Now()
		if err := step.measure(ctx, o, &f); err != nil {
			return fmt.Errorf("%s: %w", step.part, err)
		}
		fmt.Fprintf(progress, "%s took %s, CPU of this process %s\n", step.part, time.Since(begun).Round(time.Second), processorTime().Round(time.Second))
	}
	table := report(o, f)
	fmt.Fprintln(progress, table)
	if o.out == "" {
		return nil
	}
	return marked.Replace(o.out, "bench-collector", table)
}
