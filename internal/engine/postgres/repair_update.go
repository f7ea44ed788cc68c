package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// repairTable takes new versions of rows before they replace the old ones.
const repairTable = "pg_temp.drover_repair"

// rowUpdate replaces rows in place: a row that is deleted takes along what refers to it.
type rowUpdate struct {
	plan *planv1.TablePlan
	rows int
	// set are the columns that change, same the conditions that find a row's new version.
	set, same []string
	// always are columns among set that the target numbers ALWAYS, and so lets nobody
	// update.
	always []string
}

// stageUpdate brings the new versions of rows to the server.
func (w *rangeWriter) stageUpdate(ctx context.Context, pg *pgconn.PgConn, rows []engine.RowRepair) (*rowUpdate, error) {
	u := &rowUpdate{plan: w.request.Plan, rows: len(rows)}
	if u.rows == 0 {
		return u, nil
	}
	key, _, err := keyColumns(u.plan, engine.TargetSide)
	if err != nil {
		return nil, err
	}
	var columns []string
	for _, c := range u.plan.GetColumns() {
		column := ident(c.GetTarget())
		columns = append(columns, column)
		if slices.Contains(key, column) {
			u.same = append(u.same, "t."+column+" = s."+column)
		} else {
			u.set = append(u.set, column)
		}
	}
	table := u.table()
	if err := w.run(ctx, "CREATE TEMP TABLE drover_repair ON COMMIT DROP AS SELECT "+strings.Join(columns, ", ")+" FROM "+table+" WITH NO DATA"); err != nil {
		return nil, err
	}
	into := w.loadSQL
	w.loadSQL = strings.Replace(into, "COPY "+table, "COPY "+repairTable, 1)
	err = w.copyRows(ctx, rows)
	w.loadSQL = into
	if err != nil {
		return nil, err
	}
	return u, u.findAlways(ctx, pg)
}

func (u *rowUpdate) table() string {
	schema, name := engine.TableName(u.plan, engine.TargetSide)
	return qualified(schema, name)
}

// findAlways finds the columns that are numbered ALWAYS. One whose numbers are right in
// every row is left as it is.
func (u *rowUpdate) findAlways(ctx context.Context, pg *pgconn.PgConn) error {
	results, err := pg.Exec(ctx, "SELECT attname FROM pg_attribute WHERE attrelid = "+literal(u.table())+"::regclass AND attidentity = 'a' AND NOT attisdropped").ReadAll()
	if err != nil {
		return err
	}
	for _, row := range results[0].Rows {
		column := ident(string(row[0]))
		if !slices.Contains(u.set, column) {
			continue
		}
		found, err := pg.Exec(ctx, "SELECT FROM "+u.relation()+" AS t JOIN "+repairTable+" AS s ON "+strings.Join(u.same, " AND ")+
			" WHERE t."+column+" IS DISTINCT FROM s."+column+" LIMIT 1").ReadAll()
		switch {
		case err != nil:
			return err
		case len(found[0].Rows) > 0:
			u.always = append(u.always, column)
		default:
			u.set = slices.DeleteFunc(u.set, func(c string) bool { return c == column })
		}
	}
	return nil
}

// relation is the table without those that inherit from it.
func (u *rowUpdate) relation() string { return relation(u.plan, engine.TargetSide) }

// open lets columns that are numbered ALWAYS take values; close undoes that.
func (u *rowUpdate) open(ctx context.Context, w *rangeWriter) error {
	return u.number(ctx, w, "BY DEFAULT")
}

// close waits for what is deferred: a table with events that are pending cannot change.
func (u *rowUpdate) close(ctx context.Context, w *rangeWriter) error {
	if len(u.always) == 0 {
		return nil
	}
	if err := w.run(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return err
	}
	return u.number(ctx, w, "ALWAYS")
}

func (u *rowUpdate) number(ctx context.Context, w *rangeWriter, how string) error {
	for _, column := range u.always {
		if err := w.run(ctx, "ALTER TABLE "+u.table()+" ALTER COLUMN "+column+" SET GENERATED "+how); err != nil {
			return err
		}
	}
	return nil
}

// run replaces the rows.
func (u *rowUpdate) run(ctx context.Context, w *rangeWriter, pg *pgconn.PgConn) error {
	if u.rows == 0 || len(u.set) == 0 {
		return nil
	}
	set := make([]string, len(u.set))
	for i, column := range u.set {
		set[i] = column + " = s." + column
	}
	return w.affect(ctx, pg, "UPDATE "+u.relation()+" AS t SET "+strings.Join(set, ", ")+" FROM "+repairTable+" AS s WHERE "+strings.Join(u.same, " AND "), u.rows)
}
