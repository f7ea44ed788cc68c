package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// keptLines of a story; what is older than that many is counted only.
const keptLines = 10_000

// bulk are the types of events that come with every range and say nothing that the
// range's state does not. A story counts them; any other event it tells in full.
var bulk = map[string]string{
	"ranges_planned":             "lists of planned ranges",
	"range_assessed":             "ranges read for the plan",
	"range_loaded":               "ranges loaded",
	"range_verified":             "ranges verified",
	"verification_range_checked": "ranges compared once more",
}

var errEnough = errors.New("the rest is of no interest")

// told gives the story of a migration up to its newest snapshot.
func (s *Leader) told(ctx context.Context, uid string, seq uint64) (lines []*journalv1.StoryLine, err error) {
	err = s.archive().Load(ctx, uid, seq, func(r *journalv1.SnapshotRecord) error {
		if r.GetStory() == nil {
			return errEnough
		}
		lines = append(lines, r.GetStory())
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return lines, err
}

// story tells what happened in a migration up to an event, in lines that stay when the
// events are gone.
func (s *Leader) story(ctx context.Context, uid string, end uint64) (lines []*journalv1.StoryLine, err error) {
	var after uint64
	list, err := s.archive().Snapshots(ctx, uid)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		after = list[0]
		if lines, err = s.told(ctx, uid, after); err != nil {
			return nil, err
		}
	}
	counted := map[string]*journalv1.StoryLine{}
	_, err = s.log.Replay(ctx, uid, after, func(seq uint64, e *journalv1.Event) error {
		if seq > end {
			return errEnough
		}
		line := &journalv1.StoryLine{Sequence: seq, Time: e.GetTime(), Actor: e.GetActor(), Type: journal.EventName(e)}
		if bulk[line.GetType()] == "" {
			line.Message = describe(e)
			lines = append(lines, line)
			return nil
		}
		line.Events = counted[line.GetType()].GetEvents() + 1
		counted[line.GetType()] = line
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	for kind, line := range counted {
		line.Message = fmt.Sprintf("%d %s since the line of this type before", line.GetEvents(), bulk[kind])
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b *journalv1.StoryLine) int { return cmp.Compare(a.GetSequence(), b.GetSequence()) })
	return shortened(lines), nil
}

// shortened leaves the oldest lines out of a story that is too long, and says so.
func shortened(lines []*journalv1.StoryLine) []*journalv1.StoryLine {
	over := len(lines) - keptLines
	if over <= 0 {
		return lines
	}
	gone := uint64(0)
	for _, l := range lines[:over+1] {
		gone += max(l.GetEvents(), 1)
	}
	first := lines[over]
	return append([]*journalv1.StoryLine{{Sequence: first.GetSequence(), Time: first.GetTime(), Actor: first.GetActor(), Type: "earlier_events",
		Message: fmt.Sprintf("%d earlier events are not told any more", gone), Events: gone}}, lines[over+1:]...)
}

// events gives a migration's events behind a sequence, until take returns an error:
// those that the log has as they are, those before as its story tells them.
func (s *Leader) events(ctx context.Context, uid string, after uint64, take func(*droverv1.Event) error) error {
	if archive := s.archive(); archive != nil {
		list, err := archive.Snapshots(ctx, uid)
		if err != nil {
			return err
		}
		if len(list) > 1 && after < list[1] {
			if err := s.tell(ctx, uid, list[0], after, list[1], take); err != nil {
				return err
			}
			after = list[1]
		}
	}
	_, err := s.log.Replay(ctx, uid, after, func(seq uint64, e *journalv1.Event) error {
		return take(&droverv1.Event{Sequence: seq, Time: e.GetTime(), Actor: e.GetActor(), Type: journal.EventName(e), Message: describe(e)})
	})
	return err
}

// tell gives the lines of a story behind one event and up to another.
func (s *Leader) tell(ctx context.Context, uid string, snapshot, after, upTo uint64, take func(*droverv1.Event) error) error {
	lines, err := s.told(ctx, uid, snapshot)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.GetSequence() <= after || l.GetSequence() > upTo {
			continue
		}
		if err := take(&droverv1.Event{Sequence: l.GetSequence(), Time: l.GetTime(), Actor: l.GetActor(), Type: l.GetType(), Message: l.GetMessage()}); err != nil {
			return err
		}
	}
	return nil
}
