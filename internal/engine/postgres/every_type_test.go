package postgres

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// listedType is a type of pg_type that a column can have.
type listedType struct {
	OID  uint32
	Name string
	Base string
	// Type is pg_type.typtype, or "A" for an array.
	Type    string
	Element uint32
	// Labels of an enum, and the types of a composite's attributes.
	Labels     []string
	Attributes []uint32
	User       bool
}

// listedTypes reads what pg_type lists, but for pseudo-types: those that a column can
// have, which the server knows best.
func listedTypes(t *testing.T, conn *pgx.Conn) []listedType {
	_, err := conn.Exec(t.Context(), `CREATE TEMP TABLE usable AS SELECT oid FROM pg_type WHERE false;
		DO $$DECLARE t record; BEGIN
			FOR t IN SELECT oid, format_type(oid, NULL) AS name FROM pg_type WHERE typtype <> 'p' AND typisdefined AND typnamespace <> 'pg_toast'::regnamespace
					AND typnamespace <> pg_my_temp_schema() LOOP
				BEGIN
					EXECUTE 'CREATE TEMP TABLE probe (c ' || t.name || ')';
					DROP TABLE probe;
					INSERT INTO usable VALUES (t.oid);
				EXCEPTION WHEN invalid_table_definition THEN
				END;
			END LOOP;
		END$$`)
	require.NoError(t, err)
	rows, err := conn.Query(t.Context(), `SELECT t.oid, format_type(t.oid, NULL), t.typname::text, CASE WHEN t.typtype = 'b' AND t.typcategory = 'A' AND t.typname NOT IN ('int2vector', 'oidvector') THEN 'A' ELSE t.typtype::text END,
			CASE WHEN t.typtype = 'd' THEN t.typbasetype WHEN t.typtype = 'm' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = t.oid)
				WHEN t.typtype = 'r' THEN (SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid) ELSE t.typelem END,
			ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
			ARRAY(SELECT atttypid FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)::oid[], t.oid >= 16384
		FROM pg_type t JOIN usable u ON u.oid = t.oid ORDER BY t.oid`)
	require.NoError(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[listedType])
	require.NoError(t, err)
	return out
}

// valueMaker makes random values in text form.
type valueMaker struct {
	*rand.Rand
	types map[uint32]listedType
}

func (m valueMaker) pick(of ...string) string { return of[m.IntN(len(of))] }

func (m valueMaker) word() string {
	const letters = "ab'\"\\{}(),;: \tÄß中😀Z"
	runes := []rune(letters)
	out := make([]rune, m.IntN(8))
	for i := range out {
		out[i] = runes[m.IntN(len(runes))]
	}
	return string(out)
}

func (m valueMaker) number() string { return fmt.Sprint(m.Int32() - 1<<30) }

func (m valueMaker) float() string {
	return m.pick("NaN", "Infinity", "-Infinity", "-0", "1e-30", fmt.Sprint(m.NormFloat64()))
}

func (m valueMaker) point() string { return fmt.Sprintf("(%d,%g)", m.IntN(100), m.Float64()) }

// value gives a value's text, nil for NULL and for types that take no value as text.
func (m valueMaker) value(oid uint32) *string {
	t, known := m.types[oid]
	if !known || m.IntN(8) == 0 {
		return nil
	}
	var out string
	switch t.Type {
	case "A":
		return m.array(t)
	case "c":
		return m.composite(t)
	case "d":
		return m.domain(t)
	case "e":
		out = t.Labels[m.IntN(len(t.Labels))]
	case "r":
		out = m.span(t)
	case "m":
		out = m.pick("{}", "{"+m.span(m.types[t.Element])+"}")
	default:
		make, ok := m.makers()[t.Base]
		if !ok {
			return nil
		}
		out = make()
	}
	return &out
}

