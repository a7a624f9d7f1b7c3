package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// The exit codes of promote beside those of every verb, documented in docs/cli.md.
const (
	exitUnmet     = 6 // a condition is not met: nothing was promoted
	exitRefuted   = 7 // the deployment was rolled back, aborted, or failed
	exitUndecided = 8 // it was inconclusive, waits for somebody, or goes on beyond --timeout
	exitPipeline  = 9 // hadron.pipeline.yaml is wrong
)

// coded is an error with an exit code of its own.
type coded struct {
	code int
	err  error
}

func (e *coded) Error() string { return e.err.Error() }
func (e *coded) Unwrap() error { return e.err }

type promoteCommands struct {
	Run    promoteCommand       `cmd:"" name:"run" default:"withargs" help:"Take a version to the next stage."`
	Status promoteStatusCommand `cmd:"" help:"Show which version each stage has."`
}

// pipelineFlags say which pipeline, of which function.
type pipelineFlags struct {
	server   `embed:""`
	File     string `short:"f" default:"hadron.pipeline.yaml" help:"The pipeline's file, or its folder." placeholder:"FILE"`
	Function string `help:"team/project/name; default: what the pipeline says, else hadron.yaml beside it."`
}

// load reads the file and makes a client of each stage's server.
func (f *pipelineFlags) load(getenv func(string) string) (function.Name, []stage, error) {
	p, err := project.LoadPipeline(f.File)
	if err != nil {
		return "", nil, &coded{exitPipeline, err}
	}
	text := f.Function
	if text == "" {
		text = p.Function
	}
	if text == "" {
		return "", nil, &usageError{`this pipeline has no function: write "function: team/project/name" into it, or give --function`}
	}
	name, err := function.ParseName(text)
	if err != nil {
		return "", nil, &usageError{err.Error()}
	}
	stages := make([]stage, 0, len(p.Stages))
	for _, s := range p.Stages {
		one := stage{Stage: s, name: name}
		if one.api, err = f.connect(s, getenv); err != nil {
			return "", nil, err
		}
		stages = append(stages, one)
	}
	return name, stages, nil
}

// connect makes the client of a stage. The command's token goes to the command's server
// only: another server is sent what the stage names, or nothing.
func (f *pipelineFlags) connect(s function.Stage, getenv func(string) string) (*client.Client, error) {
	address, token := s.Server, ""
	if address == "" {
		address, token = f.Server, f.Token
	}
	if s.TokenEnv != "" {
		if token = strings.TrimSpace(getenv(s.TokenEnv)); token == "" {
			return nil, &usageError{fmt.Sprintf("stage %s takes its token from $%s, which is not set", s.Name, s.TokenEnv)}
		}
	}
	api, err := client.New(address, token)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("stage %s: %v", s.Name, err)}
	}
	return api, nil
}

type promoteCommand struct {
	pipelineFlags `embed:""`
	From          string        `help:"The stage to take the version from; default: the one before --to, else the first whose next stage has another version." placeholder:"STAGE"`
	To            string        `help:"The stage to take it to; default: the one after --from." placeholder:"STAGE"`
	Yes           bool          `short:"y" help:"Say yes where a stage requires it of somebody."`
	Plan          bool          `help:"Only print what would be done, and what stands against it."`
	Wait          bool          `default:"true" negatable:"" help:"Follow the deployment to its end."`
	Timeout       time.Duration `default:"0s" help:"Follow no longer than this; the deployment goes on. 0s: to its end." placeholder:"DURATION"`
}

// What promote comes to, with --json.
const (
	resultPromoted  = "promoted"
	resultAlready   = "already"
	resultPlanned   = "planned"
	resultUnmet     = "unmet"
	resultBegun     = "begun" // with --no-wait
	resultRefuted   = "rolled_back"
	resultUndecided = "undecided"
)

// promotion is the receipt of promote.
type promotion struct {
	Function   string        `json:"function"`
	Result     string        `json:"result"`
	From       stageView     `json:"from"`
	To         stageView     `json:"to"` // as it was before
	Conditions []condition   `json:"conditions"`
	Version    int           `json:"version,omitempty"` // the promoted version's number at the stage it goes to
	Registered bool          `json:"registered"`        // there, by this promotion
	Rollout    *wire.Rollout `json:"rollout,omitempty"`
	Took       float64       `json:"tookSeconds"`

	start    time.Time
	from, to stage
}

func (c *promoteCommand) Run(ctx context.Context, std stdio) error {
	name, stages, err := c.load(std.Getenv)
	if err != nil {
		return err
	}
	p := &promotion{Function: string(name), Conditions: []condition{}, start: time.Now()}
	if err = c.choose(ctx, stages, p); err == nil {
		err = c.promote(ctx, std, p)
	}
	p.Took = time.Since(p.start).Seconds()
	if c.JSON && p.Result != "" {
		if err := printJSON(std, p); err != nil {
			return err
		}
	}
	return err
}

// choose finds which two stages it is about, and reads them.
func (c *promoteCommand) choose(ctx context.Context, stages []stage, p *promotion) error {
	from, err := c.hop(stages)
	if err != nil {
		return err
	}
	first, last := max(from, 0), max(from, 0)
	if from < 0 {
		last = len(stages) - 2
	}
	for i := first; i <= last; i++ {
		p.from, p.to = stages[i], stages[i+1]
		if p.From, err = p.from.read(ctx); err != nil {
			return err
		}
		if p.To, err = p.to.read(ctx); err != nil {
			return err
		}
		if p.From.Digest != p.To.Digest || p.From.Digest == "" {
			return nil
		}
	}
	return nil // the last two, which have the same version as well
}

