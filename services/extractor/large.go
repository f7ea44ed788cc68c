package extractor

import (
	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

// takeLarge takes a piece of a row that is too large to hold. The batch in hand
// becomes a large one, which ends with this row: its parts are sent as they fill.
func (x *extraction) takeLarge(r engine.Row) error {
	if x.large == nil {
		x.large = &batch.Parts{}
	}
	x.buf = append(x.buf, r.Data...)
	sum, whole := x.hasher.Add(r.Data, r.More)
	if !whole {
		if batch.BodyLen(x.buf) < x.limit {
			return nil
		}
		return x.sendPart(x.header(), false)
	}
	x.digest.AddHash(sum)
	if err := x.last.keep(r); err != nil {
		return err
	}
	return x.cutLarge()
}

// sendPart sends what is in the buffer as the next part of the large batch.
func (x *extraction) sendPart(h *streamv1.BatchHeader, last bool) error {
	if err := faultpoint.Hit(x.ctx, faultpoint.ExtractorBeforePublish, x.job.GetTitle()); err != nil {
		return err
	}
	x.bytes += int64(batch.BodyLen(x.buf))
	message, err := x.large.Seal(x.buf, h, last)
	if err != nil {
		return err
	}
	x.buf = x.buffers.get()
	m := bus.Message{Subject: x.work.GetSubject(), ID: batch.MessageID(h), Data: message, Done: func() { x.buffers.put(message) }}
	if err := x.publisher.Publish(x.ctx, m); err != nil {
		return fault.At(err, fault.Stream, x.work.GetStream())
	}
	x.progress()
	return nil
}

// cutLarge sends the last part of the large batch.
func (x *extraction) cutLarge() error {
	h := x.header()
	h.Digest, h.LastKey, h.Touched = x.digest.Proto(), x.last.key, x.touched.Proto()
	if err := x.sendPart(h, true); err != nil {
		return err
	}
	x.large = nil
	return x.sent()
}
