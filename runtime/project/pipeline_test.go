package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hadron/runtime/project"
)

func TestLoadPipeline(t *testing.T) {
	p, err := project.LoadPipeline("../../examples/orders")
	if err != nil || len(p.Stages) != 2 || p.Function == "" || p.Stages[1].Alias != "live" {
		t.Fatalf("the example: %+v, %v", p, err)
	}
	for text, want := range map[string]string{
		"":                                    "hadron.pipeline.yaml: stages: from 2 to 20",
		"stages:\n  - name: a\n  - naem: b\n": `hadron.pipeline.yaml:3:5: stages[1].naem: no such key; did you mean "name"?`,
		"- a":                                 "hadron.pipeline.yaml:1:1: this file is keys and values",
		"stages: [{name: a}, {name: b, alias: b, token_env: hdn_topsecret}]":     "looks like a token itself",
		"stages: [{name: a}, {name: b, server: 'https://ada:topsecret@x.test'}]": "without a name, a password",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, project.PipelineFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := project.LoadPipeline(dir)
		var bad *project.SourceError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
			continue
		}
		if strings.Contains(err.Error()+bad.Frame, "topsecret") {
			t.Errorf("a secret is shown: %v\n%s", err, bad.Frame)
		}
	}
	if _, err := project.LoadPipeline(filepath.Join(t.TempDir(), "no.yaml")); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
