package sim

// lock is the lock of a row in the target.
type lock struct {
	holders   []*transaction
	exclusive bool
	queue     []waiter
}

type waiter struct {
	tx        *transaction
	exclusive bool
	granted   func()
}

// transaction is one that is open in the target: its writes are applied when it commits.
type transaction struct {
	t      *target
	locks  []*lock
	writes []func()
	over   bool
}

// acquire goes on as soon as the lock is held. Locks are always taken in one order, so
// nobody waits for ever but for one who does not go on.
func (tx *transaction) acquire(l *lock, exclusive bool, granted func()) {
	if tx.over {
		return
	}
	if len(l.queue) == 0 && l.admits(exclusive) {
		tx.hold(l, exclusive)
		granted()
		return
	}
	l.queue = append(l.queue, waiter{tx, exclusive, granted})
}

func (l *lock) admits(exclusive bool) bool {
	return len(l.holders) == 0 || !exclusive && !l.exclusive
}

func (tx *transaction) hold(l *lock, exclusive bool) {
	l.holders, l.exclusive = append(l.holders, tx), exclusive
	tx.locks = append(tx.locks, l)
}

// release lets others have a lock.
func (tx *transaction) release(l *lock) {
	for i, h := range l.holders {
		if h == tx {
			l.holders = append(l.holders[:i:i], l.holders[i+1:]...)
			break
		}
	}
	for len(l.queue) > 0 {
		next := l.queue[0]
		if next.tx.over {
			l.queue = l.queue[1:]
			continue
		}
		if !l.admits(next.exclusive) {
			return
		}
		l.queue = l.queue[1:]
		next.tx.hold(l, next.exclusive)
		next.granted()
	}
}

// finish ends the transaction and lets go of its locks.
func (tx *transaction) finish() {
	tx.over = true
	for _, l := range tx.locks {
		tx.release(l)
	}
}

// abort ends the transaction without its writes.
func (tx *transaction) abort() {
	if !tx.over {
		tx.finish()
	}
}

// commit applies the writes. Durable commits survive a crash of the target, and with
// them all before.
func (tx *transaction) commit(durable bool) {
	if tx.over {
		return
	}
	for _, write := range tx.writes {
		write()
	}
	if durable {
		tx.t.undo = nil
	}
	tx.finish()
}

// session is a client's connection to the target.
type session struct {
	t    *target
	tx   *transaction
	dead bool
	// waiting tells the client of a call that the connection broke; nil without a call.
	waiting func()
}

// connect opens a connection.
func (t *target) connect() *session {
	s := &session{t: t}
	t.sessions = append(t.sessions, s)
	return s
}

// begin opens a transaction; one that is open is rolled back.
func (s *session) begin() *transaction {
	if s.tx != nil {
		s.tx.abort()
	}
	s.tx = &transaction{t: s.t}
	return s.tx
}

// kill ends a connection in the server.
func (s *session) kill() {
	s.dead = true
	if s.tx != nil {
		s.tx.abort()
	}
	if broken := s.waiting; broken != nil {
		s.waiting = nil
		broken()
	}
	for i, other := range s.t.sessions {
		if other == s {
			s.t.sessions = append(s.t.sessions[:i:i], s.t.sessions[i+1:]...)
			return
		}
	}
}

// abandon is a client that goes away: the server finds out in its own time.
func (s *session) abandon() {
	if s.dead {
		return
	}
	d := s.t.w.latency()
	if s.t.w.chance(0.2) {
		d = s.t.w.between(0, s.t.w.scenario.ttl*3)
	}
	s.t.w.after(nil, d, s.kill)
}
