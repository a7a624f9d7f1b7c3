// Command compare measures Hadron beside what it could be mistaken for: the same
// functions, load generator and machine, in rounds that take turns. It writes the
// tables of docs/performance.md. See make bench-runtime.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// options say what is measured, and with which programs.
type options struct {
	rounds      int
	duration    time.Duration
	warmup      time.Duration
	connections int
	systems     []string
	workloads   []string
	hadron      string // the binary
	ceiling     string // the binary
	peers       string // folder of the peers and the functions
	out         string // Markdown file with the markers; empty: print only
}

func parse(args []string, w io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(w)
	systems := flags.String("systems", "", "only these, with commas between: "+strings.Join(systemNames(), ","))
	workloads := flags.String("workloads", "", "only these, with commas between: "+strings.Join(workloadNames(), ","))
	flags.IntVar(&o.rounds, "rounds", 3, "rounds of each pair; the median counts")
	flags.DurationVar(&o.duration, "duration", 3*time.Second, "length of one measurement")
	flags.DurationVar(&o.warmup, "warmup", time.Second, "load before the first measurement of each")
	flags.IntVar(&o.connections, "connections", 32, "connections that wrk keeps busy, on one thread")
	flags.StringVar(&o.hadron, "hadron", "bin/hadron", "the program to measure")
	flags.StringVar(&o.ceiling, "ceiling", "bin/bench-ceiling", "the ceiling's program")
	flags.StringVar(&o.peers, "peers", "bench/peers", "folder of peers and functions")
	flags.StringVar(&o.out, "write", "", "put the tables between the marks of this Markdown file")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.peers, err = filepath.Abs(o.peers); err != nil {
		return o, err
	}
	if o.systems, err = pick(*systems, systemNames()); err != nil {
		return o, err
	}
	if o.workloads, err = pick(*workloads, workloadNames()); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.duration < time.Second {
		return o, errors.New("at least one round of a second is needed")
	}
	return o, nil
}

// pick reads a list of names, all of them for an empty one.
func pick(list string, all []string) ([]string, error) {
	if list == "" {
		return all, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("there is no %q among %s", name, strings.Join(all, ", "))
		}
	}
	return names, nil
}

func run(ctx context.Context, args []string, progress io.Writer) error {
	o, err := parse(args, progress)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("wrk"); err != nil {
		return errors.New("wrk is not installed: it is Debian's package wrk (apt-get install wrk)")
	}
	scratch, err := os.MkdirTemp("", "hadron-bench-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	b := &bench{options: o, progress: progress, scratch: scratch}
	if err := b.upstream.start(ctx); err != nil {
		return err
	}
	defer b.upstream.stop()
	results, err := b.measure(ctx)
	if err != nil {
		return err
	}
	tables := report(o, results)
	fmt.Fprintln(progress, tables)
	if o.out == "" {
		return nil
	}
	return marked.Replace(o.out, "bench-runtime", tables)
}
