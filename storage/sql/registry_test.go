package sql_test

import (
	"testing"

	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql/sqltest"
)

func TestRegistry(t *testing.T) {
	registrytest.Run(t, func(tb testing.TB) registry.Store { return sqltest.MustOpen(tb).Registry() })
}
