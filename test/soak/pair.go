package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/drover-db/drover/test/fixture"
	"github.com/drover-db/drover/test/proxy"
)

//go:embed postgres.sql
var postgresSQL string

//go:embed mysql.sql
var mysqlSQL string

// database is a server of scripts/testdb behind a proxy.
type database struct {
	// server is its name for scripts/testdb.
	server string
	// admin is its URL past the proxy.
	admin *url.URL
	link  *proxy.Proxy
}

// pair is where rows come from and where they go.
type pair struct {
	source, target *database
	sql            string
	// sourceName is the source's database.
	sourceName string
}

func newPair(from string) (*pair, error) {
	p := &pair{sourceName: fmt.Sprintf("soak_%d", os.Getpid())}
	var err error
	switch from {
	case "postgres":
		p.sql = postgresSQL
		if p.source, err = open("postgres", "DROVER_TEST_POSTGRES_URL"); err == nil {
			p.target, err = open("postgres18", "DROVER_TEST_POSTGRES18_URL")
		}
	case "mysql":
		p.sql = mysqlSQL
		if p.source, err = open("mysql", "DROVER_TEST_MYSQL_URL"); err == nil {
			p.target, err = open("postgres", "DROVER_TEST_POSTGRES_URL")
		}
	default:
		err = fmt.Errorf("-from %s: want postgres or mysql", from)
	}
	return p, err
}

func open(server, variable string) (*database, error) {
	u, err := url.Parse(os.Getenv(variable))
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%s names no server: start the soak by scripts/soak", variable)
	}
	link, err := proxy.Open(u.Host)
	return &database{server: server, admin: u, link: link}, err
}

// at is the URL of a database past the proxy.
func (d *database) at(name string) string {
	u := *d.admin
	u.Path = "/" + name
	return u.String()
}

// through is the URL of a database by way of the proxy, without its password.
func (d *database) through(name string) string {
	u := *d.admin
	u.Path, u.Host, u.User = "/"+name, d.link.Address(), url.User(d.admin.User.Username())
	return u.String()
}

func (d *database) password() string {
	password, _ := d.admin.User.Password()
	return password
}

// exec runs SQL on the server; a server that is on its way up gets some time.
func (d *database) exec(ctx context.Context, name, sql string) (string, error) {
	var out string
	var err error
	for range 60 {
		if out, err = fixture.Try(ctx, d.at(name), sql); err == nil || ctx.Err() != nil {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	return out, err
}

// maintenance is the database that is there on every server of the kind.
func (d *database) maintenance() string { return strings.TrimPrefix(d.admin.Path, "/") }

func (p *pair) fill(ctx context.Context, rows int) error {
	if _, err := p.source.exec(ctx, p.source.maintenance(), "CREATE DATABASE "+p.sourceName); err != nil {
		return err
	}
	out, err := fixture.Try(ctx, p.source.at(p.sourceName), strings.ReplaceAll(p.sql, "{rows}", strconv.Itoa(rows)))
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// newTarget makes the empty database of a round.
func (p *pair) newTarget(ctx context.Context, round int) (string, error) {
	name := fmt.Sprintf("%s_%d", p.sourceName, round)
	_, err := p.target.exec(ctx, p.target.maintenance(), "CREATE DATABASE "+name)
	return name, err
}

func (p *pair) dropTarget(ctx context.Context, name string) error {
	_, err := p.target.exec(ctx, p.target.maintenance(), "DROP DATABASE "+name+" WITH (FORCE)")
	return err
}

// close removes the source; servers that do not answer any more keep it.
func (p *pair) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	force := " WITH (FORCE)"
	if fixture.IsMySQL(p.source.at("")) {
		force = ""
	}
	_, _ = p.source.exec(ctx, p.source.maintenance(), "DROP DATABASE "+p.sourceName+force)
	p.source.link.Close()
	p.target.link.Close()
}
