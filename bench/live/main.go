// Command live measures what watching costs: thousands of clients of the live hub
// with mixed topics, some of them slow, beside a server that broadcasts the whole
// state as JSON. It writes its table into docs/performance.md. See make bench-live.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"hadron/bench/marked"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

// step is the time between two ticks.
const step = time.Second

type options struct {
	serve     string // what this process serves; empty: it measures
	listen    string
	functions int
	changing  float64
	only      string
	duration  time.Duration
	out       string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("live", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.serve, "serve", "", "be a server: hub or naive")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of that server")
	flags.IntVar(&o.functions, "functions", 10_000, "functions of that server")
	flags.Float64Var(&o.changing, "changing", 0.1, "share of functions whose health changes each tick")
	flags.StringVar(&o.only, "only", "", "measure the cases whose name holds this, and only print")
	flags.DurationVar(&o.duration, "duration", 30*time.Second, "length of each case")
	flags.StringVar(&o.out, "write", "", "put the table between the marks of this Markdown file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.serve != "" {
		return serve(ctx, o)
	}
	figures, err := measureAll(ctx, o, stderr)
	if err != nil {
		return err
	}
	table := report(o, figures)
	if o.out == "" {
		_, err := io.WriteString(stdout, table)
		return err
	}
	return marked.Replace(o.out, "bench-live", table)
}
