// Command alerts says how true Hadron's alerts are: it draws histories of functions of
// which it knows what is wrong with them, runs the product's own evaluator over them and,
// over the same series in the same store, the rules that sloth generates for the same
// objectives. It also measures what evaluation costs with many functions.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hadron/bench/marked"
	"hadron/storage/tsdb"
)

func main() {
	o := options{}
	flag.Uint64Var(&o.seed, "seed", 8, "what chance begins with")
	flag.IntVar(&o.each, "each", 20, "scenarios of each kind")
	flag.StringVar(&o.sloth, "sloth", "", "command of bench/alerts/sloth; empty leaves sloth out")
	flag.StringVar(&o.write, "write", "", "document to write the table into; empty prints it")
	flag.StringVar(&o.only, "only", "", "kinds whose name holds this")
	flag.StringVar(&o.scale, "scale", "", "measure evaluation with so many functions, separated by commas, instead")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "alerts:", err)
		os.Exit(1)
	}
}

type options struct {
	seed               uint64
	each               int
	sloth, write, only string
	scale              string
}

func run(ctx context.Context, o options) error {
	if o.scale == "" {
		return truth(ctx, o)
	}
	var sizes []int
	for text := range strings.SplitSeq(o.scale, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-scale %q: write numbers of functions, such as 10,1000,10000", o.scale)
		}
		sizes = append(sizes, n)
	}
	text, err := scale(ctx, sizes)
	if err != nil {
		return err
	}
	return o.print("alert-scale", text)
}

// print writes a table into its document, or shows it.
func (o options) print(name, text string) error {
	if o.write == "" {
		fmt.Print(text)
		return nil
	}
	return marked.Replace(o.write, name, text)
}

func truth(ctx context.Context, o options) error {
	var all []scenario
	for _, s := range scenarios(o.seed, o.each) {
		if strings.Contains(s.kind, o.only) {
			all = append(all, s)
		}
	}
	dir, err := os.MkdirTemp("", "hadron-alerts-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	began := time.Now()
	phase := func(name string) {
		fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(began).Seconds(), name)
	}
	start := began.Add(-length - time.Hour).Truncate(time.Hour)
	open := func(name string) (*tsdb.DB, error) {
		return tsdb.Open(tsdb.Config{
			Dir: filepath.Join(dir, name), QueryMaxSamples: 100_000_000, QueryTimeout: time.Hour, Retention: 2 * length,
		})
	}
	db, err := open("samples")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	playing := make([]*playing, len(all))
	for i, s := range all {
		playing[i] = play(s, o.seed, i)
	}
	phase(fmt.Sprintf("writing %d scenarios of %s", len(all), length))
	if err := write(ctx, db, playing, start); err != nil {
		return err
	}
	phase("Hadron")
	ours, err := hadron(ctx, db, all, start)
	if err != nil {
		return err
	}
	var theirs map[string]*score
	if o.sloth != "" {
		phase("sloth")
		rules, err := slothRules(ctx, strings.Fields(o.sloth), all)
		if err != nil {
			return err
		}
		recorded, err := open("recorded")
		if err != nil {
			return err
		}
		defer func() { _ = recorded.Close() }()
		told, err := sloth(ctx, db, recorded, rules, all, start)
		if err != nil {
			return err
		}
		theirs = scores(all, told)
	} else {
		theirs = scores(all, nil)
	}
	phase("done")
	return o.print("signal-truth", table(all, scores(all, ours), theirs))
}
