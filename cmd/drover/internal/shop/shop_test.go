package shop_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/shop"
)

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%.db")
	require.NoError(t, shop.Create(t.Context(), path))
	require.FileExists(t, path)
	require.Equal(t, fault.Exists, fault.KindOf(shop.Create(t.Context(), path)), "a file that is there stays")

	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	total := 0
	for _, table := range []string{"country", "customer", "category", "product", "orders", "order_item", "payment", "page_view"} {
		var n int
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM "`+table+`"`).Scan(&n), table)
		total += n
	}
	require.Equal(t, shop.Rows, total)
	rows, err := db.Query("PRAGMA foreign_key_check")
	require.NoError(t, err)
	require.False(t, rows.Next(), "every reference must hold")
	require.NoError(t, errors.Join(rows.Err(), rows.Close()))
}
