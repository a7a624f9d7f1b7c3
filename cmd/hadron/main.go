// Command hadron runs JavaScript functions that are born operable, and is the
// command line to a server that does.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"hadron/runtime/worker"
)

// version is set at build time.
var version = "dev"

func main() {
	if len(os.Args) == 2 && os.Args[1] == worker.Marker {
		os.Exit(worker.Main(version, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	std := stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Terminal: term.IsTerminal(int(os.Stdout.Fd()))}
	std.Screen = openTerminal(os.Stdin, os.Stdout)
	code := run(ctx, std, os.Args[1:])
	stop()
	os.Exit(code)
}

// Exit codes, documented in docs/cli.md.
const (
	exitOK          = 0
	exitFailed      = 1 // the command could not do its work
	exitUsage       = 2 // the command line is wrong
	exitRefused     = 3 // the server refused the request
	exitUnreachable = 4 // no server answered
	exitFunction    = 5 // the invoked function failed
)

// stdio is what a command may read and write.
type stdio struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string // the environment; for tokens whose variable a file names
	Terminal bool                // Out is a terminal, so people read it
	Screen   func() (screen, error)
}

type cli struct {
	Serve     serveCommand      `cmd:"" help:"Run the server: functions, metrics, API and UI in one process."`
	Init      initCommand       `cmd:"" help:"Start a new function in a folder."`
	Deploy    deployCommand     `cmd:"" help:"Bundle a function, register it and make it live."`
	Invoke    invokeCommand     `cmd:"" help:"Call a function and print what it answers."`
	Logs      logsCommand       `cmd:"" help:"Print a function's logs."`
	Traces    tracesCommand     `cmd:"" help:"List a function's traces, or show one."`
	Profile   profileCommand    `cmd:"" help:"Show where a function spends its time."`
	Functions functionsCommand  `cmd:"" help:"List functions with their health."`
	Top       topCommand        `cmd:"" help:"Show every function's health as it changes, worst first."`
	Versions  versionsCommand   `cmd:"" help:"List, show and compare a function's versions."`
	Alias     aliasCommand      `cmd:"" help:"Show or repoint an alias."`
	Promote   promoteCommands   `cmd:"" help:"Take a version to the next stage of hadron.pipeline.yaml."`
	Rollouts  rolloutsCommand   `cmd:"" aliases:"deployments" help:"List, show and steer deployments."`
	Alerts    alertsCommands    `cmd:"" help:"List alerts and incidents, acknowledge them, silence a scope, replay a history."`
	Release   releaseCommand    `cmd:"" help:"Let a quarantined version run again."`
	Rollback  rollbackCommand   `cmd:"" help:"Point live at the previous version, or the one given."`
	Rules     rulesCommand      `cmd:"" help:"Write the alert rules for others to evaluate."`
	Teams     teamsCommand      `cmd:"" help:"List, show, create, change, freeze and delete teams."`
	Projects  projectsCommand   `cmd:"" help:"List, show, create, change and delete projects of a team."`
	Secrets   secretsCommand    `cmd:"" help:"Set, rotate, list and delete secrets."`
	Delete    deleteCommand     `cmd:"" help:"Delete a function with all its versions."`
	Boards    dashboardsCommand `cmd:"" name:"dashboards" help:"Show, plan, apply, preview and render generated dashboards."`
	Audit     auditCommand      `cmd:"" help:"Show who changed what, from where."`
	Token     tokenCommand      `cmd:"" help:"Create, list and revoke tokens."`
	Login     loginCommand      `cmd:"" help:"Keep a server and a token for all other verbs."`
	Logout    logoutCommand     `cmd:"" help:"Forget the token that login keeps."`
	Version   versionCommand    `cmd:"" help:"Print the version of this program."`
}

type versionCommand struct{}

func (versionCommand) Run(io stdio) error {
	_, err := fmt.Fprintln(io.Out, "hadron", version)
	return err
}

// run executes one command line and returns the process's exit code.
func run(ctx context.Context, std stdio, args []string) int {
	var root cli
	exited := -1
	parser, err := kong.New(&root,
		kong.Name("hadron"),
		kong.Description("Run JavaScript functions that are born operable.\n\nFirst function: hadron serve --dev, then hadron init hello && hadron deploy hello."),
		kong.DefaultEnvars("HADRON"),
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(code int) { exited = code; panic(exitPanic{}) }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		fmt.Fprintln(std.Err, "hadron:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parse(parser, args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(std.Err, "✗ %s\n  See hadron %s--help.\n", err, command(args))
		return exitUsage
	}
	return report(std, kctx.Run())
}

// exitPanic unwinds kong when it has printed help and means to exit.
type exitPanic struct{}

func parse(parser *kong.Kong, args []string) (kctx *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exitPanic); !ok {
				panic(r)
			}
		}
	}()
	return parser.Parse(args)
}

func command(args []string) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a + " "
		}
	}
	return ""
}
