package coordinator

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

type verificationServer struct {
	droverv1.UnsafeVerificationServiceServer
	s *Service
}

// verification finds what "migrations/m/verifications/1" names; "-" is the newest.
func (s *Service) verification(ctx context.Context, name string) (state.View, *state.Migration, *state.Verification, error) {
	const op = "coordinator.verification"
	parts := strings.Split(strings.TrimPrefix(name, "migrations/"), "/")
	if len(parts) != 3 || parts[1] != "verifications" {
		return state.View{}, nil, nil, fault.New(fault.Invalid, op, "%q is not the name of a verification: write migrations/NAME/verifications/N", name)
	}
	view, m, err := s.find(ctx, parts[0])
	if err != nil {
		return view, nil, nil, err
	}
	number := uint64(m.Verifications)
	if parts[2] != "-" {
		if number, err = strconv.ParseUint(parts[2], 10, 32); err != nil {
			return view, nil, nil, fault.New(fault.Invalid, op, "%q is not the number of a verification", parts[2])
		}
	}
	v := view.Verification(m.UID, uint32(number))
	switch {
	case v == nil && m.Verifications == 0:
		return view, nil, nil, fault.New(fault.NotFound, op, "migration %s was not verified yet: see drover verify", m.Name)
	case v == nil:
		return view, nil, nil, fault.New(fault.NotFound, op, "migration %s has no verification %s: the newest ten are kept", m.Name, parts[2])
	}
	return view, m, v, nil
}

// StartVerification compares source and target.
func (a *verificationServer) StartVerification(ctx context.Context, r *droverv1.StartVerificationRequest) (*droverv1.StartVerificationResponse, error) {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails
	_, err := a.s.act(ctx, r.GetParent(), func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) {
		e, err := beginVerification(a.s.view(), m, r, binary.BigEndian.Uint64(seed[:])>>11|1)
		return &journalv1.Event{Body: &journalv1.Event_VerificationStarted{VerificationStarted: e}}, err
	})
	if err != nil {
		return nil, err
	}
	v, err := a.get(ctx, r.GetParent()+"/verifications/-")
	return &droverv1.StartVerificationResponse{Verification: v}, err
}

// get reads a verification as it is now.
func (a *verificationServer) get(ctx context.Context, name string) (*droverv1.Verification, error) {
	view, m, v, err := a.s.verification(ctx, name)
	if err != nil {
		return nil, err
	}
	out := verificationMessage(view, m, v)
	if v.Active && out.GetReason() == "" {
		out.Reason = a.s.live(m.UID).stalled
	}
	return out, nil
}

// GetVerification reads one.
func (a *verificationServer) GetVerification(ctx context.Context, r *droverv1.GetVerificationRequest) (*droverv1.GetVerificationResponse, error) {
	v, err := a.get(ctx, r.GetName())
	return &droverv1.GetVerificationResponse{Verification: v}, err
}

// ListVerifications reads a migration's, oldest first.
func (a *verificationServer) ListVerifications(ctx context.Context, r *droverv1.ListVerificationsRequest) (*droverv1.ListVerificationsResponse, error) {
	view, m, err := a.s.find(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	part, next, err := page(view.Verifications(m.UID), r.GetPageSize(), r.GetPageToken())
	out := &droverv1.ListVerificationsResponse{NextPageToken: next}
	for _, v := range part {
		out.Verifications = append(out.Verifications, verificationMessage(view, m, v))
	}
	return out, err
}

// actOn appends an event about a verification.
func (a *verificationServer) actOn(ctx context.Context, name string, event func(*state.Migration, *state.Verification) (*journalv1.Event, error)) (*droverv1.Verification, error) {
	_, m, v, err := a.s.verification(ctx, name)
	if err != nil {
		return nil, err
	}
	_, err = a.s.act(ctx, m.Name, func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) {
		return event(m, a.s.view().Verification(m.UID, v.Number))
	})
	if err != nil {
		return nil, err
	}
	return a.get(ctx, verificationName(m, v))
}

// CancelVerification stops one.
func (a *verificationServer) CancelVerification(ctx context.Context, r *droverv1.CancelVerificationRequest) (*droverv1.CancelVerificationResponse, error) {
	v, err := a.actOn(ctx, r.GetName(), func(m *state.Migration, v *state.Verification) (*journalv1.Event, error) {
		if v == nil || !v.Active {
			return nil, refuse(m, "has no such verification under way")
		}
		for w, l := range a.s.busy {
			if w.migration == m.UID && w.kind.verifies() {
				a.s.revoke(l, "the verification was cancelled")
			}
		}
		return verificationEnded(v.Number, true), nil
	})
	return &droverv1.CancelVerificationResponse{Verification: v}, err
}

// RepairVerification repairs the rows that a verification lists.
func (a *verificationServer) RepairVerification(ctx context.Context, r *droverv1.RepairVerificationRequest) (*droverv1.RepairVerificationResponse, error) {
	v, err := a.actOn(ctx, r.GetName(), func(m *state.Migration, v *state.Verification) (*journalv1.Event, error) {
		if err := verifiable(m); err != nil {
			return nil, err
		}
		found := false
		a.s.view().ChecksIn(m.UID, v.Number, state.CheckDifferent, func(c *state.Check) bool {
			found = found || c.Repairable()
			return !found
		})
		if !found {
			return nil, refuse(m, "has no row to repair in verification %d: it lists none that differs by its key; drover verify --mode rows finds them", v.Number)
		}
		return &journalv1.Event{Body: &journalv1.Event_RepairStarted{RepairStarted: &journalv1.RepairStarted{Verification: v.Number, DryRun: r.GetDryRun()}}}, nil
	})
	return &droverv1.RepairVerificationResponse{Verification: v}, err
}
