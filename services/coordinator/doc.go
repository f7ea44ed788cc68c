// Package coordinator decides: what is migrated, in which ranges, who may work on
// them, and when they are done. It opens no user database and holds no password;
// everything it knows it was told by workers and has in the control log.
//
// The way of a range through it: plan.go makes it, offer.go finds who may have it,
// lease.go gives it to a loader and an extractor, report.go takes what they did,
// complete.go closes it and whatever it was the last of. fail.go says what follows a
// failure, reap.go takes back what the dead held, standstill.go what hangs. phase.go and
// step.go say when a table may begin, publish.go what becomes of staged ones, skip.go,
// retry.go and update.go what people may change on the way.
//
// A range's states, as the control log has them:
//
//	            RangeLoaded              RangeVerified
//	PENDING ───────────────► LOADED ───────────────────► VERIFIED
//	 ▲   ▲                     │                            │
//	 │   └──── RangeFailed ────┤   (too often)              │ TableRestarted
//	 │                         └───────────────► BLOCKED    │
//	 └── RangeRetried, TableRestarted ◄─────────────┴───────┘
//
// RangeSkipped takes a range that is not verified out of this for good: its rows are
// removed by a load that only resets, and RangeEmptied says that they are gone. TargetLost
// takes LOADED and VERIFIED ranges back to PENDING (audit.go).
//
// Between PENDING and LOADED the range is in an attempt: a loader fences it in the
// target, an extractor reads it into the attempt's own subject, the loader writes
// it. Attempts live in memory only. Their numbers hold the term, which is in the
// log before the leader serves anybody, so no number is ever given twice; a
// coordinator that starts again takes up the attempts that workers still hold and
// starts the others anew.
package coordinator
