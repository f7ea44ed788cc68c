package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// stream is the migration's row stream. It acknowledges a message and may lose it all
// the same.
type stream struct {
	w      *World
	exists bool
	// made counts how often it was made: another one of the same name is not the same.
	made     int
	last     uint64
	messages []message
	ids      map[string]bool
	waiting  []*consumer
}

type message struct {
	seq     uint64
	subject string
	id      string
	data    []byte
}

// ensure makes the stream where there is none.
func (s *stream) ensure() error {
	if s.w.fault(s.w.scenario.messages, "stream cannot be made", "") {
		return lost(fault.Stream)
	}
	if !s.exists {
		s.exists, s.last, s.messages, s.ids = true, 0, nil, map[string]bool{}
		s.made++
	}
	return nil
}

// wipe loses everything.
func (s *stream) wipe() {
	s.exists, s.messages = false, nil
	s.pump()
}

// full tells whether a message must wait for room.
func (s *stream) full() bool {
	room := s.w.scenario.room
	return s.exists && room > 0 && len(s.messages) >= room
}

// subjects lists those that have messages.
func (s *stream) subjects() (out []string) {
	for _, m := range s.messages {
		if !slices.Contains(out, m.subject) {
			out = append(out, m.subject)
		}
	}
	return out
}

// publish stores a message, unless one of its id is remembered.
func (s *stream) publish(m bus.Message) error {
	if !s.exists {
		return lost(fault.Stream)
	}
	if s.ids[m.ID] && !s.w.chance(s.w.scenario.windowForgets) {
		return nil
	}
	s.ids[m.ID] = true
	s.last++
	s.messages = append(s.messages, message{s.last, m.Subject, m.ID, append([]byte(nil), m.Data...)})
	s.pump()
	return nil
}

// rollBack forgets the newest messages, whose sequences will be given again.
func (s *stream) rollBack(n int) {
	for ; n > 0 && len(s.messages) > 0; n-- {
		newest := s.messages[len(s.messages)-1]
		delete(s.ids, newest.id)
		s.messages = s.messages[:len(s.messages)-1]
		s.last = newest.seq - 1
	}
	s.pump()
}

// hole loses one message in the middle.
func (s *stream) hole() {
	if n := len(s.messages); n > 0 {
		i := s.w.rng.IntN(n)
		s.w.tracef("stream loses %s", s.messages[i].id)
		s.messages = append(s.messages[:i:i], s.messages[i+1:]...)
	}
}

// purge removes a subject's messages below a sequence; all of them where it is 0.
func (s *stream) purge(subject string, upTo uint64) {
	kept := s.messages[:0:0]
	for _, m := range s.messages {
		if m.subject != subject || upTo > 0 && m.seq >= upTo {
			kept = append(kept, m)
		}
	}
	s.messages = kept
}

// pump has every consumer look again that waits.
func (s *stream) pump() {
	waiting := s.waiting
	s.waiting = nil
	for _, c := range waiting {
		c.look()
	}
}

// consumer delivers a subject's messages to one job, one when it is asked for.
type consumer struct {
	s       *stream
	job     *job
	subject string
	made    int
	last    uint64
	// again is a message that will be delivered once more, later one that was passed.
	again, later *message
	deliver      func(data []byte, seq uint64)
	failed       func(error)
}

func (s *stream) consume(j *job, subject string) (*consumer, error) {
	if !s.exists {
		return nil, lost(fault.Stream)
	}
	return &consumer{s: s, job: j, subject: subject, made: s.made}, nil
}

// next delivers the next message as soon as there is one.
func (c *consumer) next(deliver func([]byte, uint64), failed func(error)) {
	c.deliver, c.failed = deliver, failed
	c.look()
}

// stop lets go of a wait.
func (c *consumer) stop() { c.deliver, c.failed = nil, nil }

// look delivers a message if there is one, or waits on.
func (c *consumer) look() {
	if c.deliver == nil || c.job.over {
		return
	}
	if !c.s.exists || c.made != c.s.made || c.s.last < c.last {
		failed := c.failed
		c.stop()
		c.job.then(c.s.w.latency(), func() { failed(lost(fault.Stream)) })
		return
	}
	m := c.take()
	if m == nil {
		c.s.waiting = append(c.s.waiting, c)
		return
	}
	deliver, data := c.deliver, c.spoil(m)
	c.stop()
	c.job.then(c.s.w.latency(), func() { deliver(data, m.seq) })
}

// take chooses what is delivered next: mostly what the contract says.
func (c *consumer) take() *message {
	w, p := c.s.w, c.s.w.scenario.messages
	if m := c.again; m != nil {
		c.again = nil
		return m
	}
	if m := c.later; m != nil && w.rng.IntN(2) == 0 {
		c.later = nil
		return m
	}
	if w.chance(p) {
		if m := c.stray(); m != nil {
			w.fails("message delivered to another attempt", m.subject)
			return m
		}
	}
	for i := range c.s.messages {
		m := c.s.messages[i]
		if m.seq <= c.last || m.subject != c.subject {
			continue
		}
		c.last = m.seq
		switch {
		case w.fault(p, "message lost", m.id):
			continue
		case c.later == nil && w.fault(p, "message late", m.id):
			c.later = &m
			continue
		case w.fault(p, "message doubled", m.id):
			c.again = &m
		}
		return &m
	}
	if m := c.later; m != nil {
		c.later = nil
		return m
	}
	return nil
}

// stray is a message of another attempt at the same range; nil for none.
func (c *consumer) stray() *message {
	of := c.subject[:strings.LastIndexByte(c.subject, '.')+1]
	for _, i := range c.s.w.rng.Perm(len(c.s.messages)) {
		if m := c.s.messages[i]; m.subject != c.subject && strings.HasPrefix(m.subject, of) {
			return &m
		}
	}
	return nil
}

// spoil may change a bit on the way.
func (c *consumer) spoil(m *message) []byte {
	w := c.s.w
	if !w.fault(w.scenario.messages/2, "bit changed", m.id) {
		return m.data
	}
	data := append([]byte(nil), m.data...)
	bit := w.rng.IntN(8 * len(data))
	data[bit/8] ^= 1 << (bit % 8)
	return data
}

// publishing gives messages to the stream one after another; an acknowledgement that does
// not come makes the publisher send again.
func (j *job) publishing(messages []bus.Message, done func(error)) {
	if len(messages) == 0 {
		done(nil)
		return
	}
	m := messages[0]
	p := j.w.scenario.publishes
	j.w.after(nil, j.w.latency(), func() { // on its way it is the network's, whatever becomes of the worker
		if j.w.fault(p, "publication lost", m.ID) {
			j.then(2*time.Second, func() { j.publishing(messages, done) })
			return
		}
		if j.w.stream.full() {
			j.then(j.w.between(50*time.Millisecond, 500*time.Millisecond), func() { j.publishing(messages, done) })
			return
		}
		err := j.w.stream.publish(m)
		if err == nil && j.w.fault(p, "acknowledgement lost", m.ID) {
			j.then(2*time.Second, func() { j.publishing(messages, done) })
			return
		}
		j.then(j.w.latency(), func() {
			if err != nil {
				done(err)
				return
			}
			if m.Done != nil {
				m.Done()
			}
			j.publishing(messages[1:], done)
		})
	})
}
