package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"hadron/ui/client"
	"hadron/ui/wire"
)

// defaultServer is where verbs look for a server when nobody has said where.
const defaultServer = "http://127.0.0.1:8080"

type loginCommand struct {
	Server string `arg:"" name:"url" optional:"" help:"Address of the Hadron server. Default: --server or HADRON_SERVER, else the one logged in to." placeholder:"URL"`
	Token  string `help:"Token (hdn_…). Default: it is read from standard input." placeholder:"hdn_…"`
	At     string `name:"server" env:"HADRON_SERVER" hidden:""`
}

// Run keeps server and token for all verbs, once the server has taken the token.
func (c *loginCommand) Run(ctx context.Context, std stdio) error {
	known, err := readLogins()
	if err != nil {
		return err
	}
	address := firstOf(c.Server, c.At, known.Current, defaultServer)
	token := c.Token
	if token == "" {
		if token, err = askToken(std, address); err != nil {
			return err
		}
	}
	api, err := client.New(address, token)
	if err != nil {
		return &usageError{err.Error()}
	}
	who, err := api.Session(ctx)
	if err != nil {
		return err
	}
	if who.Name == "" {
		return &client.Problem{Problem: wire.Problem{Status: 401, Code: "unauthorized", Detail: address + " does not know this token, or its time is over."}}
	}
	known.Current = api.URL()
	if known.Servers == nil {
		known.Servers = map[string]login{}
	}
	known.Servers[api.URL()] = login{Token: token}
	path, err := known.write()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "logged in to %s as %s (%s)\nkept in %s\n", api.URL(), who.Name, grantsText(who.Grants), path)
	return err
}

type logoutCommand struct{}

// Run forgets the token of the server that is logged in to.
func (logoutCommand) Run(std stdio) error {
	known, err := readLogins()
	if err != nil {
		return err
	}
	if known.Current == "" {
		_, err := fmt.Fprintln(std.Out, "not logged in")
		return err
	}
	was := known.Current
	delete(known.Servers, was)
	known.Current = ""
	if _, err := known.write(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "logged out of %s; the token itself lives on until it is revoked\n", was)
	return err
}

func grantsText(grants []wire.Grant) string {
	parts := make([]string, len(grants))
	for i, g := range grants {
		parts[i] = g.Role + " of " + scopeText(g.Scope)
	}
	return strings.Join(parts, ", ")
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func askToken(std stdio, address string) (string, error) {
	if f, is := std.In.(*os.File); is && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(std.Err, "Token for %s (it is not shown): ", address)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(std.Err)
		if err != nil {
			return "", fmt.Errorf("read token: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	line, err := bufio.NewReader(io.LimitReader(std.In, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read token: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", &usageError{"give a token: on standard input, with --token, or as HADRON_TOKEN"}
	}
	return line, nil
}

// logins is what hadron login keeps for this user.
type logins struct {
	Current string           `json:"current"` // server that verbs talk to
	Servers map[string]login `json:"servers"`
}

type login struct {
	Token string `json:"token"`
}

func loginsPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find your folder for settings: %w; set XDG_CONFIG_HOME, or use --server and --token", err)
	}
	return filepath.Join(dir, "hadron", "login.json"), nil
}

const maxLogins = 1 << 20

// readLogins reads what is kept; none is no error. What others can read is refused.
func readLogins() (logins, error) {
	var out logins
	path, err := loginsPath()
	if err != nil {
		return out, nil // nothing can be kept here
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read login: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		return out, fmt.Errorf("%s can be read by others and holds tokens: chmod 600 it, and consider revoking them", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLogins))
	if err != nil {
		return out, fmt.Errorf("read login: %w", err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fmt.Errorf("%s is damaged (%w): remove it and log in again", path, err)
	}
	return out, nil
}

// write keeps them for this user alone, whole or not at all.
func (l logins) write() (path string, err error) {
	if path, err = loginsPath(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "login.json.*") // 0600
	if err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	_, werr := f.Write(append(b, '\n'))
	if err := errors.Join(werr, f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("keep login: %w", err), os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	return path, nil
}
