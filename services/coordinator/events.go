package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

type eventServer struct {
	droverv1.UnsafeEventServiceServer
	s *Service
}

var errPageFull = errors.New("page full")

// ListEvents reads a migration's log; a page token is the sequence it begins behind.
func (a *eventServer) ListEvents(ctx context.Context, r *droverv1.ListEventsRequest) (*droverv1.ListEventsResponse, error) {
	_, m, err := a.s.find(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	var after uint64
	if r.GetPageToken() != "" {
		if after, err = strconv.ParseUint(r.GetPageToken(), 10, 64); err != nil {
			return nil, fault.New(fault.Invalid, "coordinator.ListEvents", "page_token %q is not one that this server gave", r.GetPageToken())
		}
	}
	out := &droverv1.ListEventsResponse{}
	after = min(after, m.Last)
	size := int(cmp.Or(r.GetPageSize(), defaultPage))
	err = a.s.events(ctx, m.UID, after, func(e *droverv1.Event) error {
		if len(out.Events) == size {
			out.NextPageToken = strconv.FormatUint(out.Events[size-1].GetSequence(), 10)
			return errPageFull
		}
		out.Events = append(out.Events, e)
		return nil
	})
	if err != nil && !errors.Is(err, errPageFull) {
		return nil, err
	}
	return out, nil
}

// describe writes an event in one line.
func describe(e *journalv1.Event) string {
	switch b := e.GetBody().(type) {
	case *journalv1.Event_TablePlanned:
		return fmt.Sprintf("table %d %s → %s", b.TablePlanned.GetTable().GetNumber(), sourceName(b.TablePlanned.GetTable()), targetName(b.TablePlanned.GetTable()))
	case *journalv1.Event_RangesFound:
		return fmt.Sprintf("%d ranges are loaded already", len(b.RangesFound.GetRanges()))
	case *journalv1.Event_PlanKept:
		return fmt.Sprintf("the target keeps the plan of %d tables", len(b.PlanKept.GetTables()))
	case *journalv1.Event_RangesPlanned:
		return fmt.Sprintf("table %d: %d ranges", b.RangesPlanned.GetTable(), len(b.RangesPlanned.GetRanges()))
	case *journalv1.Event_TableAdvanced:
		stage := strings.ToLower(strings.TrimPrefix(b.TableAdvanced.GetStage().String(), "TABLE_STAGE_"))
		return fmt.Sprintf("table %d is %s", b.TableAdvanced.GetTable(), stage)
	case *journalv1.Event_RangeLoaded:
		return fmt.Sprintf("%s loaded: %d rows, attempt %d", rangeText(b.RangeLoaded.GetTable(), b.RangeLoaded.GetRange()), b.RangeLoaded.GetDigest().GetRows(), b.RangeLoaded.GetAttempt())
	case *journalv1.Event_RangeVerified:
		return fmt.Sprintf("%s verified: %d rows, digest %x", rangeText(b.RangeVerified.GetTable(), b.RangeVerified.GetRange()), b.RangeVerified.GetDigest().GetRows(), b.RangeVerified.GetDigest().GetSum())
	case *journalv1.Event_RangeFailed:
		return fmt.Sprintf("%s failed to %s: %s", rangeText(b.RangeFailed.GetTable(), b.RangeFailed.GetRange()), b.RangeFailed.GetStage(), b.RangeFailed.GetReason())
	case *journalv1.Event_TargetLost:
		return fmt.Sprintf("the target lost what it had committed of table %d: %d ranges load again, and its steps are done again", b.TargetLost.GetTable(), len(b.TargetLost.GetRanges()))
	case *journalv1.Event_VerificationRangeChecked:
		c := b.VerificationRangeChecked
		return fmt.Sprintf("verification %d: %s: %d rows against %d, %d different %s", c.GetVerification(), rangeText(c.GetTable(), c.GetRange()),
			c.GetSource().GetRows(), c.GetTarget().GetRows(), c.GetDifferentRows(), c.GetReason())
	case *journalv1.Event_MigrationEnded:
		return "migration " + strings.ToLower(strings.TrimPrefix(b.MigrationEnded.GetOutcome().String(), "OUTCOME_"))
	}
	return fields(e)
}

// rangeText names a range.
func rangeText(table, number uint32) string { return fmt.Sprintf("table %d range %d", table, number) }

// fields writes the scalar fields of an event's body.
func fields(e *journalv1.Event) string {
	m := e.ProtoReflect()
	f := m.WhichOneof(m.Descriptor().Oneofs().ByName("body"))
	if f == nil {
		return ""
	}
	var parts []string
	m.Get(f).Message().Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if d.IsList() || d.Kind() == protoreflect.MessageKind || d.Kind() == protoreflect.BytesKind {
			return true
		}
		parts = append(parts, fmt.Sprintf("%s=%v", d.Name(), v.Interface()))
		return true
	})
	return strings.Join(parts, " ")
}

type systemServer struct {
	droverv1.UnsafeSystemServiceServer
	s *Service
}

// GetSystemInfo reads what the coordinator is.
func (a *systemServer) GetSystemInfo(ctx context.Context, _ *droverv1.GetSystemInfoRequest) (*droverv1.GetSystemInfoResponse, error) {
	if err := a.s.await(ctx); err != nil {
		return nil, err
	}
	durability, err := a.s.log.Durability(ctx)
	if err != nil {
		return nil, err
	}
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	out := &droverv1.GetSystemInfoResponse{Version: a.s.cfg.Version, GoVersion: runtime.Version(), Durability: durability,
		Term: a.s.standing.term, Leading: a.s.standing.leading, Leader: a.s.standing.leader}
	for _, w := range a.s.workers {
		if w.out != nil {
			out.Workers++
		}
	}
	return out, nil
}
