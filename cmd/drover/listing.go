package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

// listing is a list in every form that it can be printed in.
type listing struct {
	items []item
	// all joins items into the document of -o json.
	all  func([]proto.Message) proto.Message
	grid func() *output.Grid
	wide []string
}

// item of a list: its message, name and cells.
type item struct {
	message proto.Message
	name    string
	cells   []string
	// wide cells come behind the others with -o wide.
	wide []string
}

// typed gives messages their type back.
func typed[T proto.Message](list []proto.Message) []T {
	out := make([]T, len(list))
	for i := range list {
		out[i] = list[i].(T)
	}
	return out
}

func rangeListing(ctx context.Context, c *clients, s *selection) (*listing, error) {
	state, err := stateOf(droverv1.Range_State_value, s.state)
	if err != nil {
		return nil, err
	}
	parent, err := c.theMigration(ctx, s.migration)
	if err != nil {
		return nil, err
	}
	parent += "/tables/-"
	if s.table != "" {
		if parent, err = c.theTable(ctx, s.migration, s.table); err != nil {
			return nil, err
		}
	}
	list, err := c.listRanges(ctx, parent, droverv1.Range_State(state))
	l := &listing{
		grid: func() *output.Grid {
			return output.NewGrid("NAME", "RANGE", "STATE", ">ROWS", ">BYTES", ">ATTEMPTS", "WORKER", "REASON")
		},
		wide: []string{"SOURCE DIGEST", "TARGET DIGEST"},
		all: func(m []proto.Message) proto.Message {
			return &droverv1.ListRangesResponse{Ranges: typed[*droverv1.Range](m)}
		},
	}
	for _, r := range list {
		l.items = append(l.items, item{message: r, name: r.GetName(), cells: []string{
			r.GetName(), r.GetLabel(), progress.StateName(r.GetState()), humanize.Comma(r.GetRows()),
			humanize.IBytes(uint64(r.GetBytes())), fmt.Sprint(r.GetAttempts()), r.GetWorker(), r.GetReason()},
			wide: []string{r.GetSourceDigest(), r.GetTargetDigest()}})
	}
	return l, err
}

func workerListing(ctx context.Context, c *clients, _ *selection) (*listing, error) {
	list, err := c.listWorkers(ctx)
	l := &listing{
		grid: func() *output.Grid {
			return output.NewGrid("NAME", "ROLE", "HOST", ">JOBS", ">SLOTS", "DRAINING", "CONNECTED", "HEARTBEAT")
		},
		wide: []string{"VERSION", "IN HAND"},
		all: func(m []proto.Message) proto.Message {
			return &droverv1.ListWorkersResponse{Workers: typed[*droverv1.Worker](m)}
		},
	}
	for _, w := range list {
		l.items = append(l.items, item{message: w, name: w.GetName(), cells: []string{
			strings.TrimPrefix(w.GetName(), "workers/"), w.GetRole(), w.GetHost(), fmt.Sprint(len(w.GetJobs())), fmt.Sprint(w.GetSlots()),
			fmt.Sprint(w.GetDraining()), age(w.GetConnectTime()), age(w.GetHeartbeatTime())},
			wide: []string{w.GetVersion(), strings.Join(w.GetJobs(), "; ")}})
	}
	return l, err
}

func eventListing(ctx context.Context, c *clients, s *selection) (*listing, error) {
	parent, err := c.theMigration(ctx, s.migration)
	if err != nil {
		return nil, err
	}
	list, err := c.listEvents(ctx, parent)
	l := &listing{
		grid: func() *output.Grid { return output.NewGrid(">SEQUENCE", "TIME", "ACTOR", "TYPE", "MESSAGE") },
		all: func(m []proto.Message) proto.Message {
			return &droverv1.ListEventsResponse{Events: typed[*droverv1.Event](m)}
		},
	}
	for _, e := range list {
		l.items = append(l.items, item{message: e, name: fmt.Sprint(e.GetSequence()), cells: []string{
			fmt.Sprint(e.GetSequence()), e.GetTime().AsTime().Format(time.RFC3339), e.GetActor(), e.GetType(), e.GetMessage()}})
	}
	return l, err
}

// age words how long ago a time was.
func age(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return humanize.Time(t.AsTime())
}
