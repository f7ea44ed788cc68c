package journal

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// Archive keeps snapshots: what a log amounts to at one of its events. Events before
// the older of two good ones need not be kept.
type Archive interface {
	// Save stores a snapshot of a log at a sequence, which write gives record by record,
	// and reads it back before it returns.
	Save(ctx context.Context, log string, seq uint64, write func(put Put) error) error
	// Snapshots lists the sequences of a log's snapshots, the newest first.
	Snapshots(ctx context.Context, log string) ([]uint64, error)
	// Load reads a snapshot's records; fault.Corrupt is one that is not as it was saved,
	// which shows at its end.
	Load(ctx context.Context, log string, seq uint64, take Put) error
	// Drop removes the snapshots of a log below a sequence; all of them where it is 0.
	Drop(ctx context.Context, log string, below uint64) error
	// Remove removes one snapshot; a missing one is no error.
	Remove(ctx context.Context, log string, seq uint64) error
}

// Put takes one record.
type Put func(*journalv1.SnapshotRecord) error

// snapshotWait is how long the writing or reading of a snapshot may stand still. However
// long it takes as a whole, an answer that was lost with its connection never comes.
const snapshotWait = 10 * time.Second

// moving gives a context that ends when moved was not called for too long, and what
// makes an error of that end one of the server's.
func moving(ctx context.Context) (bound context.Context, moved func(), end func(error) error) {
	bound, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(snapshotWait, cancel)
	moved = func() { timer.Reset(snapshotWait) }
	return bound, moved, func(err error) error {
		timer.Stop()
		stood := bound.Err() != nil && ctx.Err() == nil
		cancel()
		if err != nil && stood {
			return fault.New(fault.Unavailable, "journal.snapshot", "the NATS server has not answered for %s: %w", snapshotWait, err)
		}
		return err
	}
}

// chunk is how much of a snapshot is one message.
const chunk = 512 << 10

// snapshotName is the name of a snapshot's object.
func snapshotName(log string, seq uint64) string { return fmt.Sprintf("%s.%020d", log, seq) }

// bucket opens the object store of snapshots, making it where there is none.
func (j *JetStream) bucket(ctx context.Context) (jetstream.ObjectStore, error) {
	b, err := j.js.ObjectStore(ctx, bus.SnapshotBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		b, err = j.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: bus.SnapshotBucket, Compression: true,
			Description: "drover: what the logs of migrations amount to", Replicas: max(j.cfg.Replicas, 1)})
	}
	return b, logError("journal.bucket", "", err)
}

// Save implements Archive.
func (j *JetStream) Save(ctx context.Context, log string, seq uint64, write func(Put) error) error {
	b, err := j.bucket(ctx)
	if err != nil {
		return err
	}
	bound, moved, end := moving(ctx)
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(writeSnapshot(w, log, seq, func(put Put) error {
			return write(func(r *journalv1.SnapshotRecord) error { moved(); return put(r) })
		}))
	}()
	_, err = b.Put(bound, jetstream.ObjectMeta{Name: snapshotName(log, seq), Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunk}}, r)
	_ = r.Close() // a writer that still writes stops
	if err = end(err); err != nil {
		return logError("journal.Save", log, err)
	}
	err = j.Load(ctx, log, seq, func(*journalv1.SnapshotRecord) error { return nil })
	if err != nil {
		_ = b.Delete(ctx, snapshotName(log, seq)) // the older ones are good
	}
	return err
}

