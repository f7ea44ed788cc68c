package engine

import (
	"bytes"
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// Repairer makes single rows of a target what they should be.
type Repairer interface {
	// Repair brings rows of a table with a key up to what the request says, all of
	// them in one transaction, and tells what it did with each, in the request's
	// order. A row that the target has and that is not the one the caller has seen is
	// left alone, whatever it is. Rows are locked, or the table is, from before they
	// are looked at until the end.
	Repair(ctx context.Context, r RepairRequest) ([]RepairAction, error)
}

// RepairRequest names rows and what they should be.
type RepairRequest struct {
	// Plan of a table for which HasKey is true.
	Plan *planv1.TablePlan
	Rows []RowRepair
	// DryRun decides, and changes nothing.
	DryRun bool
}

// RowRepair is one row to repair.
type RowRepair struct {
	// Key of the row; no two rows of a request have the same.
	Key *planv1.Bound
	// Seen is the hash of the row that the target had; nil where it had none.
	Seen *batch.Hash
	// Row is what the target should have, in the plan's encoding; nil for no row.
	Row []byte
}

// RepairAction is what became, or would become, of a row.
type RepairAction uint8

// The actions.
const (
	// RepairNone: the target has what it should.
	RepairNone RepairAction = iota
	RepairInsert
	RepairUpdate
	RepairDelete
	// RepairRefused: the target's row is not the one that was seen.
	RepairRefused
)

// Writes tells whether an action changes the target.
func (a RepairAction) Writes() bool {
	return a == RepairInsert || a == RepairUpdate || a == RepairDelete
}

// Keys are the keys of a request's rows.
func (r RepairRequest) Keys() []*planv1.Bound {
	out := make([]*planv1.Bound, len(r.Rows))
	for i, row := range r.Rows {
		out[i] = row.Key
	}
	return out
}

// RowsThere collects the rows that a target has now, for Decide.
type RowsThere map[string]batch.Hash

// Take is a RowFunc.
func (t RowsThere) Take(r Row) error {
	key, err := r.Key()
	if err != nil {
		return err
	}
	t[KeyText(key)] = batch.HashRow(r.Data)
	return nil
}

// Decide tells what is to be done with each row of a request.
func (r RepairRequest) Decide(there RowsThere) []RepairAction {
	out := make([]RepairAction, len(r.Rows))
	for i, row := range r.Rows {
		now, found := there[KeyText(row.Key)]
		switch {
		case found && row.Row != nil && now == batch.HashRow(row.Row), !found && row.Row == nil:
			out[i] = RepairNone
		case found != (row.Seen != nil), found && now != *row.Seen:
			out[i] = RepairRefused
		case !found:
			out[i] = RepairInsert
		case row.Row == nil:
			out[i] = RepairDelete
		default:
			out[i] = RepairUpdate
		}
	}
	return out
}

// Chosen are the rows of a request that an action is for.
func (r RepairRequest) Chosen(actions []RepairAction, want RepairAction) []RowRepair {
	var out []RowRepair
	for i, row := range r.Rows {
		if actions[i] == want {
			out = append(out, row)
		}
	}
	return out
}

// BatchOf puts rows into a batch, as they would come from a stream.
func BatchOf(p *planv1.TablePlan, rows []RowRepair) Batch {
	b := Batch{Encoding: p.GetEncoding()}
	for _, r := range rows {
		b.Body = append(b.Body, r.Row...)
		b.Digest.Add(r.Row)
	}
	return b
}

// KeyText is a key as a text that no other key has.
func KeyText(b *planv1.Bound) string {
	var out []byte
	for _, v := range b.GetValues() {
		out = batch.AppendValue(out, v)
	}
	return string(out)
}

// HasOneOf tells whether a key is among those of a request; always true where it
// names none.
func (r ReadRequest) HasOneOf(key *planv1.Bound) bool {
	if r.Keys == nil {
		return true
	}
	for _, k := range r.Keys {
		if sameValues(k.GetValues(), key.GetValues()) {
			return true
		}
	}
	return false
}

func sameValues(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
