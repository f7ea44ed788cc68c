package extractor

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// heldValue is the size up to which values of a large row are checked whole.
const heldValue = 64 << 10

// largeRow is a row being assessed that comes in pieces. Values that a loader passes on
// are checked as they come, the others are held until they are whole.
type largeRow struct {
	*assessment
	splitter *batch.Splitter
	// begun is set from a row's first piece to its last.
	begun bool
	// check takes pieces of the value in hand; nil where it is held.
	check func(piece []byte) error
	// inHand is set from a value's first part to its last.
	inHand bool
	// buf has a held value as far as it has come, or the beginning of a character whose
	// end is to come.
	buf []byte
	// reported is how many bytes the last report of progress was about.
	reported int64
}

// assessBytes lie between two reports of progress about a large row.
const assessBytes = 16 << 20

// piece takes a piece of the row in hand.
func (l *largeRow) piece(data []byte) error {
	l.begun = true
	if l.bytes-l.reported >= assessBytes {
		l.reported = l.bytes
		l.report(&workerv1.Progress{Rows: l.rows, Bytes: l.bytes})
	}
	if l.plan.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
		return nil
	}
	return fault.Wrap(fault.Corrupt, "extractor.assess", l.splitter.Add(data, l.part))
}

// end ends the row in hand, if it came in pieces.
func (l *largeRow) end() error {
	if !l.begun {
		return nil
	}
	l.begun = false
	if l.plan.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
		return nil
	}
	return fault.Wrap(fault.Corrupt, "extractor.assess", l.splitter.End())
}

// part takes what has come of a value.
func (l *largeRow) part(p batch.Part) error {
	if !l.inHand {
		l.begin(p)
	}
	l.inHand = !p.Last
	switch {
	case p.Len < 0:
		l.value(p.Column, nil)
	case l.isRefused(p.Column):
	case l.check != nil:
		l.pass(p)
	default:
		if l.buf = append(l.buf, p.Data...); p.Last {
			l.value(p.Column, l.buf[:len(l.buf):len(l.buf)])
		}
	}
	if p.Last && cap(l.buf) > heldValue {
		l.buf = nil
	}
	return nil
}

// begin finds out how a value is checked.
func (l *largeRow) begin(p batch.Part) {
	if l.check = nil; l.buf == nil {
		l.buf = make([]byte, 0, heldValue)
	}
	l.buf = l.buf[:0]
	if p.Len <= heldValue {
		return
	}
	l.entries.large(p.Column, p.Len)
	var err error
	if l.check, err = l.assessment.check.Large(p.Column, p.Len); err == nil && l.check == nil && p.Len > batch.MaxRow {
		err = engine.ErrTooWide
	}
	if err != nil {
		l.refuse(p.Column, err)
	}
}

// pass checks what has come of a value, but for the beginning of a character.
func (l *largeRow) pass(p batch.Part) {
	l.buf = append(l.buf, p.Data...)
	n := len(l.buf)
	if !p.Last {
		n = canon.WholeText(l.buf)
	}
	if err := l.check(l.buf[:n]); err != nil {
		l.refuse(p.Column, err)
	}
	l.buf = append(l.buf[:0], l.buf[n:]...)
}
