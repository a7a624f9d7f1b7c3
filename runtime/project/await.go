package project

import (
	"bytes"
	"errors"
	"regexp"

	"github.com/evanw/esbuild/pkg/api"
)

// topLevelAwait begins what esbuild says of an await outside a function, which has
// no place in a script. Such a module is written as an asynchronous function then,
// and its exports are what the promise of that comes to: the engine waits for it
// while the module loads.
const topLevelAwait = "Top-level await is not available"

const promiseHead = "module.exports=(async()=>{"

// exportClause is esbuild's one statement of all exports, the last of the module.
var exportClause = regexp.MustCompile(`export\s*\{([^{}]*)\};?\s*$`)

// awaiting makes options write an ES module with its exports in one clause at its
// end. It takes bundling for that; what is imported is left as it is, to be refused
// as ever.
func awaiting(options *api.BuildOptions) {
	options.Format = api.FormatESModule
	options.Supported["top-level-await"] = true
	options.Bundle = true
	options.TreeShaking = api.TreeShakingFalse
	options.Plugins = []api.Plugin{{Name: "leave imports", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{}, nil
			}
			return api.OnResolveResult{Path: args.Path, External: true}, nil
		})
	}}}
}

// promised ends the asynchronous function: what the clause exports, it returns.
func promised(code []byte) ([]byte, error) {
	at := exportClause.FindSubmatchIndex(code)
	if at == nil {
		return append(code, "\n;return{}})();"...), nil
	}
	var members bytes.Buffer
	for _, part := range bytes.Split(code[at[2]:at[3]], []byte(",")) {
		if part = bytes.TrimSpace(part); len(part) == 0 {
			continue
		}
		local, name, renamed := bytes.Cut(part, []byte(" as "))
		if !renamed {
			if local, name, renamed = bytes.Cut(part, []byte(" as\"")); renamed {
				name = append([]byte{'"'}, name...)
			}
		}
		if !renamed {
			name = local
		}
		if bytes.ContainsAny(local, "\"\\") {
			return nil, errors.New("build module: an export has no local name")
		}
		if members.Len() > 0 {
			members.WriteByte(',')
		}
		members.Write(bytes.TrimSpace(name))
		members.WriteByte(':')
		members.Write(bytes.TrimSpace(local))
	}
	out := append([]byte(nil), code[:at[0]]...)
	out = append(out, "return{"...)
	out = append(out, members.Bytes()...)
	return append(out, "}})();"...), nil
}
