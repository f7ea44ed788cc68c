// Package rejects keeps the rows that a target refused in files, JSON lines, one file
// a table, from which they can be written later. A file is no truth about what is in
// the target: an entry counts as long as the ledger has its row among the rejected
// ones. Lines are only ever added; whatever a crash leaves of a line is passed over.
package rejects

import (
	"fmt"
	"strings"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// Entry is a line: a rejected row, or that one of them is in the target now.
type Entry struct {
	// ID tells the row from all others: the range, the hash of the encoded row, and a
	// number for rows that are equal.
	ID string `json:"id"`
	// Done is when the row came to be in the target; the line says nothing else then.
	Done *time.Time `json:"done,omitempty"`

	Time      time.Time `json:"time,omitzero"`
	Migration string    `json:"migration,omitempty"`
	Source    string    `json:"source,omitempty"`
	Target    string    `json:"target,omitempty"`
	Range     uint32    `json:"range,omitempty"`
	Attempt   uint64    `json:"attempt,omitempty"`
	// Key, Column and Reason say what the target has against the row.
	Key    string `json:"key,omitempty"`
	Column string `json:"column,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Columns are the row for people.
	Columns []Value `json:"columns,omitempty"`
	// Row is the row, byte for byte as it travels, in Encoding; Schema is the fingerprint
	// of the plan that it was encoded by. A row that memory must not hold is in a file of
	// its own, which File names from this one's folder, and has Bytes.
	Encoding string `json:"encoding,omitempty"`
	Schema   string `json:"schema,omitempty"`
	Row      []byte `json:"row,omitempty"`
	File     string `json:"file,omitempty"`
	Bytes    int64  `json:"bytes,omitempty"`
}

// Value is a value of a row in text form.
type Value struct {
	Column string `json:"column"`
	Type   string `json:"type"`
	// Text is nil for NULL, and cut where it is long.
	Text *string `json:"text"`
}

// longest is how many bytes of a value are shown.
const longest = 200

// entryOf writes a refused row down.
func (f *File) entryOf(r engine.Reject, id string) Entry {
	out := Entry{
		ID: id, Time: time.Now().UTC().Truncate(time.Millisecond), Migration: f.Migration, Range: f.Range, Attempt: f.Attempt,
		Source: engine.Label(f.Plan, engine.SourceSide), Target: engine.Label(f.Plan, engine.TargetSide),
		Key: r.Err.Key, Column: r.Err.Column, Reason: fmt.Sprint(r.Err.Err),
		Columns:  f.values(r.Row),
		Encoding: encodingName(f.Plan), Schema: schema(f.Plan), Row: r.Row,
	}
	if r.Large != nil {
		out.File, out.Bytes = f.largeName(id), r.Large.Size()
	}
	return out
}

func encodingName(p *planv1.TablePlan) string {
	return strings.ToLower(strings.TrimPrefix(p.GetEncoding().String(), "ENCODING_"))
}

func schema(p *planv1.TablePlan) string { return fmt.Sprintf("%016x", batch.Fingerprint(p)) }

// values shows a canonical row. Binary tuples of PostgreSQL show nothing: what their
// bytes mean, only their engine knows.
func (f *File) values(row []byte) []Value {
	if row == nil || f.Plan.GetEncoding() != planv1.Encoding_ENCODING_CANONICAL {
		return nil
	}
	fields := make([][]byte, len(f.Plan.GetColumns()))
	if _, _, err := batch.Fields(f.Plan.GetEncoding(), row, fields); err != nil {
		return nil
	}
	out := make([]Value, len(fields))
	for i, v := range fields {
		c := f.Plan.GetColumns()[i]
		out[i] = Value{Column: c.GetTarget(), Type: c.GetTargetType()}
		if v != nil {
			text := canon.String(c.GetKind(), v)
			if len(text) > longest {
				text = strings.ToValidUTF8(text[:longest], "") + "…"
			}
			out[i].Text = &text
		}
	}
	return out
}
