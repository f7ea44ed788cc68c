package extractor

import (
	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
)

// largeRow takes a piece of a row that is too large to hold. The batch in hand
// becomes a large one, which ends with this row: its parts are sent as they fill.
func (a *Attempt) largeRow(r engine.Row) (Output, error) {
	if a.large == nil {
		a.large = &batch.Parts{}
	}
	a.buf = append(a.buf, r.Data...)
	sum, whole := a.hasher.Add(r.Data, r.More)
	if !whole {
		if !a.full() {
			return Output{}, nil
		}
		return a.part(a.header(a.batches), false)
	}
	a.digest.AddHash(sum)
	if err := a.last.keep(r); err != nil {
		return Output{}, err
	}
	return a.cutLarge()
}

// part makes what is in the buffer the next part of the large batch.
func (a *Attempt) part(h *streamv1.BatchHeader, last bool) (Output, error) {
	a.bytes += int64(batch.BodyLen(a.buf))
	message, err := a.large.Seal(a.buf, h, last)
	if err != nil {
		return Output{}, err
	}
	a.buf, a.hurried = a.buffers.get(), false
	m := bus.Message{Subject: a.work.GetSubject(), ID: batch.MessageID(h), Data: message, Done: func() { a.buffers.put(message) }}
	return Output{Messages: []bus.Message{m}, Batch: last}, nil
}

// cutLarge ends the large batch with its last part.
func (a *Attempt) cutLarge() (Output, error) {
	h := a.header(a.batches)
	h.Digest, h.LastKey, h.Touched = a.digest.Proto(), a.last.key, a.touched.Proto()
	out, err := a.part(h, true)
	if err != nil {
		return Output{}, err
	}
	a.large = nil
	a.count()
	return out, nil
}
