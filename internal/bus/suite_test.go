package bus_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// suite is what every Bus must do. open makes a Bus with no streams.
func suite(t *testing.T, run func(t *testing.T, test func(t *testing.T, open func(bus.Options) bus.Bus))) {
	tests := map[string]func(*testing.T, func(bus.Options) bus.Bus){
		"DeliversInOrder":          testDeliversInOrder,
		"ConsumeBeforePublish":     testConsumeBeforePublish,
		"StoresAnIDOnce":           testStoresAnIDOnce,
		"FullStreamKeepsOrder":     testFullStreamKeepsOrder,
		"PurgeBySequence":          testPurgeBySequence,
		"ListsSubjects":            testListsSubjects,
		"BudgetCanGrow":            testBudgetCanGrow,
		"RefusesTooLarge":          testRefusesTooLarge,
		"RefusesForeignSubject":    testRefusesForeignSubject,
		"DeletedStreamIsFound":     testDeletedStreamIsFound,
		"NextEndsWithContext":      testNextEndsWithContext,
		"FlushEndsWithContext":     testFlushEndsWithContext,
		"WindowHoldsPublisherBack": testWindowHoldsPublisherBack,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { run(t, test) })
	}
}

const stream = "DATA_m"

func subject(rng uint32) string { return bus.RowSubject("m", 1, rng, 1<<32|1) }

// make opens a bus with the stream at a budget.
func ensure(t *testing.T, b bus.Bus, maxBytes int64) {
	t.Helper()
	require.NoError(t, b.EnsureStream(t.Context(), bus.StreamConfig{Name: stream, Subjects: []string{bus.RowSubjects("m")}, MaxBytes: maxBytes, Replicas: 1}))
}

func publisher(t *testing.T, b bus.Bus, window int) bus.Publisher {
	t.Helper()
	p, err := b.Publisher(stream, window)
	require.NoError(t, err)
	return p
}

func consumer(t *testing.T, b bus.Bus, subject string) bus.Consumer {
	t.Helper()
	c, err := b.Consume(t.Context(), stream, subject)
	require.NoError(t, err)
	return c
}

// message has its number in its data, of a size that differs from the next one's.
func message(subject string, n int) bus.Message {
	data := binary.BigEndian.AppendUint32(nil, uint32(n))
	data = append(data, bytes.Repeat([]byte{byte(n)}, 500+n%7*1000)...)
	return bus.Message{Subject: subject, ID: fmt.Sprintf("%s/%d", subject, n), Data: data}
}

func number(d bus.Delivery) int { return int(binary.BigEndian.Uint32(d.Data)) }

func publish(t *testing.T, p bus.Publisher, subject string, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		require.NoError(t, p.Publish(t.Context(), message(subject, n)))
	}
	require.NoError(t, p.Flush(t.Context()))
}

// expect reads messages from..to and returns the last one's sequence.
func expect(t *testing.T, c bus.Consumer, from, to int) (last uint64) {
	t.Helper()
	for n := from; n < to; n++ {
		d, err := c.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, n, number(d))
		require.Equal(t, message("", n).Data, d.Data)
		require.Greater(t, d.Sequence, last)
		last = d.Sequence
	}
	return last
}

func testDeliversInOrder(t *testing.T, open func(bus.Options) bus.Bus) {
	var published atomic.Int32
	b := open(bus.Options{Published: func(time.Duration) { published.Add(1) }})
	ensure(t, b, 64<<20)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	var done atomic.Int32
	for n := range 200 {
		m, other := message(subject(1), n), message(subject(2), n)
		m.Done = func() { done.Add(1) }
		require.NoError(t, p.Publish(t.Context(), m))
		require.NoError(t, p.Publish(t.Context(), other))
	}
	require.NoError(t, p.Flush(t.Context()))
	require.EqualValues(t, 200, done.Load())
	require.EqualValues(t, 400, published.Load())
	for range 2 { // every consumer begins at the beginning
		c := consumer(t, b, subject(1))
		expect(t, c, 0, 200)
		c.Close()
	}
	u, err := b.Usage(t.Context(), stream)
	require.NoError(t, err)
	require.EqualValues(t, 400, u.Messages)
	require.EqualValues(t, 64<<20, u.MaxBytes)
	require.Greater(t, u.Bytes, int64(400*500))
}

