package sql_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
)

const (
	crashEnv  = "HADRON_TEST_CRASH_DB"
	crashName = function.Name("a/b/crash")
)

// writeUntilKilled registers versions and says so after each, for ever.
func writeUntilKilled(path string) {
	ctx := context.Background()
	db, err := sql.Open(ctx, sql.Config{Path: path})
	if err != nil {
		panic(err)
	}
	r, err := registry.New(registry.Config{Store: db.Registry(), Builder: &registrytest.Builder{}})
	if err == nil {
		err = r.Start(ctx)
	}
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		got, err := r.Register(ctx, registry.Registration{By: "ada", Name: crashName, Source: fmt.Sprintf("pid %d: %d", os.Getpid(), i), Alias: "live"})
		if err != nil {
			panic(err)
		}
		fmt.Println(got.Version.ID.Version)
		if i%3 == 2 {
			if err := r.Delete(ctx, "ada", crashName); err != nil {
				panic(err)
			}
		}
	}
}

// What was acknowledged is there after kill -9, whole, and numbers go on.
func TestKilledProcessLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hadron.db")
	highest := 0
	for round := range 4 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), crashEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 5 + 7*round {
			if !lines.Scan() {
				t.Fatal("the process ended by itself")
			}
			number, err := strconv.Atoi(lines.Text())
			if err != nil || number <= highest {
				t.Fatalf("version %q after %d", lines.Text(), highest)
			}
			highest = number
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // acknowledged before it died
			if number, err := strconv.Atoi(lines.Text()); err == nil {
				highest = number
			}
		}
		_ = cmd.Wait() // killed
		highest = checkAfterCrash(t, path, highest)
	}
}

func checkAfterCrash(t *testing.T, path string, highest int) int {
	t.Helper()
	db := sqltest.MustOpenAt(t, path)
	defer db.Close()
	snap, err := db.Registry().Load(t.Context(), crashName)
	if err != nil {
		t.Fatal(err)
	}
	rec := snap.Records[0]
	if rec.Function.Latest < highest || rec.Function.Latest > highest+1 {
		t.Fatalf("version %d was acknowledged, %d is stored", highest, rec.Function.Latest)
	}
	if !rec.Deleted {
		live, _ := rec.Function.Alias(function.Live)
		id := function.ID{Name: crashName, Version: live.Whole()}
		if c, err := db.Registry().Content(t.Context(), id, registry.Parts...); err != nil || len(c.Parts) != 3 || id.Version != rec.Function.Latest {
			t.Fatalf("live %s: %d parts, %v", id, len(c.Parts), err)
		}
	}
	changes, err := db.Registry().Changes(t.Context(), registry.ChangeFilter{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range changes {
		if c.Cursor != int64(i+1) {
			t.Fatalf("change %d has cursor %d", i+1, c.Cursor)
		}
	}
	if err := db.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return rec.Function.Latest
}
