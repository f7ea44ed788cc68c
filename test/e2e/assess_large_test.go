package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// A deep check looks at values that no worker holds too, to their last byte.
func TestCheck_DeepLooksIntoLargeValues(t *testing.T) {
	source := testdb.MySQL(t)
	fixture.Exec(t, source, `CREATE TABLE item (id integer PRIMARY KEY, note longtext, other longtext);
		INSERT INTO item VALUES (1, 'a', 'b'), (2, concat(repeat('wide ', 1048576), char(0)), repeat('x', 5242880)), (3, 'c', repeat('y', 9000000))`)
	target := testdb.Postgres(t)
	d := drover(t, secrets(t, source, target)...)
	r := d.Run(t, "check", "-f", spec(t, &d, source, target, ""), "--deep")
	require.Equal(t, 8, r.Code, "%s%s", r.Stdout, r.Stderr)
	assert.Regexp(t, `NUL_CHARACTER +\S+\.item\.note +1 +id=2`, r.Stdout)
	assert.Regexp(t, `\.item +3 +3 +2 +0 +1`, r.Stdout)
}