func testConsumeBeforePublish(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 64<<20)
	c := consumer(t, b, subject(1))
	defer c.Close()
	p := publisher(t, b, 1<<20)
	defer p.Close()
	publish(t, p, subject(1), 0, 5)
	expect(t, c, 0, 5)
	publish(t, p, subject(1), 5, 10)
	expect(t, c, 5, 10)
}

func testStoresAnIDOnce(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 64<<20)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	publish(t, p, subject(1), 0, 3)
	publish(t, p, subject(1), 0, 4)
	c := consumer(t, b, subject(1))
	defer c.Close()
	expect(t, c, 0, 4)
	u, err := b.Usage(t.Context(), stream)
	require.NoError(t, err)
	require.EqualValues(t, 4, u.Messages)
}

// A range many times the stream's budget goes through a slow consumer that
// purges as it goes, and arrives complete and in order.
func testFullStreamKeepsOrder(t *testing.T, open func(bus.Options) bus.Bus) {
	var waited atomic.Int64
	b := open(bus.Options{Backpressure: func(d time.Duration) { waited.Add(int64(d)) }})
	ensure(t, b, 64<<10)
	const ranges, messages = 3, 150
	failed := make(chan error, ranges)
	for r := range uint32(ranges) {
		go func() {
			p, err := b.Publisher(stream, 32<<10)
			for n := 0; err == nil && n < messages; n++ {
				err = p.Publish(t.Context(), message(subject(r), n))
			}
			if err == nil {
				err = p.Flush(t.Context())
			}
			p.Close()
			failed <- err
		}()
	}
	done := make(chan struct{}, ranges)
	for r := range uint32(ranges) {
		go func() {
			defer func() { done <- struct{}{} }()
			c := consumer(t, b, subject(r))
			defer c.Close()
			for n := range messages {
				d, err := c.Next(t.Context())
				if err != nil || number(d) != n {
					t.Errorf("range %d: got message %d and error %v, want message %d", r, number(d), err, n)
					return
				}
				time.Sleep(time.Millisecond)
				if err := b.Purge(t.Context(), stream, subject(r), d.Sequence+1); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for range ranges {
		require.NoError(t, <-failed)
	}
	for range ranges {
		<-done
	}
	require.Positive(t, waited.Load())
	u, err := b.Usage(t.Context(), stream)
	require.NoError(t, err)
	require.Zero(t, u.Messages)
}

func testPurgeBySequence(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 64<<20)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	publish(t, p, subject(1), 0, 10)
	publish(t, p, subject(2), 0, 10)
	c := consumer(t, b, subject(1))
	defer c.Close()
	require.NoError(t, b.Purge(t.Context(), stream, subject(1), 1))
	seq := expect(t, c, 0, 6)
	require.NoError(t, b.Purge(t.Context(), stream, subject(1), seq))
	again := consumer(t, b, subject(1))
	defer again.Close()
	expect(t, again, 5, 10)
	require.NoError(t, b.Purge(t.Context(), stream, subject(1), 0))
	u, err := b.Usage(t.Context(), stream)
	require.NoError(t, err)
	require.EqualValues(t, 10, u.Messages, "the other range's messages stay")
}

func testListsSubjects(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	_, err := b.Subjects(t.Context(), stream)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	ensure(t, b, 64<<20)
	found, err := b.Subjects(t.Context(), stream)
	require.NoError(t, err)
	require.Empty(t, found)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	var want []string
	for n := range uint32(2000) {
		publish(t, p, subject(n), 0, 1)
		want = append(want, subject(n))
	}
	require.NoError(t, b.Purge(t.Context(), stream, subject(0), 0))
	found, err = b.Subjects(t.Context(), stream)
	require.NoError(t, err)
	require.ElementsMatch(t, want[1:], found)
	attempt, ok := bus.AttemptOf(found[0])
	require.True(t, ok)
	require.EqualValues(t, 1<<32|1, attempt)
	_, ok = bus.AttemptOf(subject(1) + ".none")
	require.False(t, ok)
}

func testBudgetCanGrow(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 8<<10)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	for n := range 10 {
		require.NoError(t, p.Publish(t.Context(), message(subject(1), n)))
	}
	ensure(t, b, 1<<20)
	require.NoError(t, p.Flush(t.Context()))
	c := consumer(t, b, subject(1))
	defer c.Close()
	expect(t, c, 0, 10)
	require.Equal(t, fault.Invalid, fault.KindOf(b.EnsureStream(t.Context(), bus.StreamConfig{Name: "X", Subjects: []string{"x.>"}})))
}

func testRefusesTooLarge(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 64<<20)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	require.NoError(t, p.Publish(t.Context(), bus.Message{Subject: subject(1), ID: "big", Data: make([]byte, bus.MaxMessage+1)}))
	err := p.Flush(t.Context())
	require.Equal(t, fault.Unsupported, fault.KindOf(err), err)
	require.ErrorContains(t, err, "larger than the stream's limit")
	require.Error(t, p.Publish(t.Context(), message(subject(1), 1)), "a refused message must end the publisher")
}

