package tenant_test

import (
	"bytes"
	"context"
	stdsql "database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/tenant"
	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
)

// vault is a data directory with secrets in it.
type vault struct {
	dir     string
	db      *sql.DB
	teams   *tenant.Directory
	secrets *tenant.Secrets
	changed []tenant.Scope
	users   []function.Name
	most    int
}

func openVault(t testing.TB) *vault {
	t.Helper()
	v := &vault{dir: t.TempDir()}
	v.db = sqltest.MustOpenAt(t, filepath.Join(v.dir, "hadron.db"))
	v.open(t, tenant.KeysConfig{}, v.db.Secrets())
	return v
}

func (v *vault) open(t testing.TB, keys tenant.KeysConfig, store tenant.SecretStore) {
	t.Helper()
	var err error
	keys.DataDir, keys.Sealed = v.dir, v.db.Secrets().KeyIDs
	ring, err := tenant.OpenKeys(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	if v.teams, err = tenant.NewDirectory(t.Context(), tenant.DirectoryConfig{Store: v.db.Teams(), Count: v.db.Registry().Count}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []tenant.Scope{"growth/signup", "pay/core"} {
		if err := v.teams.Make(t.Context(), "ada", s); err != nil {
			t.Fatal(err)
		}
	}
	v.secrets = tenant.NewSecrets(tenant.SecretsConfig{
		Store: store, Keys: ring, Bound: func(tenant.Scope) int { return v.most },
		InUse:   func(context.Context, tenant.Scope, string) ([]function.Name, error) { return v.users, nil },
		Changed: func(_ context.Context, s tenant.Scope) { v.changed = append(v.changed, s) },
	})
}

func (v *vault) set(t testing.TB, s tenant.Scope, name, value string) tenant.Secret {
	t.Helper()
	out, err := v.secrets.Set(t.Context(), "ada", s, name, value)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (v *vault) value(t testing.TB, fn function.Name, name string) string {
	t.Helper()
	values, err := v.secrets.Values(t.Context(), fn, []string{name})
	if err != nil {
		t.Fatal(err)
	}
	return values[name]
}

const sesame = "open sesame, said the tester"

func TestSecretsAreSetRotatedAndHandedOut(t *testing.T) {
	v := openVault(t)
	if s := v.set(t, "growth", "API_KEY", sesame); s.Version != 1 || s.UpdatedBy != "ada" {
		t.Errorf("%+v", s)
	}
	v.set(t, "growth/signup", "OTHER", "of the project")
	if got := v.value(t, "growth/signup/greeting", "API_KEY"); got != sesame {
		t.Errorf("got %q", got)
	}
	for fn, name := range map[function.Name]string{"growth/other/x": "OTHER", "pay/core/charge": "API_KEY"} {
		if got := v.value(t, fn, name); got != "" {
			t.Errorf("%s got %s, which is another's", fn, name)
		}
	}
	v.set(t, "growth/signup", "API_KEY", "the project's own")
	if got := v.value(t, "growth/signup/greeting", "API_KEY"); got != "the project's own" {
		t.Errorf("got %q, want the project's", got)
	}
	if s := v.set(t, "growth", "API_KEY", "rotated value"); s.Version != 2 {
		t.Errorf("%+v", s)
	}
	if got := v.value(t, "growth/other/x", "API_KEY"); got != "rotated value" {
		t.Errorf("got %q", got)
	}
	list, err := v.secrets.List(t.Context(), "growth/signup", "", 0)
	if err != nil || len(list) != 2 || list[0].Name != "API_KEY" || list[1].Name != "OTHER" {
		t.Errorf("%+v %v", list, err)
	}
	missing, err := v.secrets.Missing(t.Context(), "growth/signup/greeting", []string{"API_KEY", "NONE"})
	if err != nil || !slices.Equal(missing, []string{"NONE"}) {
		t.Errorf("%v %v", missing, err)
	}
	v.users = []function.Name{"growth/signup/greeting"}
	if err := v.secrets.Delete(t.Context(), "ada", "growth", "API_KEY", false); !errors.Is(err, tenant.ErrSecretInUse) || !strings.Contains(err.Error(), "growth/signup/greeting") {
		t.Errorf("%v", err)
	}
	if err := v.secrets.Delete(t.Context(), "ada", "growth", "API_KEY", true); err != nil {
		t.Fatal(err)
	}
	if err := v.secrets.Delete(t.Context(), "ada", "growth", "API_KEY", true); !errors.Is(err, tenant.ErrNoSecret) {
		t.Errorf("%v", err)
	}
	if len(v.changed) != 5 {
		t.Errorf("told of %v", v.changed)
	}
	kinds := v.trail(t)
	for _, row := range kinds {
		if strings.Contains(row, "sesame") || strings.Contains(row, "rotated value") {
			t.Errorf("the audit trail holds a value: %s", row)
		}
	}
	for _, want := range []string{
		`growth secret:growth/API_KEY secret_set ada null {"secret":"API_KEY","version":1}`,
		`growth secret:growth/API_KEY secret_rotated ada {"secret":"API_KEY","version":1} {"secret":"API_KEY","version":2}`,
		`growth secret:growth/API_KEY secret_deleted ada {"secret":"API_KEY","version":2} null`,
		`growth team:growth team_created ada null {}`,
		`growth/signup project:growth/signup project_created ada null {}`,
	} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no %q in the audit trail: %q", want, kinds)
		}
	}
}

// trail is what the audit trail holds.
func (v *vault) trail(t testing.TB) []string {
	t.Helper()
	db, err := stdsql.Open("sqlite", filepath.Join(v.dir, "hadron.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT scope || ' ' || subject || ' ' || kind || ' ' || author || ' ' || before || ' ' || after FROM changes ORDER BY cursor")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSecretsAreSealedOnDisk(t *testing.T) {
	v := openVault(t)
	v.set(t, "growth", "API_KEY", sesame)
	key, err := os.ReadFile(filepath.Join(v.dir, "secrets.key"))
	if info, serr := os.Stat(filepath.Join(v.dir, "secrets.key")); err != nil || serr != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", err, serr)
	}
	files, err := filepath.Glob(filepath.Join(v.dir, "hadron.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{sesame, base64.StdEncoding.EncodeToString([]byte(sesame)), hex.EncodeToString([]byte(sesame)), strings.TrimSpace(string(key))} {
			if bytes.Contains(data, []byte(never)) {
				t.Errorf("%s holds a value or the key", f)
			}
		}
	}
}

// A sealed value opens in its own place only, and only as it was stored.
func TestSealedValuesCannotBeMoved(t *testing.T) {
	v := openVault(t)
	v.set(t, "growth", "A", sesame)
	v.set(t, "pay", "A", "something else")
	store := v.db.Secrets()
	list, err := store.Secrets(t.Context(), "growth", "pay")
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	swap := func(s tenant.SealedSecret, sealed []byte) {
		t.Helper()
		s.Sealed = sealed
		if done, err := store.Reseal(t.Context(), s, s.KeyID); !done || err != nil {
			t.Fatal(done, err)
		}
		if values, err := v.secrets.Values(t.Context(), "pay/core/x", []string{"A"}); err == nil {
			t.Errorf("opened as %q", values)
		}
	}
	swap(list[1], list[0].Sealed)
	broken := bytes.Clone(list[1].Sealed)
	broken[len(broken)-1] ^= 1
	swap(list[1], broken)
	swap(list[1], broken[:5])
}

func TestSecretsRefuse(t *testing.T) {
	v := openVault(t)
	for what, c := range map[string]struct {
		scope       tenant.Scope
		name, value string
		want        error
	}{
		"no name":    {"growth", "", "x", tenant.ErrSecret},
		"hyphen":     {"growth", "a-b", "x", tenant.ErrSecret},
		"reserved":   {"growth", "HADRON_X", "x", tenant.ErrSecret},
		"empty":      {"growth", "A", "", tenant.ErrSecret},
		"long":       {"growth", "A", strings.Repeat("x", tenant.MaxSecret+1), tenant.ErrSecret},
		"bytes":      {"growth", "A", "\xff", tenant.ErrSecret},
		"no team":    {"nobody", "A", "secret-value", tenant.ErrNoTeam},
		"no project": {"growth/nothing", "A", "secret-value", tenant.ErrNoTeam},
	} {
		if _, err := v.secrets.Set(t.Context(), "ada", c.scope, c.name, c.value); !errors.Is(err, c.want) || strings.Contains(err.Error(), "secret-value") {
			t.Errorf("%s: %v", what, err)
		}
	}
	v.most = 2
	v.set(t, "growth", "A", "1")
	v.set(t, "growth/signup", "B", "1")
	v.set(t, "growth", "A", "2") // a rotation needs no room
	var quota *tenant.QuotaError
	if _, err := v.secrets.Set(t.Context(), "ada", "growth/signup", "C", "1"); !errors.As(err, &quota) || quota.Scope != "growth" || quota.Used != 2 || !strings.Contains(err.Error(), "hadron teams set growth --secrets") {
		t.Errorf("%v", err)
	}
}

func TestKeys(t *testing.T) {
	v := openVault(t)
	v.set(t, "growth", "A", sesame)
	v.open(t, tenant.KeysConfig{}, v.db.Secrets()) // the same key again
	if got := v.value(t, "growth/a/b", "A"); got != sesame {
		t.Errorf("got %q", got)
	}
	open := func(cfg tenant.KeysConfig) error {
		cfg.DataDir, cfg.Sealed = v.dir, v.db.Secrets().KeyIDs
		_, err := tenant.OpenKeys(t.Context(), cfg)
		return err
	}
	bad := filepath.Join(v.dir, "bad.key")
	if err := os.WriteFile(bad, []byte("hunter2hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, cfg := range map[string]tenant.KeysConfig{
		"file": {File: bad}, "old file": {OldFiles: []string{bad}}, "env": {Text: "hunter2hunter2"}, "none": {File: bad + ".none"},
	} {
		if err := open(cfg); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := open(tenant.KeysConfig{Text: strings.Repeat("ab", 32)}); err != nil {
		t.Errorf("hex: %v", err)
	}
	if err := os.Remove(filepath.Join(v.dir, "secrets.key")); err != nil {
		t.Fatal(err)
	}
	if err := open(tenant.KeysConfig{}); err == nil || !strings.Contains(err.Error(), "restore it") {
		t.Errorf("a new key was made over sealed secrets: %v", err)
	}
	if _, err := os.Stat(filepath.Join(v.dir, "secrets.key")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a key was written")
	}
}

// dying is a store whose process ends at some write.
type dying struct {
	tenant.SecretStore
	left int
}

var errDied = errors.New("killed")

func (d *dying) Reseal(ctx context.Context, s tenant.SealedSecret, old string) (bool, error) {
	if d.left--; d.left < 0 {
		return false, errDied
	}
	return d.SecretStore.Reseal(ctx, s, old)
}

// A rekey that ends anywhere leaves every secret readable, and the next one completes it.
func TestRekeySurvivesItsEnd(t *testing.T) {
	v := openVault(t)
	const n = 120
	for i := range n {
		v.set(t, "growth", fmt.Sprintf("S%d", i), fmt.Sprint("value ", i))
	}
	old := filepath.Join(v.dir, "secrets.key")
	next := filepath.Join(v.dir, "next.key")
	if err := os.WriteFile(next, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := tenant.KeysConfig{File: next, OldFiles: []string{old}}
	check := func() {
		t.Helper()
		for i := range n {
			if got := v.value(t, "growth/a/b", fmt.Sprintf("S%d", i)); got != fmt.Sprint("value ", i) {
				t.Fatalf("S%d is %q", i, got)
			}
		}
	}
	moved := 0
	for _, left := range []int{0, 1, 51, 7} {
		v.open(t, keys, &dying{v.db.Secrets(), left})
		got, err := v.secrets.Rekey(t.Context(), "ada")
		if !errors.Is(err, errDied) || got != left {
			t.Fatalf("moved %d, %v", got, err)
		}
		moved += got
		check()
	}
	v.open(t, keys, v.db.Secrets())
	got, err := v.secrets.Rekey(t.Context(), "ada")
	if err != nil || got+moved != n {
		t.Fatalf("moved %d and %d: %v", moved, got, err)
	}
	v.open(t, tenant.KeysConfig{File: next}, v.db.Secrets()) // the old key can go
	check()
	if lost, err := v.secrets.Lost(t.Context()); err != nil || len(lost) > 0 {
		t.Errorf("%v %v", lost, err)
	}
	v.open(t, tenant.KeysConfig{File: old}, v.db.Secrets())
	if _, err := v.secrets.Values(t.Context(), "growth/a/b", []string{"S1"}); !errors.Is(err, tenant.ErrNoKey) {
		t.Errorf("opened without its key: %v", err)
	}
}

var deployer = access.Principal{Name: "gus", Grants: access.Granted(access.Deployer, "growth")}
