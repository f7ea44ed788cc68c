package mysql

import (
	"context"

	"github.com/drover-db/drover/internal/engine"
)

// Names of the engines in plans.
const (
	NameMySQL   = "mysql"
	NameMariaDB = "mariadb"
)

var (
	_ engine.Engine   = (*Engine)(nil)
	_ engine.Database = (*database)(nil)
)

// Engine opens MySQL and MariaDB databases.
type Engine struct{}

// New makes the engine.
func New() *Engine { return &Engine{} }

// Name is "mysql"; a MariaDB server's plans say "mariadb".
func (*Engine) Name() string { return NameMySQL }

// Schemes are mysql and mariadb: either opens either, the server says what it is.
func (*Engine) Schemes() []string { return []string{"mysql", "mariadb"} }

// Open connects once, so that a wrong URL, login or database is known at once.
func (*Engine) Open(ctx context.Context, c engine.Config) (engine.Database, error) {
	d, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	return d, nil
}
