package postgres

import "fmt"

// namer hands out names of relations and constraints that PostgreSQL keeps whole
// and that are free in their schema.
type namer struct {
	used map[[2]string]bool
}

func newNamer() *namer { return &namer{used: map[[2]string]bool{}} }

// take marks a name as used.
func (n *namer) take(schema, name string) { n.used[[2]string{schema, name}] = true }

// free gives the wanted name, cut to what PostgreSQL keeps and with a number
// behind it where it is taken, and marks it as used.
func (n *namer) free(schema, want string) string {
	name := clip(want, 0)
	for i := 1; n.used[[2]string{schema, name}]; i++ {
		suffix := fmt.Sprintf("_%d", i)
		name = clip(want, len(suffix)) + suffix
	}
	n.take(schema, name)
	return name
}
