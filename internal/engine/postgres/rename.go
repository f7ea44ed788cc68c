package postgres

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// renamed writes an expression that PostgreSQL printed for the source with the names
// that columns have in the target; false where it uses one that is left behind or
// has another type there.
func renamed(t *planv1.Table, expr string) (string, bool) {
	names := map[string]string{}
	for _, c := range t.GetColumns() {
		switch {
		case c.GetDropped() || c.GetCast() != "":
			names[c.GetName()] = ""
		case clip(engine.TargetColumn(c), 0) != c.GetName():
			names[c.GetName()] = clip(engine.TargetColumn(c), 0)
		}
	}
	if len(names) == 0 {
		return expr, true
	}
	r := renamer{names: names, rest: expr}
	return r.run()
}

// renamer goes over printed SQL. The catalog prints columns bare, types behind "::"
// collations behind COLLATE and index methods behind USING.
type renamer struct {
	names map[string]string
	rest  string
	out   strings.Builder
	lost  bool
}

// typeWords are words that a type's name goes on with.
var typeWords = map[string]bool{"with": true, "without": true, "time": true, "zone": true, "varying": true, "precision": true, "to": true,
	"month": true, "day": true, "hour": true, "minute": true, "second": true, "year": true}

func (r *renamer) run() (string, bool) {
	for r.rest != "" && !r.lost {
		switch {
		case r.rest[0] == '\'' || strings.HasPrefix(r.rest, "E'"):
			r.copyString()
		case strings.HasPrefix(r.rest, "::"):
			r.copy(2)
			r.copyType()
		case strings.HasPrefix(r.rest, "COLLATE "):
			r.copy(len("COLLATE "))
			r.copyType()
		case strings.HasPrefix(r.rest, "USING "):
			r.copy(len("USING "))
			r.copyType()
		case r.rest[0] == '"' || isIdentByte(r.rest[0]):
			r.name()
		default:
			r.copy(1)
		}
	}
	return r.out.String(), !r.lost
}

func isIdentByte(c byte) bool {
	return c == '_' || c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '$'
}

func (r *renamer) copy(n int) {
	r.out.WriteString(r.rest[:n])
	r.rest = r.rest[n:]
}

// copyString copies a constant; in E” a backslash escapes.
func (r *renamer) copyString() {
	escapes := r.rest[0] == 'E'
	i := strings.IndexByte(r.rest, '\'') + 1
	for ; i < len(r.rest); i++ {
		if r.rest[i] == '\\' && escapes {
			i++
			continue
		}
		if r.rest[i] != '\'' {
			continue
		}
		if i+1 == len(r.rest) || r.rest[i+1] != '\'' {
			break
		}
		i++
	}
	r.copy(min(i+1, len(r.rest)))
}

// scan cuts a quoted or bare word off the front.
func (r *renamer) scan() (name string, length int) {
	if r.rest[0] == '"' {
		name, after, _ := scanIdent(r.rest)
		return name, len(r.rest) - len(after)
	}
	n := 0
	for n < len(r.rest) && isIdentByte(r.rest[n]) {
		n++
	}
	return r.rest[:n], n
}

// copyType copies a qualified name, and the words that types go on with.
func (r *renamer) copyType() {
	for r.rest != "" && (r.rest[0] == '"' || isIdentByte(r.rest[0])) {
		_, n := r.scan()
		r.copy(n)
		if strings.HasPrefix(r.rest, ".") {
			r.copy(1)
			continue
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(r.rest, " "), " ")
		if !strings.HasPrefix(r.rest, " ") || !typeWords[strings.TrimRight(next, "(),[]0123456789")] {
			return
		}
		r.copy(1)
	}
}

// name copies a word, by its new name where it is a column's: not a routine's, not
// a schema's.
func (r *renamer) name() {
	name, n := r.scan()
	after := r.rest[n:]
	to, known := r.names[name]
	qualified := strings.HasSuffix(r.out.String(), ".") || strings.HasPrefix(after, ".")
	if !known || qualified || strings.HasPrefix(after, "(") {
		r.copy(n)
		return
	}
	if to == "" {
		r.lost = true
		return
	}
	r.out.WriteString(ident(to))
	r.rest = after
}
