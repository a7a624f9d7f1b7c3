// Command density measures what many functions cost: memory and time of a call with
// a hundred, ten thousand and a hundred thousand of them registered, and the first
// call of one that was never loaded. It writes its table into docs/performance.md.
// See make bench-density.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
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
		fmt.Fprintln(os.Stderr, "density:", err)
		os.Exit(1)
	}
}

type options struct {
	counts   []int
	kinds    []string // of isolation
	hadron   string
	keep     string // folder of filled indexes, to use again
	out      string
	limit    string // GOMEMLIMIT of the server
	duration time.Duration
	settle   time.Duration
}

func parse(args []string, w io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("density", flag.ContinueOnError)
	flags.SetOutput(w)
	counts := flags.String("functions", "100,10000,100000", "how many functions, one server after another")
	kinds := flags.String("isolation", "worker,inprocess", "kinds of isolation, with commas between")
	flags.StringVar(&o.hadron, "hadron", "bin/hadron", "the program to measure")
	flags.StringVar(&o.keep, "keep", "", "folder to keep the filled indexes in, and to find them again: filling 100000 takes minutes")
	flags.StringVar(&o.out, "write", "", "put the table between the marks of this Markdown file")
	flags.StringVar(&o.limit, "memory", "", "GOMEMLIMIT of the server; empty: none")
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "length of each load")
	flags.DurationVar(&o.settle, "settle", 5*time.Minute, "longest wait until a server that nobody calls is at rest")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for _, text := range strings.Split(*counts, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < hot || n > 1_000_000 {
			return o, fmt.Errorf("-functions: %q is not a number from %d to 1000000", text, hot)
		}
		o.counts = append(o.counts, n)
	}
	help, err := exec.Command(o.hadron, "serve", "--help").CombinedOutput() //nolint:noctx // it prints and ends
	if err != nil {
		return o, fmt.Errorf("%s: %w (make build makes it)", o.hadron, err)
	}
	for _, kind := range strings.Split(*kinds, ",") {
		if kind != "worker" && kind != "inprocess" {
			return o, fmt.Errorf("-isolation: there is no %q", kind)
		}
		if strings.Contains(string(help), kind) {
			o.kinds = append(o.kinds, kind)
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, progress io.Writer) error {
	o, err := parse(args, progress)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "hadron-density-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	if o.keep == "" {
		o.keep = scratch
	}
	var rows []figures
	for _, n := range o.counts {
		index := filepath.Join(o.keep, fmt.Sprintf("index-%d.db", n))
		if err := fill(ctx, index, n, progress); err != nil {
			return fmt.Errorf("register %d functions: %w", n, err)
		}
		made, err := makeData(ctx, o, scratch, index, n, progress)
		if err != nil {
			return fmt.Errorf("make the files of %d functions: %w", n, err)
		}
		for _, kind := range o.kinds {
			m := &measurement{options: o, progress: progress, scratch: scratch, made: made, n: n, isolation: kind}
			f, err := m.run(ctx)
			if err != nil {
				return fmt.Errorf("%d functions, %s: %w", n, kind, err)
			}
			rows = append(rows, f)
		}
	}
	table := report(o, rows)
	fmt.Fprintln(progress, table)
	if o.out == "" {
		return nil
	}
	return marked.Replace(o.out, "bench-density", table)
}
