package sim

import (
	"github.com/drover-db/drover/internal/fault"
)

// Calls to the target. A call is a message to the server, what the server does, and an
// answer; the connection may break on either way. A broken connection ends what is open
// in it, but not a COMMIT that had arrived.

// exec has the server do something in the session, which calls reply when it is done;
// answered is told the error of the reply, or that the connection broke.
func (j *job) exec(do func(reply func(error)), answered func(error)) {
	w, s := j.w, j.session
	broken := func() { j.then(w.latency(), func() { answered(lost(fault.Target)) }) }
	w.after(nil, w.latency(), func() {
		if s.dead || w.fault(w.scenario.answers, "call lost", j.p.name) {
			s.kill()
			broken()
			return
		}
		s.waiting = broken
		do(func(err error) {
			if s.waiting == nil {
				return // the client has heard that the connection broke
			}
			s.waiting = nil
			if w.fault(w.scenario.answers, "answer of a call lost", j.p.name) {
				s.kill()
				broken()
				return
			}
			j.then(w.latency(), func() {
				if s.dead {
					err = lost(fault.Target)
				}
				answered(err)
			})
		})
	})
}

// commit ends the session's transaction. Its answer may be lost, and the COMMIT with it,
// or come late: then the transaction stands open until it is carried out.
func (j *job) commit(durable bool, answered func(error)) {
	w, s, tx := j.w, j.session, j.session.tx
	broken := func() { j.then(w.latency(), func() { answered(lost(fault.Target)) }) }
	if w.fault(w.scenario.commits, "answer of a commit lost", j.p.name) {
		switch w.rng.IntN(3) {
		case 0: // it never arrives
			s.kill()
		case 1: // it is carried out at once
			tx.commit(durable)
			s.kill()
		default: // it is carried out while somebody tries again
			s.dead = true
			w.after(nil, w.between(0, w.scenario.ttl), func() { tx.commit(durable); s.kill() })
		}
		broken()
		return
	}
	j.exec(func(reply func(error)) {
		if tx.over {
			reply(lost(fault.Target))
			return
		}
		tx.commit(durable)
		reply(nil)
	}, answered)
}

// reconnect replaces a connection that broke.
func (j *job) reconnect() {
	if j.session.dead {
		j.session = j.w.target.connect()
	}
}

// statement runs one transaction of one call.
func (j *job) statement(do func(tx *transaction, then func(error)), answered func(error)) {
	j.exec(func(reply func(error)) {
		tx := j.session.begin()
		do(tx, func(err error) {
			if err != nil {
				tx.abort()
			} else {
				tx.commit(true)
			}
			reply(err)
		})
	}, answered)
}
