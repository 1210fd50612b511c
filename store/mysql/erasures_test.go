package mysql

import (
	"context"
	"testing"

	"rollcall/store"
	"rollcall/store/storetest"
)

func TestErasures(t *testing.T) {
	dsn := server.Database(t)
	must(t, Migrate(context.Background(), Config{DSN: dsn, Dimensions: []string{"a"}, Shards: 4}))
	storetest.RunErasures(t, func(t *testing.T) store.Erasures { return openBuilds(t, dsn) })
}
