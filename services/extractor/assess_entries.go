package extractor

import (
	"slices"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// entries adds up what rows have for indexes of the target whose entries may be too
// small for it.
type entries struct {
	limits []*entry
	// columns are the parts of entries that each column of the plan gives a value for.
	columns map[int][]entryPart
}

// entry is one index's entry of the row in hand.
type entry struct {
	*planv1.EntryLimit
	bytes int64
	// widest is the column with the most bytes of it.
	widest      int
	widestBytes int64
}

// entryPart is a column of an index. kind is how its values travel, prefix how many
// characters it takes of them; 0 for all.
type entryPart struct {
	entry  *entry
	kind   planv1.Kind
	prefix int
}

// PostgreSQL's entries, which alone have limits that types do not tell: each begins with
// a head, and a value with its length.
const (
	entryHead = 8
	valueHead = 4
	// entryAlign is what an entry's length is a multiple of.
	entryAlign = 8
)

func newEntries(p *planv1.TablePlan) *entries {
	out := &entries{columns: map[int][]entryPart{}}
	for _, l := range p.GetEntryLimits() {
		e := &entry{EntryLimit: l}
		out.limits = append(out.limits, e)
		for _, part := range l.GetColumns() {
			i := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.GetTarget() == part.GetName() })
			if i >= 0 {
				out.columns[i] = append(out.columns[i], entryPart{e, p.GetColumns()[i].GetKind(), int(part.GetPrefix())})
			}
		}
	}
	return out
}

// value adds a value of the row in hand.
func (e *entries) value(column int, v []byte) {
	for _, part := range e.columns[column] {
		part.add(column, part.size(v))
	}
}

// large adds a value that nobody holds, by its length.
func (e *entries) large(column int, size int64) {
	for _, part := range e.columns[column] {
		if part.prefix > 0 {
			size = min(size, int64(part.prefix))
		}
		part.add(column, size)
	}
}

func (p entryPart) add(column int, size int64) {
	size = (size+valueHead-1)/valueHead*valueHead + valueHead
	if p.entry.bytes += size; size > p.entry.widestBytes {
		p.entry.widest, p.entry.widestBytes = column, size
	}
}

// size is about what the server keeps of a value.
func (p entryPart) size(v []byte) int64 {
	switch p.kind {
	case canon.Bits:
		return int64(len(v)/8) + 4
	case canon.Decimal:
		return int64(len(v)/2) + 2
	case canon.Bytes:
		if p.prefix > 0 {
			v = v[:min(len(v), p.prefix)]
		}
	case canon.Text:
		if p.prefix > 0 {
			v = v[:beginning(v, p.prefix)]
		}
	}
	return int64(len(v))
}

// beginning is the length of the first characters of a text.
func beginning(v []byte, characters int) (n int) {
	for ; characters > 0 && n < len(v); characters-- {
		_, size := utf8.DecodeRune(v[n:])
		n += size
	}
	return n
}

// end gives the entries of the row in hand that do not fit, or may not, and begins
// another row.
func (e *entries) end(refuse func(refusal)) {
	for _, l := range e.limits {
		total := (l.bytes + entryHead + entryAlign - 1) / entryAlign * entryAlign
		switch {
		case total <= l.GetBytes():
		case total > l.GetCompressedBytes():
			refuse(refusal{l.widest, l.GetIndex(), loss.New(loss.IndexEntry, "an entry of %d bytes is too long for index %s, which takes %d", total, l.GetIndex(), l.GetBytes())})
		default:
			refuse(refusal{l.widest, l.GetIndex(), loss.New(loss.IndexEntryLong, "an entry of %d bytes fits index %s, which takes %d, only if it compresses well", total, l.GetIndex(), l.GetBytes())})
		}
		l.bytes, l.widestBytes = 0, 0
	}
}