func quotedPart(v *string, null string) string {
	if v == nil {
		return null
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(*v) + `"`
}

func (m valueMaker) array(t listedType) *string {
	parts := make([]string, m.IntN(4))
	for i := range parts {
		parts[i] = quotedPart(m.value(t.Element), "NULL")
	}
	separator := ","
	if m.types[t.Element].Base == "box" {
		separator = ";"
	}
	out := "{" + strings.Join(parts, separator) + "}"
	if len(parts) > 0 && m.IntN(3) == 0 {
		out = fmt.Sprintf("[%d:%d]=%s", -1, len(parts)-2, out)
	}
	return &out
}

func (m valueMaker) composite(t listedType) *string {
	parts := make([]string, len(t.Attributes))
	for i, a := range t.Attributes {
		parts[i] = quotedPart(m.value(a), "")
	}
	out := "(" + strings.Join(parts, ",") + ")"
	return &out
}

// domain gives a value that the domains of the information schema, and the test's own,
// take.
func (m valueMaker) domain(t listedType) *string {
	var out string
	switch t.Base {
	case "cardinal_number":
		out = fmt.Sprint(m.Int32())
	case "yes_or_no":
		out = m.pick("YES", "NO")
	default:
		return m.value(t.Element)
	}
	return &out
}

func (m valueMaker) span(t listedType) string {
	v := quotedPart(m.value(t.Element), "")
	if t.Base == "daterange" || strings.HasPrefix(t.Base, "ts") && strings.Contains(v, "infinity") {
		v = `"2024-02-29"`
	}
	return m.pick("empty", "(,)", "["+v+",)", "(,"+v+"]", "["+v+","+v+"]")
}

// makers are by base type. What is not here takes no value as text: only NULL is
// possible.
func (m valueMaker) makers() map[string]func() string {
	moment := func() string {
		return m.pick("infinity", "-infinity", "4713-01-01 00:00:00 BC", "294246-12-31 23:59:59.999999", fmt.Sprintf("20%02d-02-28 23:59:%02d.%06d", m.IntN(100), m.IntN(60), m.IntN(1000000)))
	}
	clock := func() string { return m.pick("24:00:00", fmt.Sprintf("%02d:00:00.%06d", m.IntN(24), m.IntN(1000000))) }
	bits := func() string { return m.pick("0", "1") }
	oid := func() string { return fmt.Sprint(m.Uint32()) }
	vector := func() string { return m.pick("", "1", fmt.Sprintf("%d %d", m.IntN(100), m.IntN(100))) }
	doc := func() string { return m.pick(`{"a": 1.50, "b": [null, "\u00e9"]}`, "[]", `"x"`, "1e10", "null") }
	snapshot := func() string { return m.pick("10:20:10,14,15", "1:1:") }
	hex := func(groups int, separator string) string {
		parts := make([]string, groups)
		for i := range parts {
			parts[i] = fmt.Sprintf("%02x", m.IntN(256))
		}
		return strings.Join(parts, separator)
	}
	points := func(open, shut string) string { return open + m.point() + "," + m.point() + "," + m.point() + shut }
	return map[string]func() string{
		"bool": func() string { return m.pick("t", "f") }, "bytea": func() string { return `\x` + hex(m.IntN(20), "") },
		"char": func() string { return m.pick("a", "", `\377`) }, "name": m.word, "text": m.word, "varchar": m.word, "refcursor": m.word,
		"bpchar": func() string { return strings.TrimRight(m.word(), " ") }, "xml": func() string { return m.pick("<a>ü</a>", "text", "<!-- c -->") },
		"int8": func() string { return fmt.Sprint(int64(m.Uint64())) }, "int4": m.number, "int2": func() string { return fmt.Sprint(int16(m.Uint32())) },
		"int2vector": vector, "oidvector": vector, "oid": oid, "xid": oid, "cid": oid, "xid8": func() string { return fmt.Sprint(m.Uint64()) },
		"regproc": oid, "regprocedure": oid, "regoper": oid, "regoperator": oid, "regclass": oid, "regcollation": oid, "regtype": oid, "regrole": oid,
		"regnamespace": oid, "regconfig": oid, "regdictionary": oid, "regdatabase": oid, "tid": func() string { return fmt.Sprintf("(%d,%d)", m.Uint32(), m.IntN(65536)) },
		"json": doc, "jsonb": doc, "jsonpath": func() string { return m.pick("$.a[*] ? (@ > 1)", "strict $") },
		"point": m.point, "lseg": func() string { return "[" + m.point() + "," + m.point() + "]" }, "box": func() string { return m.point() + "," + m.point() },
		"path": func() string { return m.pick(points("(", ")"), points("[", "]")) }, "polygon": func() string { return points("(", ")") },
		"line": func() string { return "{1,-2.5,3}" }, "circle": func() string { return "<" + m.point() + ",2.5>" },
		"float4": m.float, "float8": m.float, "money": func() string { return m.pick("$1,234.56", "-92233720368547758.08") },
		"numeric": func() string {
			return m.pick("NaN", "Infinity", "0.000", "-123456789012345678901234567890.0123456789", "1e-200", m.number())
		},
		"cidr": func() string { return m.pick("10.0.0.0/8", "2001:db8::/32") }, "inet": func() string { return m.pick("10.1.2.3/8", "::1", "192.168.0.1") },
		"macaddr": func() string { return hex(6, ":") }, "macaddr8": func() string { return hex(8, ":") },
		"date": func() string { return m.pick("infinity", "4713-01-01 BC", "5874897-12-31", "2024-02-29") }, "timestamp": moment,
		"timestamptz": func() string { return strings.Replace(moment(), "999999", "000000", 1) }, "time": clock, "timetz": func() string { return clock() + m.pick("+05:30", "-15:59:59") },
		"interval": func() string { return m.pick("1 year -3 days 04:05:06.789", "-178000000 years", "0") }, "bit": bits,
		"varbit": func() string { return bits() + bits() + bits() }, "uuid": func() string { return hex(16, "") }, "pg_lsn": func() string { return "16/B374D848" },
		"tsvector": func() string { return m.pick("'a':1A 'b''c':2,3B", "") }, "tsquery": func() string { return m.pick("'a' & !'b':*A", "'x' <2> 'y'") },
		"txid_snapshot": snapshot, "pg_snapshot": snapshot, "aclitem": func() string { return m.pick("=r/drover", "drover=arwdDxt*/drover") },
	}
}

// everyType makes tables with a column for each type: those whose binary form travels
// as it is in tables of their own.
func everyType(t *testing.T, url string, portable map[uint32]bool) {
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), `CREATE SCHEMA own; CREATE TYPE own.mood AS ENUM ('sad', 'it''s "ok"', '{\}'); CREATE DOMAIN own.word AS text CHECK (length(VALUE) < 100);
		CREATE DOMAIN own.moods AS own.mood[]; CREATE TYPE own.pair AS (a int, "B" own.word, c own.mood[], d numeric); CREATE TYPE own.nested AS (p own.pair, q own.pair[], r int4range);
		CREATE TYPE own.span AS RANGE (subtype = float8); CREATE TYPE own.words AS RANGE (subtype = text, collation = "C"); CREATE DOMAIN own.spans AS own.span`)
	require.NoError(t, err)
	m := valueMaker{rand.New(rand.NewPCG(4, 18)), map[uint32]listedType{}}
	types := listedTypes(t, conn)
	for _, l := range types {
		m.types[l.OID] = l
	}
	require.Greater(t, len(types), 400)
	var groups [2][]listedType
	for _, l := range types {
		at := 0
		if portable[l.OID] {
			at = 1
		}
		groups[at] = append(groups[at], l)
	}
	for g, group := range groups {
		n := 0
		for part := range slices.Chunk(group, 40) {
			n++
			fillTypes(t, conn, m, fmt.Sprintf("%s_%d", []string{"text", "binary"}[g], n), part)
		}
	}
}