// hop is the stage to promote from as the flags say; -1: they do not.
func (c *promoteCommand) hop(stages []stage) (int, error) {
	find := func(flag, name string) (int, error) {
		var names []string
		for i, s := range stages {
			if s.Name == name {
				return i, nil
			}
			names = append(names, s.Name)
		}
		return 0, &usageError{fmt.Sprintf("%s %s: there is no such stage; there are %s", flag, name, strings.Join(names, ", "))}
	}
	from := -1
	var err error
	if c.From != "" {
		if from, err = find("--from", c.From); err != nil {
			return 0, err
		}
		if from == len(stages)-1 {
			return 0, &usageError{fmt.Sprintf("--from %s: it is the last stage; nothing comes behind it", c.From)}
		}
	}
	if c.To == "" {
		return from, nil
	}
	to, err := find("--to", c.To)
	switch {
	case err != nil:
		return 0, err
	case to == 0:
		return 0, &usageError{fmt.Sprintf("--to %s: it is the first stage; hadron deploy brings versions there", c.To)}
	case from >= 0 && from != to-1:
		return 0, &usageError{fmt.Sprintf("a version goes from one stage to the next: to %s it comes from %s", c.To, stages[to-1].Name)}
	}
	return to - 1, nil
}

func (c *promoteCommand) promote(ctx context.Context, std stdio, p *promotion) error {
	out := std.Out
	if c.JSON {
		out = io.Discard
	}
	printHop(out, p)
	if p.From.Version > 0 && p.From.Digest == p.To.Digest {
		p.Result, p.Version = resultAlready, p.To.Version
		_, err := fmt.Fprintf(out, "Nothing to do: %s has it already, as @%d.\n", p.to.Name, p.To.Version)
		return err
	}
	if r := p.To.Rollout; r != nil && p.From.Digest != "" && p.To.arriving == p.From.Digest && !c.Plan {
		p.Version, p.Rollout = r.To, r
		fmt.Fprintf(out, "  It is on its way there already, by deployment %d.\n", r.ID)
		return c.follow(ctx, out, p)
	}
	if err := p.judge(ctx, c.Yes, c.mayAsk(std)); err != nil {
		return err
	}
	printConditions(out, p.Conditions)
	if unmet := p.unmet(); len(unmet) > 0 {
		p.Result = resultUnmet
		return &hint{&coded{exitUnmet, errors.New(strings.Join(unmet, "; "))}, "Nothing was promoted; " + p.to.Name + " still has " + p.To.text() + "."}
	}
	if c.Plan {
		p.Result = resultPlanned
		printPlan(out, p)
		return nil
	}
	if p.to.Requires.Manual && !c.Yes && !agreed(std, p) {
		p.Result = resultUnmet
		return &coded{exitUnmet, fmt.Errorf("nobody said yes; %s still has %s", p.to.Name, p.To.text())}
	}
	if err := p.register(ctx, out); err != nil {
		return err
	}
	if err := p.vouch(ctx, out); err != nil {
		return err
	}
	if err := p.deploy(ctx, out); err != nil {
		return err
	}
	if p.Rollout == nil {
		p.Result = resultPromoted
		printPromoted(out, p)
		return nil
	}
	return c.follow(ctx, out, p)
}

func (c *promoteCommand) mayAsk(std stdio) bool { return std.Terminal && !c.JSON }

// follow waits for the end of the deployment, as far as is wanted, and says what came of it.
func (c *promoteCommand) follow(ctx context.Context, out io.Writer, p *promotion) error {
	id, where := p.Rollout.ID, " --server "+p.to.api.URL()
	if !c.Wait {
		p.Result = resultBegun
		_, err := fmt.Fprintf(out, "Deployment %d has begun; follow it with: hadron rollouts follow %d%s\n", id, id, where)
		return err
	}
	watch := ctx
	late := fmt.Errorf("deployment %d is not over after %s; it goes on", id, c.Timeout)
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		watch, cancel = context.WithTimeoutCause(ctx, c.Timeout, late)
		defer cancel()
	}
	d, err := follow(watch, p.to.api, id, out)
	if err != nil {
		p.Result = resultUndecided
		todo := fmt.Sprintf("Look at it with: hadron rollouts show %d%s", id, where)
		if errors.Is(err, late) || watch.Err() != nil && ctx.Err() == nil {
			return &hint{&coded{exitUndecided, late}, todo}
		}
		return &hint{err, todo}
	}
	r := d.Rollout
	p.Rollout = r
	switch {
	case r == nil || r.State == wire.RolloutCompleted:
		p.Result = resultPromoted
		printPromoted(out, p)
		return nil
	case r.Active:
		p.Result = resultUndecided
		return &hint{
			&coded{exitUndecided, fmt.Errorf("deployment %d is paused: %s", id, plain(r.Reason))},
			fmt.Sprintf("It waits for somebody: hadron rollouts promote %d%s, or abort", id, where),
		}
	case r.State == wire.RolloutStopped:
		p.Result = resultUndecided
		return &coded{exitUndecided, &rolledBack{r}}
	}
	p.Result = resultRefuted
	return &coded{exitRefuted, &rolledBack{r}}
}
