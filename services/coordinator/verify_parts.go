package coordinator

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/glob"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const (
	// sampleDefault is how many rows of a table are drawn where nothing is said.
	sampleDefault = 1000
	// A sample reads the ranges that it draws from, at least sampleRanges of them, and
	// one for every rowsFromRange rows.
	sampleRanges  = 16
	rowsFromRange = 100
)

// beginVerification decides what a verification compares.
func beginVerification(view state.View, m *state.Migration, r *droverv1.StartVerificationRequest, seed uint64) (*journalv1.VerificationStarted, error) {
	if err := verifiable(m); err != nil {
		return nil, err
	}
	e := &journalv1.VerificationStarted{Number: m.Verifications + 1, Mode: r.GetMode()}
	if e.GetMode() == planv1.VerifyMode_VERIFY_MODE_UNSPECIFIED {
		e.Mode = planv1.VerifyMode_VERIFY_MODE_ROWS
	}
	if e.GetMode() == planv1.VerifyMode_VERIFY_MODE_SAMPLE {
		e.SampleRows, e.Seed = cmp.Or(r.GetSampleRows(), sampleDefault), cmp.Or(r.GetSeed(), seed)
	}
	matched := make([]bool, len(r.GetTables()))
	for _, t := range view.Tables(m.UID) {
		if !wantsTable(t, r.GetTables(), matched) {
			continue
		}
		if part := verifiedPart(view, m, t, e); part != nil {
			e.Parts = append(e.Parts, part)
		}
	}
	if i := slices.Index(matched, false); i >= 0 {
		return nil, fault.New(fault.NotFound, "coordinator.StartVerification", "no table of migration %s matches %q", m.Name, r.GetTables()[i])
	}
	if len(e.GetParts()) == 0 {
		return nil, refuse(m, "has no loaded table to verify")
	}
	return e, nil
}

// verifiable tells why a migration cannot be verified now.
func verifiable(m *state.Migration) error {
	switch {
	case m.Verifying != 0:
		return fault.New(fault.Conflict, "coordinator.StartVerification", "verification %d of migration %s is under way: wait for its end, or cancel it", m.Verifying, m.Name)
	case m.Discarded || m.Stage == state.Discarding || m.Stage == state.RolledBack:
		return refuse(m, "has nothing in its target any more: it was rolled back")
	case m.Started.IsZero():
		return refuse(m, "has not begun: there is nothing to verify")
	}
	return nil
}

func wantsTable(t *state.Table, globs []string, matched []bool) bool {
	wanted := len(globs) == 0
	for i, g := range globs {
		if isTable(t, g) || matchesPlan(g, t.Plan) {
			matched[i], wanted = true, true
		}
	}
	return wanted
}

func matchesPlan(pattern string, p *planv1.TablePlan) bool {
	schema, name := p.GetTargetSchema(), p.GetTargetName()
	if p.GetPublishName() != "" {
		schema, name = p.GetPublishSchema(), p.GetPublishName()
	}
	return glob.Table(pattern, p.GetSource().GetSchema(), p.GetSource().GetName()) || glob.Table(pattern, schema, name)
}

// verifiedPart is what there is to compare of a table; nil for nothing.
func verifiedPart(view state.View, m *state.Migration, t *state.Table, e *journalv1.VerificationStarted) *journalv1.VerifiedPart {
	part := &journalv1.VerifiedPart{Table: t.Number}
	still := t.Stage == state.TableComplete || m.Stage.Rests()
	switch {
	case t.Skipped || t.Emptying || !still || t.Stage < state.TableCreated:
		return nil
	case e.GetMode() == planv1.VerifyMode_VERIFY_MODE_SCHEMA:
		return part
	case !t.ByRange():
		if !t.AllLoaded() {
			return nil
		}
		return part
	}
	view.Ranges(m.UID, t.Number, func(r *state.Range) bool {
		if r.InTarget() {
			part.Ranges = append(part.Ranges, r.Number)
		}
		return true
	})
	if e.GetSampleRows() > 0 {
		part.Ranges = drawRanges(part.GetRanges(), t.Number, e.GetSampleRows(), e.GetSeed())
	}
	if len(part.GetRanges()) == 0 {
		return nil
	}
	return part
}

// drawRanges chooses the ranges that a sample is drawn from: the same ones for the
// same seed.
func drawRanges(ranges []uint32, table uint32, rows int64, seed uint64) []uint32 {
	most := max(sampleRanges, int(min(rows/rowsFromRange, int64(len(ranges)))))
	if len(ranges) <= most {
		return ranges
	}
	lot := func(r uint32) uint64 {
		b := binary.BigEndian.AppendUint64(nil, seed)
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, table), r)
		return xxh3.Hash(b)
	}
	slices.SortFunc(ranges, func(a, b uint32) int { return cmp.Compare(lot(a), lot(b)) })
	ranges = ranges[:most]
	slices.Sort(ranges)
	return ranges
}
