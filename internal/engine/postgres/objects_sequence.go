package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

type sequenceRow struct {
	Schema, Name string
	OID          uint32
}

type sequenceValue struct {
	OID    uint32
	Last   int64
	Called bool
}

// readSequenceValues reads how far sequences have come; the catalog does not say.
func readSequenceValues(ctx context.Context, q querier, sequences []sequenceRow) (map[uint32]sequenceValue, error) {
	out := map[uint32]sequenceValue{}
	const atOnce = 500
	for chunk := range slices.Chunk(sequences, atOnce) {
		var parts []string
		for _, s := range chunk {
			parts = append(parts, fmt.Sprintf("SELECT %d::oid, last_value, is_called FROM %s", s.OID, qualified(s.Schema, s.Name)))
		}
		rows, err := collect[sequenceValue](ctx, q, strings.Join(parts, " UNION ALL "))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.OID] = r
		}
	}
	return out, nil
}

// addSequenceValues lets sequences that are objects go on where they are.
func addSequenceValues(ctx context.Context, q querier, objects map[node]*objectRow) error {
	sequences, err := collect[sequenceRow](ctx, q, "SELECT n.nspname::text, c.relname::text, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.oid >= 16384")
	if err != nil {
		return err
	}
	byOID := map[uint32]*objectRow{}
	for _, o := range objects {
		if o.Type == "sequence" {
			byOID[o.OID] = o
		}
	}
	sequences = slices.DeleteFunc(sequences, func(s sequenceRow) bool { return byOID[s.OID] == nil })
	values, err := readSequenceValues(ctx, q, sequences)
	if err != nil {
		return err
	}
	for _, s := range sequences {
		v := values[s.OID]
		sql := fmt.Sprintf("SELECT setval(%s::regclass, %d, %t)", literal(qualified(s.Schema, s.Name)), v.Last, v.Called)
		byOID[s.OID].Definition = append(byOID[s.OID].Definition, &sql)
	}
	return nil
}