func testRefusesForeignSubject(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 64<<20)
	p, err := b.Publisher("DATA_other", 1<<20)
	require.NoError(t, err)
	defer p.Close()
	require.NoError(t, p.Publish(t.Context(), message(subject(1), 1)))
	require.Error(t, p.Flush(t.Context()), "a stream that is not there takes nothing")
}

func testDeletedStreamIsFound(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	_, err := b.Consume(t.Context(), stream, subject(1))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), err)
	ensure(t, b, 64<<20)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	publish(t, p, subject(1), 0, 3)
	c := consumer(t, b, subject(1))
	defer c.Close()
	expect(t, c, 0, 3)
	require.NoError(t, b.DeleteStream(t.Context(), stream))
	require.NoError(t, b.DeleteStream(t.Context(), stream), "a missing stream is no error")
	_, err = c.Next(t.Context())
	require.Equal(t, fault.Unavailable, fault.KindOf(err), err)
	require.NoError(t, p.Publish(t.Context(), message(subject(1), 3)))
	err = p.Flush(t.Context())
	require.Equal(t, fault.Unavailable, fault.KindOf(err), err)
}

func testNextEndsWithContext(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 64<<20)
	c := consumer(t, b, subject(1))
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	p := publisher(t, b, 1<<20)
	defer p.Close()
	publish(t, p, subject(1), 0, 2)
	expect(t, c, 0, 2)
}

func testFlushEndsWithContext(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 8<<10)
	p := publisher(t, b, 1<<20)
	for n := range 20 {
		require.NoError(t, p.Publish(t.Context(), message(subject(1), n)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.Flush(ctx), context.DeadlineExceeded)
	p.Close()
	require.Equal(t, fault.Canceled, fault.KindOf(p.Publish(t.Context(), message(subject(1), 20))))
}

func testWindowHoldsPublisherBack(t *testing.T, open func(bus.Options) bus.Bus) {
	b := open(bus.Options{})
	ensure(t, b, 4<<10)
	p := publisher(t, b, 16<<10)
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var err error
	sent := 0
	for ; err == nil && sent < 1000; sent++ {
		err = p.Publish(ctx, bus.Message{Subject: subject(1), ID: fmt.Sprint(sent), Data: make([]byte, 1<<10)})
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, sent, 24, "the window and the stream together hold 20 KiB")
}
