package worker

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// testBuild is the version that tests and their workers share.
const testBuild = "test"

// The test binary is the worker as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case Marker:
			os.Exit(Main(testBuild, os.Stderr))
		case "rubbish":
			os.Exit(rubbish(os.Args[2]))
		case "orphans":
			os.Exit(orphans())
		}
	}
	goleak.VerifyTestMain(m)
}
