package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// addForeignKey makes a foreign key and looks for rows that it does not allow. A
// server that checks them while it makes the key copies the table to do so, indexes
// and all; without its checks it changes the definition alone, and the rows are one
// join. The join is done even where the key is there already: the call that made it
// may not have come as far.
func (d *database) addForeignKey(ctx context.Context, t *planv1.TablePlan, s *planv1.Statement) error {
	made, err := d.isMade(ctx, t, s)
	if err == nil && !made {
		err = d.unchecked(ctx, s.GetSql())
	}
	if err != nil {
		// Another call may have been faster.
		if made, _ := d.isMade(ctx, t, s); !made {
			return atObject(err, s)
		}
	}
	name := strings.TrimPrefix(s.GetObject(), objectForeignKey)
	k, err := d.readForeignKey(ctx, t, name)
	if err != nil {
		return atObject(err, s)
	}
	orphan, err := d.orphan(ctx, k)
	if err == nil && orphan != "" {
		err = errors.Join(fault.New(fault.Value, "mysql.Apply", "a row refers to %s, which %s does not have", orphan, qualified(k.schema, k.referenced)),
			d.unchecked(ctx, "ALTER TABLE "+targetTable(t)+" DROP FOREIGN KEY "+ident(name)))
	}
	if err != nil {
		return atObject(err, s)
	}
	return nil
}

// unchecked runs DDL on a connection that does not check foreign keys.
func (d *database) unchecked(ctx context.Context, ddl string) error {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "SET SESSION foreign_key_checks = 0")
	if err == nil {
		_, err = conn.ExecContext(ctx, ddl)
	}
	_, restored := conn.ExecContext(context.WithoutCancel(ctx), "SET SESSION foreign_key_checks = 1")
	return errors.Join(err, restored, conn.Close())
}

// foreignKey is a key of the target as its catalog has it.
type foreignKey struct {
	table, schema, referenced string
	columns, to               []string
}

func (d *database) readForeignKey(ctx context.Context, t *planv1.TablePlan, name string) (*foreignKey, error) {
	rows, err := readForeignKeys(ctx, d.db, tableFilter{schema: t.GetTargetSchema(), name: t.GetTargetName()})
	if err != nil {
		return nil, err
	}
	out := &foreignKey{table: targetTable(t)}
	for _, r := range rows {
		if strings.EqualFold(r.name, name) {
			out.schema, out.referenced = r.schema, r.referenced
			out.columns, out.to = append(out.columns, r.column), append(out.to, r.to)
		}
	}
	if len(out.columns) == 0 {
		return nil, fault.New(fault.Changed, "mysql.Apply", "it was made and is gone: somebody else changes the table")
	}
	return out, nil
}

// orphan describes a row that refers to none, or gives nothing. As for the server, a
// row with a NULL in the key refers to nothing and is no orphan.
func (d *database) orphan(ctx context.Context, k *foreignKey) (string, error) {
	var join, present, shown []string
	for i, c := range k.columns {
		join = append(join, "p."+ident(k.to[i])+" = c."+ident(c))
		present = append(present, "c."+ident(c)+" IS NOT NULL")
		shown = append(shown, literal(k.to[i]+"=")+", QUOTE(c."+ident(c)+")")
	}
	var out string
	err := d.db.QueryRowContext(ctx, fmt.Sprintf("SELECT CONCAT(%s) FROM %s AS c LEFT JOIN %s AS p ON %s WHERE %s AND p.%s IS NULL LIMIT 1",
		strings.Join(shown, ", ', ', "), k.table, qualified(k.schema, k.referenced), strings.Join(join, " AND "), strings.Join(present, " AND "), ident(k.to[0]))).Scan(&out)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return out, err
}
