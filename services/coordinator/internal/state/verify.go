package state

import (
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// verification applies what happens to verifications.
func (a *apply) verification() error {
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_VerificationStarted:
		return a.verificationStarted(b.VerificationStarted)
	case *journalv1.Event_VerificationRangeChecked:
		e := b.VerificationRangeChecked
		return a.check(e.GetVerification(), e.GetTable(), e.GetRange(), func(c *Check) error { return checked(c, e) })
	case *journalv1.Event_VerificationEnded:
		return a.verificationEnded(b.VerificationEnded)
	case *journalv1.Event_RepairStarted:
		return a.repairStarted(b.RepairStarted)
	case *journalv1.Event_RangeRepaired:
		e := b.RangeRepaired
		return a.check(e.GetVerification(), e.GetTable(), e.GetRange(), func(c *Check) error { return repaired(c, e) })
	}
	return nil
}

func (a *apply) verificationStarted(e *journalv1.VerificationStarted) error {
	if a.m.Verifying != 0 {
		return fmt.Errorf("verification %d is under way", a.m.Verifying)
	}
	v := &Verification{Migration: a.uid, Number: e.GetNumber(), Mode: e.GetMode(), SampleRows: e.GetSampleRows(), Seed: e.GetSeed(),
		Active: true, Started: a.event.GetTime().AsTime()}
	for _, part := range e.GetParts() {
		ranges := part.GetRanges()
		if len(ranges) == 0 {
			ranges = []uint32{0}
		}
		for _, r := range ranges {
			v.Open++
			if err := a.insert(tableChecks, &Check{Migration: a.uid, Verification: v.Number, Table: part.GetTable(), Range: r}); err != nil {
				return err
			}
		}
	}
	a.m.Verifying, a.m.Verifications = v.Number, v.Number
	if err := a.forgetVerifications(v.Number); err != nil {
		return err
	}
	return a.insert(tableVerifications, v)
}

// forgetVerifications keeps the newest ones.
func (a *apply) forgetVerifications(newest uint32) error {
	for _, old := range a.view().Verifications(a.uid) {
		if old.Number+keptVerifications > newest {
			continue
		}
		if err := a.deleteAll(tableChecks, verificationKey(a.uid, old.Number)); err != nil {
			return err
		}
		if err := a.remove(tableVerifications, old); err != nil {
			return err
		}
	}
	return nil
}

// verificationCopy gives a copy of a verification to change.
func (a *apply) verificationCopy(number uint32) (*Verification, error) {
	old := a.view().Verification(a.uid, number)
	if old == nil {
		return nil, fmt.Errorf("no verification %d", number)
	}
	v := *old
	return &v, nil
}

// check changes copies of a check and its verification, whose counts follow.
func (a *apply) check(verification, table, rng uint32, change func(*Check) error) error {
	v, err := a.verificationCopy(verification)
	if err != nil {
		return err
	}
	old := a.view().Check(a.uid, verification, table, rng)
	if old == nil {
		return fmt.Errorf("verification %d has no range %d of table %d", verification, rng, table)
	}
	c := *old
	if err := change(&c); err != nil {
		return err
	}
	v.count(old, -1)
	v.count(&c, 1)
	if err := a.insert(tableChecks, &c); err != nil {
		return err
	}
	return a.insert(tableVerifications, v)
}

func (v *Verification) count(c *Check, sign int) {
	v.Listed += sign * c.Listed()
	if c.State.Open() {
		v.Open += sign
	}
}

// checked takes what both sides of a range amount to.
func checked(c *Check, e *journalv1.VerificationRangeChecked) (err error) {
	c.Problem, c.Differences, c.Schema = Problem{}, e.GetDifferences(), e.GetSchema()
	c.DifferentRows, c.SampledRows, c.RejectedRows = e.GetDifferentRows(), e.GetSampledRows(), e.GetRejectedRows()
	if c.Source, err = lenientDigest(e.GetSource()); err != nil {
		return err
	}
	if c.Target, err = lenientDigest(e.GetTarget()); err != nil {
		return err
	}
	switch {
	case e.GetReason() != "":
		c.State, c.Problem = CheckFailed, Problem{Reason: e.GetReason(), Side: e.GetSide(), Kind: e.GetKind()}
	case c.DifferentRows > 0 || len(c.Schema) > 0:
		c.State = CheckDifferent
	default:
		c.State = CheckEqual
	}
	return nil
}

// lenientDigest reads a digest that may have a count alone.
func lenientDigest(d *planv1.Digest) (batch.Digest, error) {
	if len(d.GetSum()) == 0 {
		return batch.Digest{Rows: d.GetRows()}, nil
	}
	return batch.DigestOf(d)
}

func (a *apply) verificationEnded(e *journalv1.VerificationEnded) error {
	v, err := a.verificationCopy(e.GetVerification())
	if err != nil {
		return err
	}
	v.Active, v.Repairing, v.Cancelled, v.Ended = false, false, e.GetCancelled(), a.event.GetTime().AsTime()
	a.m.Verifying = 0
	return a.insert(tableVerifications, v)
}

// repairStarted takes up every check that lists rows by their keys.
func (a *apply) repairStarted(e *journalv1.RepairStarted) error {
	v, err := a.verificationCopy(e.GetVerification())
	if err != nil {
		return err
	}
	if a.m.Verifying != 0 {
		return fmt.Errorf("verification %d is under way", a.m.Verifying)
	}
	var found []*Check
	a.view().Checks(a.uid, v.Number, func(c *Check) bool {
		if len(c.Repairs) > 0 || c.RepairProblem.Reason != "" || c.State == CheckDifferent && c.Repairable() {
			found = append(found, c)
		}
		return true
	})
	for _, old := range found {
		c := *old
		c.Repairs, c.RepairProblem = nil, Problem{}
		if c.State == CheckDifferent && c.Repairable() {
			c.State = CheckRepair
		}
		v.count(old, -1)
		v.count(&c, 1)
		if err := a.insert(tableChecks, &c); err != nil {
			return err
		}
	}
	v.Active, v.Repairing, v.Repaired, v.Cancelled, v.DryRun = true, true, true, false, e.GetDryRun()
	a.m.Verifying = v.Number
	return a.insert(tableVerifications, v)
}

// repaired takes what became of a range's rows: it is compared again.
func repaired(c *Check, e *journalv1.RangeRepaired) error {
	c.Repairs = e.GetRows()
	switch {
	case e.GetReason() != "":
		c.State, c.RepairProblem = CheckDifferent, Problem{Reason: e.GetReason(), Side: e.GetSide(), Kind: e.GetKind()}
	case e.GetDryRun():
		c.State = CheckDifferent
	default:
		c.State = CheckPending
	}
	return nil
}
