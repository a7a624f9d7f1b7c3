// Command gen writes the TypeScript of the wire structs for the web app. Run it
// with go generate in this directory; a test holds the committed file to its output.
package main

import (
	"fmt"
	"io"
	"os"
)

//go:generate go run .

const (
	source = ".."                        // the directory of package wire
	target = "../../web/src/wire.gen.ts" // what the web app imports
)

func main() {
	os.Exit(run(os.Stderr))
}

func run(stderr io.Writer) int {
	out, err := Generate(source)
	if err == nil {
		err = os.WriteFile(target, out, 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "wire/gen:", err)
		return 1
	}
	return 0
}
