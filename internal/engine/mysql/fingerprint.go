package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"sync"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// fingerprint is a hash of what a plan relies on.
func fingerprint(t *planv1.Table) string {
	h := sha256.New()
	for _, c := range t.GetColumns() {
		fmt.Fprintf(h, "%q %q %t %q %q %q\n", c.GetName(), c.GetNativeType(), c.GetNullable(), c.GetCharset(), c.GetCollation(), c.GetGenerated())
	}
	fmt.Fprintf(h, "%d %q", t.GetKey().GetSource(), t.GetKey().GetColumns())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// fingerprints remembers the fingerprints of tables by their definitions: a read asks
// for the definition alone, which costs a fraction of the catalog's queries.
type fingerprints struct {
	mu sync.Mutex
	// of has the last definition of each table and its fingerprint.
	of map[string][2]string
}

// counterOption is the one part of a definition that rows change.
var counterOption = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// fingerprintOf gives the fingerprint of a table as it is now.
func (d *database) fingerprintOf(ctx context.Context, schema, name string) (string, error) {
	table := qualified(schema, name)
	var definition string
	if err := d.db.QueryRowContext(ctx, "SHOW CREATE TABLE "+table).Scan(new(string), &definition); err != nil {
		return "", classify("mysql.fingerprint", err)
	}
	definition = counterOption.ReplaceAllString(definition, "")
	if known, ok := d.fingerprints.get(table, definition); ok {
		return known, nil
	}
	t, err := d.describeOne(ctx, schema, name)
	if err != nil {
		return "", err
	}
	d.fingerprints.put(table, definition, t.GetFingerprint())
	return t.GetFingerprint(), nil
}

func (f *fingerprints) get(table, definition string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.of[table]
	return known[1], ok && known[0] == definition
}

func (f *fingerprints) put(table, definition, fingerprint string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[string][2]string{}
	}
	f.of[table] = [2]string{definition, fingerprint}
}
