package project

import (
	"slices"
	"strings"
)

// builtins are the modules that Node.js has and functions have not.
var builtins = []string{
	"assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
	"diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module", "net",
	"os", "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream", "string_decoder",
	"sys", "timers", "tls", "tty", "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib",
}

// advice says what to use in place of a module of Node.js.
var advice = map[string]string{
	"crypto":      "use the global crypto for randomness, and a package without Node.js for the rest",
	"http":        "use fetch",
	"https":       "use fetch",
	"url":         "use the global URL and URLSearchParams",
	"querystring": "use URLSearchParams",
	"timers":      "use setTimeout",
	"process":     "use the handler's second argument, env",
	"buffer":      "use Uint8Array, TextEncoder, atob and btoa",
	"fs":          "there are no files: import text and JSON, and they are bundled",
	"perf_hooks":  "use performance.now()",
	"console":     "use the global console",
}

// nodeBuiltin is the name of the Node.js module that an import means, if it means one.
func nodeBuiltin(spec string) (string, bool) {
	name, scheme := strings.CutPrefix(spec, "node:")
	name, _, _ = strings.Cut(name, "/")
	return name, scheme || slices.Contains(builtins, name)
}

func builtinAdvice(name string) string {
	if text, ok := advice[name]; ok {
		return text
	}
	return "use web APIs or an npm package that needs only those"
}