func fillTypes(t *testing.T, conn *pgx.Conn, m valueMaker, table string, types []listedType) {
	columns := "id int PRIMARY KEY"
	for i, l := range types {
		columns += fmt.Sprintf(", c%d %s", i, l.Name)
	}
	_, err := conn.Exec(t.Context(), "CREATE TABLE "+table+" ("+columns+")")
	require.NoError(t, err)
	for row := range 25 {
		values := []string{fmt.Sprint(row)}
		for _, l := range types {
			v := "NULL"
			if made := m.value(l.OID); made != nil {
				v = literal(*made) + "::" + l.Name
			}
			values = append(values, v)
		}
		_, err := conn.Exec(t.Context(), "INSERT INTO "+table+" VALUES ("+strings.Join(values, ", ")+")")
		require.NoError(t, err, "%s", strings.Join(values, ",\n"))
	}
}

// copied gives a table as COPY writes it.
func copied(t *testing.T, url, table, format string) string {
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), "SET extra_float_digits = 1")
	require.NoError(t, err)
	var out bytes.Buffer
	_, err = conn.PgConn().CopyTo(t.Context(), &out, "COPY (SELECT * FROM "+table+" ORDER BY id) TO STDOUT (FORMAT "+format+")")
	require.NoError(t, err)
	return out.String()
}

// Every type that PostgreSQL 18 lists, with random values, arrives byte for byte: as the
// server's own binary tuples, and by way of the canonical row.
func TestEveryType_ByteForByte(t *testing.T) {
	from := testdb.Postgres18(t)
	everyType(t, from, portableTypes(t, from))
	source := openDB(t, from)
	for name, encoding := range map[string]planv1.Encoding{"AsTuples": planv1.Encoding_ENCODING_UNSPECIFIED, "Canonical": planv1.Encoding_ENCODING_CANONICAL} {
		t.Run(name, func(t *testing.T) {
			to := testdb.Postgres18(t)
			target := openDB(t, to)
			design := wholeDesign(t, source, target, engine.DesignRequest{})
			passed := 0
			for _, p := range design.GetTables() {
				if p.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
					passed++
				}
				if encoding != 0 {
					p.Encoding = encoding
				}
			}
			require.Positive(t, passed, "tables whose tuples travel as they are")
			copyAll(t, source, target, design)
			for _, p := range design.GetTables() {
				require.Equal(t, copied(t, from, p.GetTargetName(), "text"), copied(t, to, p.GetTargetName(), "text"), p.GetTargetName())
				if strings.HasPrefix(p.GetTargetName(), "binary") {
					require.Equal(t, copied(t, from, p.GetTargetName(), "binary"), copied(t, to, p.GetTargetName(), "binary"), p.GetTargetName())
				}
			}
		})
	}
}

// portableTypes are those whose binary form drover takes for the same everywhere.
func portableTypes(t *testing.T, url string) map[uint32]bool {
	db := openDB(t, url)
	types, err := collect[typeRow](t.Context(), db.pool, typeQuery, allTypes(t, db))
	require.NoError(t, err)
	cat := &catalog{types: map[uint32]typeRow{}}
	for _, r := range types {
		cat.types[r.OID] = r
	}
	out := map[uint32]bool{}
	for oid := range cat.types {
		out[oid] = cat.portable(oid)
	}
	return out
}

func allTypes(t *testing.T, db *database) []uint32 {
	rows, err := db.pool.Query(t.Context(), "SELECT oid FROM pg_type WHERE typtype <> 'p'")
	require.NoError(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[uint32])
	require.NoError(t, err)
	return out
}
