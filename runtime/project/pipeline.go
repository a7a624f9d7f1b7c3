package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hadron/runtime/function"
)

// PipelineFile is a pipeline's name, beside the function's hadron.yaml.
const PipelineFile = "hadron.pipeline.yaml"

// LoadPipeline reads the pipeline in a directory, or the one of a file. What is wrong
// in it comes back as a *SourceError. A pipeline that names no function gets the name
// of the hadron.yaml beside it; the name is empty where there is none either.
func LoadPipeline(path string) (function.Pipeline, error) {
	dir, name := filepath.Split(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dir, name = path, PipelineFile
	}
	data, err := readYAML(dir, name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return function.Pipeline{}, &SourceError{File: name, Text: "there is no such file; docs/delivery.md shows how to write one", cause: err}
	case err != nil:
		return function.Pipeline{}, err
	}
	doc, err := parseYAML(name, data)
	if err != nil {
		return function.Pipeline{}, discreet(err)
	}
	encoded, err := json.Marshal(doc.values)
	if err != nil {
		return function.Pipeline{}, fmt.Errorf("encode pipeline: %w", err)
	}
	p, err := function.ParsePipeline(encoded)
	if err != nil {
		if err = doc.explain(err); doc.text == "" {
			err = &SourceError{File: name, Text: strings.TrimPrefix(err.Error(), "manifest: "), cause: err}
		}
		return function.Pipeline{}, discreet(err)
	}
	if p.Function == "" {
		if p.Function, err = nameBeside(dir); err != nil {
			return function.Pipeline{}, err
		}
	}
	return p, nil
}

// discreet leaves the file's text out of an error where a secret may stand in it by mistake.
func discreet(err error) error {
	var source *SourceError
	var bad *function.ManifestError
	if !errors.As(err, &source) {
		return err
	}
	key := ""
	if errors.As(err, &bad) {
		key = bad.Key
	}
	if key == "" || strings.HasSuffix(key, ".token_env") || strings.HasSuffix(key, ".server") || strings.Contains(source.Frame, "hdn_") {
		source.Frame = ""
	}
	return err
}

// nameBeside is the function's name in the hadron.yaml of the folder; its code need not be there.
func nameBeside(dir string) (string, error) {
	data, err := readYAML(dir, ManifestFile)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	doc, err := parseYAML(ManifestFile, data)
	if err != nil {
		return "", err
	}
	name, _ := doc.values["name"].(string)
	return name, nil
}
