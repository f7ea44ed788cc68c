package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drover-db/drover/test/fixture"
)

// sakilaPairs are the ways that the sample takes.
var sakilaPairs = []struct{ from, to side }{
	{mysql, postgres15}, {mysql, postgres18}, {mysql, sqlite}, {mysql, mariadb},
	{mariadb, postgres15}, {mariadb, mysql}, {mariadb, sqlite},
}

func TestCopy_Sakila(t *testing.T) {
	for _, p := range sakilaPairs {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fixture.Sakila(t, source)
			r := drover(t).Copy(t, source, target, "--range-rows", "3000")
			proven(t, r)
			equal(t, source, target)
			unmoved := map[string]int{}
			for _, u := range r.Summary.Unmoved {
				unmoved[u.Object]++
			}
			assert.Equal(t, 7, unmoved["view"], "views listed: %v", r.Summary.Unmoved)
			assert.Equal(t, 6, unmoved["trigger"], "triggers listed: %v", r.Summary.Unmoved)
			assert.Equal(t, 6, unmoved["procedure"]+unmoved["function"]+unmoved["routine"], "routines listed: %v", r.Summary.Unmoved)
			for _, probe := range sakilaProbes {
				probe.Check(t, target)
			}
			if p.to.dialect == fixture.Postgres {
				sakilaOnPostgres(t, target)
			}
		})
	}
}

// sakilaProbes hold on every target: the rules of the original work.
var sakilaProbes = []fixture.Probe{
	{Name: "ForeignKey", SQL: `INSERT INTO film_actor (actor_id, film_id, last_update) VALUES (999, 1, '2024-01-01 00:00:00')`, Fails: true, Want: "foreign key"},
	{Name: "CycleForward", SQL: `UPDATE store SET manager_staff_id = 99 WHERE store_id = 1`, Fails: true, Want: "foreign key"},
	{Name: "CycleBack", SQL: `UPDATE staff SET store_id = 99 WHERE staff_id = 1`, Fails: true, Want: "foreign key"},
	{Name: "Unique", SQL: `UPDATE store SET manager_staff_id = 1 WHERE store_id = 2`, Fails: true, Want: "unique"},
	{Name: "UniqueOfThree", SQL: `INSERT INTO rental (rental_date, inventory_id, customer_id, staff_id, last_update)
		SELECT rental_date, inventory_id, customer_id, staff_id, last_update FROM rental WHERE rental_id = 2`, Fails: true, Want: "unique"},
	{Name: "NotNull", SQL: `UPDATE actor SET last_name = NULL WHERE actor_id = 1`, Fails: true, Want: "null"},
	{Name: "Default", SQL: `INSERT INTO film (title, language_id, last_update) VALUES ('NEW', 1, '2024-01-01 00:00:00');
		SELECT count(*) FROM film WHERE title = 'NEW' AND film_id = 1001 AND rental_duration = 3 AND rental_rate = 4.99 AND rating = 'G'`, Want: "1"},
	{Name: "OnDelete", SQL: `DELETE FROM rental WHERE rental_id = 3; SELECT count(*) FROM payment WHERE rental_id = 3`, Want: "0"},
}

// catalogProbes ask PostgreSQL what it has made of the schema.
var catalogProbes = []fixture.Probe{
	{Name: "ForeignKeysValid", SQL: `SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace`, Want: "22"},
	{Name: "NoInvalidIndex", SQL: `SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND NOT (i.indisvalid AND i.indisready)`, Want: "0"},
	{Name: "PrimaryKeys", SQL: `SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND connamespace = 'public'::regnamespace`, Want: "16"},
	{Name: "Uniques", SQL: `SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisunique AND NOT i.indisprimary
		AND c.relnamespace = 'public'::regnamespace`, Want: "2"},
	{Name: "Identities", SQL: `SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace
		AND c.relkind = 'r' AND a.attidentity <> ''`, Want: "13"},
	{Name: "EnumCheck", SQL: `UPDATE film SET rating = 'X' WHERE film_id = 2`, Fails: true, Want: "check"},
	{Name: "Unsigned", SQL: `UPDATE film SET length = 65535 WHERE film_id = 2; SELECT length FROM film WHERE film_id = 2`, Want: "65535"},
	{Name: "Money", SQL: `SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'payment'::regclass AND attname = 'amount'`, Want: "numeric(5,2)"},
	{Name: "WallTime", SQL: `SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'payment'::regclass AND attname = 'payment_date'`, Want: "timestamp(0) without time zone"},
	{Name: "Instant", SQL: `SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'payment'::regclass AND attname = 'last_update'`, Want: "timestamp(0) with time zone"},
	{Name: "NextPayment", SQL: `INSERT INTO payment (customer_id, staff_id, amount, payment_date) VALUES (1, 1, 1, now()) RETURNING payment_id = (SELECT max(payment_id) + 1 FROM payment)`, Want: "t"},
}

// indexed are queries that PostgreSQL must answer with an index of the original.
var indexed = []string{
	`SELECT * FROM actor WHERE last_name = 'WOOD'`,
	`SELECT * FROM payment WHERE customer_id = 17`,
	`SELECT * FROM rental WHERE inventory_id = 99`,
	`SELECT * FROM rental WHERE rental_date = '2005-05-24 22:53:30' AND inventory_id = 367`,
	`SELECT * FROM inventory WHERE store_id = 1 AND film_id = 50`,
	`SELECT * FROM film WHERE title = 'ACADEMY DINOSAUR'`,
	`SELECT * FROM store WHERE manager_staff_id = 2`,
}

func sakilaOnPostgres(t *testing.T, target string) {
	t.Helper()
	for _, p := range catalogProbes {
		p.Check(t, target)
	}
	for _, query := range indexed {
		// Small tables are scanned whatever there is: ask what it could use.
		plan := fixture.Exec(t, target, "ANALYZE; SET enable_seqscan = off; EXPLAIN "+query)
		if !strings.Contains(plan, "Index") || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s uses no index:\n%s", query, plan)
		}
	}
}
