// Command rollouts simulates deployments by canary through the real analysis and state
// machine, with calls drawn at random from fixed seeds, and says how often a bad
// version was promoted and a good one rolled back.
package main

import (
	"flag"
	"fmt"
	"os"

	"hadron/bench/marked"
)

func main() {
	runs := flag.Int("runs", 100, "rollouts of each kind")
	write := flag.String("write", "", "document to write the table into; empty prints it")
	flag.Parse()
	table := report(*runs)
	if *write == "" {
		fmt.Print(table)
		return
	}
	if err := marked.Replace(*write, "delivery-sim", table); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
