package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hadron/runtime/function"
)

//go:embed all:scaffold
var scaffold embed.FS

type initCommand struct {
	Dir  string `arg:"" help:"Folder to make."`
	Name string `help:"team/project/name; default: demo/app/<folder>."`
}

func (c *initCommand) Run(std stdio) error {
	name := c.Name
	if name == "" {
		name = "demo/app/" + strings.ToLower(filepath.Base(filepath.Clean(c.Dir)))
	}
	if _, err := function.ParseName(name); err != nil {
		return &usageError{err.Error() + "; give one with --name team/project/name"}
	}
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return &usageError{fmt.Sprintf("%s is not empty; nothing was written", c.Dir)}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	files, err := fs.ReadDir(scaffold, "scaffold")
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := fs.ReadFile(scaffold, "scaffold/"+f.Name())
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(data), "{{name}}", name)
		if err := os.WriteFile(filepath.Join(c.Dir, f.Name()), []byte(text), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(std.Out, "  wrote %s\n", filepath.Join(c.Dir, f.Name()))
	}
	_, err = fmt.Fprintf(std.Out, "Next: hadron deploy %s\n", c.Dir)
	return err
}