// Snapshots implements Archive.
func (j *JetStream) Snapshots(ctx context.Context, log string) ([]uint64, error) {
	b, err := j.js.ObjectStore(ctx, bus.SnapshotBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, logError("journal.Snapshots", log, err)
	}
	list, err := b.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, logError("journal.Snapshots", log, err)
	}
	var out []uint64
	for _, i := range list {
		if of, text, ok := strings.Cut(i.Name, "."); ok && of == log {
			if seq, err := strconv.ParseUint(text, 10, 64); err == nil {
				out = append(out, seq)
			}
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out, nil
}

// Load implements Archive.
func (j *JetStream) Load(ctx context.Context, log string, seq uint64, take Put) error {
	b, err := j.js.ObjectStore(ctx, bus.SnapshotBucket)
	if err != nil {
		return logError("journal.Load", log, err)
	}
	bound, moved, end := moving(ctx)
	o, err := b.Get(bound, snapshotName(log, seq))
	if err != nil {
		return logError("journal.Load", log, end(err))
	}
	defer func() { _ = o.Close() }() // what was read of it is checked by its sum
	return end(readSnapshot(o, log, seq, func(r *journalv1.SnapshotRecord) error { moved(); return take(r) }))
}

// Drop implements Archive.
func (j *JetStream) Drop(ctx context.Context, log string, below uint64) error {
	list, err := j.Snapshots(ctx, log)
	if err != nil {
		return err
	}
	for _, seq := range list {
		if below != 0 && seq >= below {
			continue
		}
		if err := j.Remove(ctx, log, seq); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements Archive.
func (j *JetStream) Remove(ctx context.Context, log string, seq uint64) error {
	b, err := j.bucket(ctx)
	if err != nil {
		return err
	}
	err = b.Delete(ctx, snapshotName(log, seq))
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	return logError("journal.Remove", log, err)
}

// writeSnapshot writes the records between a head and an end that says how many there
// are and what they add up to.
func writeSnapshot(to io.Writer, log string, seq uint64, write func(Put) error) error {
	w := bufio.NewWriterSize(to, chunk)
	sum, n := xxh3.New(), uint64(0)
	both := io.MultiWriter(w, sum)
	put := func(r *journalv1.SnapshotRecord) error {
		n++
		_, err := protodelim.MarshalTo(both, r)
		return err
	}
	head := &journalv1.SnapshotHead{Log: log, Sequence: seq}
	if err := put(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Head{Head: head}}); err != nil {
		return err
	}
	if err := write(put); err != nil {
		return err
	}
	end := &journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_End{End: &journalv1.SnapshotEnd{Records: n, Sum: sum.Sum64()}}}
	if _, err := protodelim.MarshalTo(w, end); err != nil {
		return err
	}
	return w.Flush()
}

// readSnapshot reads what writeSnapshot wrote; take gets neither head nor end.
func readSnapshot(from io.Reader, log string, seq uint64, take Put) error {
	r := bufio.NewReaderSize(from, chunk)
	sum, n := xxh3.New(), uint64(0)
	for {
		record := &journalv1.SnapshotRecord{}
		raw, body, err := readRecord(r)
		if away(err) {
			return logError("journal.Load", log, err)
		}
		if err == nil {
			err = proto.Unmarshal(body, record)
		}
		if err != nil {
			return errSnapshot(log, seq, err)
		}
		switch b := record.GetBody().(type) {
		case *journalv1.SnapshotRecord_End:
			if b.End.GetRecords() != n || b.End.GetSum() != sum.Sum64() {
				return errSnapshot(log, seq, errors.New("its records do not add up"))
			}
			return nil
		case *journalv1.SnapshotRecord_Head:
			if n != 0 || b.Head.GetLog() != log || b.Head.GetSequence() != seq {
				return errSnapshot(log, seq, errors.New("it is another one"))
			}
		default:
			if err := take(record); err != nil {
				return err
			}
		}
		n++
		_, _ = sum.Write(raw) // a hash takes everything
	}
}

// away tells whether an error of reading says nothing of what was to be read.
func away(err error) bool {
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func errSnapshot(log string, seq uint64, err error) error {
	return fault.New(fault.Corrupt, "journal.Load", "snapshot of control log %s at event %d cannot be read: %w", log, seq, err)
}

// maxRecord is the largest record that is read; a table's plan is one.
const maxRecord = 256 << 20

// readRecord reads one record, with the length before it and without.
func readRecord(r *bufio.Reader) (raw, body []byte, err error) {
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, nil, err
	}
	if size > maxRecord {
		return nil, nil, fmt.Errorf("a record of %d bytes", size)
	}
	raw = binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64+size), size)
	head := len(raw)
	raw = raw[:head+int(size)]
	_, err = io.ReadFull(r, raw[head:])
	return raw, raw[head:], err
}
