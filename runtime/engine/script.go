package engine

import (
	"strconv"
	"strings"

	"hadron/runtime/function"
)

// scriptName is what bundles are called where no source map says better.
const scriptName = "bundle.js"

// scriptOf is the name a version is compiled under. goja's profiler tells versions
// apart by it alone. It holds no slash, or goja would look for the files of source
// maps beside it.
func scriptOf(id function.ID) string {
	return scriptsOf(id.Name) + strconv.Itoa(id.Version)
}

// scriptsOf is what the names of all versions of a function begin with.
func scriptsOf(name function.Name) string {
	return scriptName + "#" + strings.ReplaceAll(string(name), "/", ".") + "@"
}

// isScript reports whether a position's file is a bundle, which no map has led to
// the author's file.
func isScript(file string) bool { return strings.HasPrefix(file, scriptName) }
