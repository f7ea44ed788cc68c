package coordinator

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// defaultPage is how many resources a page has when nobody says.
const defaultPage = 100

// page cuts a page out of all. The token is the number of resources before it.
func page[T any](all []T, size int32, token string) (part []T, next string, err error) {
	begin := 0
	if token != "" {
		if begin, err = strconv.Atoi(token); err != nil || begin < 0 {
			return nil, "", fault.New(fault.Invalid, "coordinator.page", "page_token %q is not one that this server gave", token)
		}
	}
	begin = min(begin, len(all))
	end := min(begin+int(cmp.Or(size, defaultPage)), len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[begin:end], next, nil
}

type tableServer struct {
	droverv1.UnsafeTableServiceServer
	s *Service
}

// GetTable reads a table with its plan.
func (a *tableServer) GetTable(ctx context.Context, r *droverv1.GetTableRequest) (*droverv1.GetTableResponse, error) {
	m, t, _, err := a.s.resource(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	view := a.s.view()
	return &droverv1.GetTableResponse{Table: fullTable(view, m, t, view.Tables(m.UID), a.s.live(m.UID))}, nil
}

// ListTables reads a migration's tables by number.
func (a *tableServer) ListTables(ctx context.Context, r *droverv1.ListTablesRequest) (*droverv1.ListTablesResponse, error) {
	view, m, err := a.s.find(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	tables := view.Tables(m.UID)
	part, next, err := page(tables, r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &droverv1.ListTablesResponse{NextPageToken: next}
	l := a.s.live(m.UID)
	for _, t := range part {
		if r.GetFull() {
			out.Tables = append(out.Tables, fullTable(view, m, t, tables, l))
		} else {
			out.Tables = append(out.Tables, tableMessage(m, t, tables, l))
		}
	}
	return out, nil
}

type rangeServer struct {
	droverv1.UnsafeRangeServiceServer
	s *Service
}

// GetRange reads a range.
func (a *rangeServer) GetRange(ctx context.Context, r *droverv1.GetRangeRequest) (*droverv1.GetRangeResponse, error) {
	m, t, number, err := a.s.resource(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	found := a.s.view().Range(m.UID, t.Number, number)
	if found == nil {
		return nil, fault.New(fault.NotFound, "coordinator.GetRange", "no range %q", r.GetName())
	}
	return &droverv1.GetRangeResponse{Range: rangeMessage(m, found, a.s.live(m.UID))}, nil
}

// ListRanges reads the ranges of a table, or of all tables, by number.
func (a *rangeServer) ListRanges(ctx context.Context, r *droverv1.ListRangesRequest) (*droverv1.ListRangesResponse, error) {
	parent, all := strings.CutSuffix(r.GetParent(), "/tables/-")
	var m *state.Migration
	var tables []*state.Table
	view, m, err := a.s.find(ctx, strings.Split(strings.TrimPrefix(parent, "migrations/"), "/")[0])
	if err != nil {
		return nil, err
	}
	if all {
		tables = view.Tables(m.UID)
	} else {
		_, t, _, err := a.s.resource(ctx, parent)
		if err != nil {
			return nil, err
		}
		tables = []*state.Table{t}
	}
	l := a.s.live(m.UID)
	var found []*droverv1.Range
	for _, t := range tables {
		view.Ranges(m.UID, t.Number, func(x *state.Range) bool {
			if msg := rangeMessage(m, x, l); r.GetState() == droverv1.Range_STATE_UNSPECIFIED || r.GetState() == msg.GetState() {
				found = append(found, msg)
			}
			return true
		})
	}
	part, next, err := page(found, r.GetPageSize(), r.GetPageToken())
	return &droverv1.ListRangesResponse{Ranges: part, NextPageToken: next}, err
}

// resource finds what "migrations/m/tables/t[/ranges/r]" names.
func (s *Service) resource(ctx context.Context, name string) (*state.Migration, *state.Table, uint32, error) {
	parts := strings.Split(strings.TrimPrefix(name, "migrations/"), "/")
	if len(parts) != 3 && len(parts) != 5 || parts[1] != "tables" || (len(parts) == 5 && parts[3] != "ranges") {
		return nil, nil, 0, fault.New(fault.Invalid, "coordinator.resource",
			"%q is not the name of a table or range: write migrations/NAME/tables/N or migrations/NAME/tables/N/ranges/N", name)
	}
	view, m, err := s.find(ctx, parts[0])
	if err != nil {
		return nil, nil, 0, err
	}
	i := slices.IndexFunc(view.Tables(m.UID), func(t *state.Table) bool { return parts[2] != "" && isTable(t, parts[2]) })
	if i < 0 {
		return nil, nil, 0, fault.New(fault.NotFound, "coordinator.resource", "no table %q in migration %s", parts[2], m.Name)
	}
	t := view.Tables(m.UID)[i]
	if len(parts) == 3 {
		return m, t, 0, nil
	}
	number, err := strconv.ParseUint(parts[4], 10, 32)
	if err != nil {
		return nil, nil, 0, fault.New(fault.Invalid, "coordinator.resource", "%q is not a range number", parts[4])
	}
	return m, t, uint32(number), nil
}

type workerServer struct {
	droverv1.UnsafeWorkerServiceServer
	s *Service
}

// ListWorkers reads the workers by name.
func (a *workerServer) ListWorkers(_ context.Context, r *droverv1.ListWorkersRequest) (*droverv1.ListWorkersResponse, error) {
	a.s.mu.Lock()
	var all []*droverv1.Worker
	for _, w := range a.s.workers {
		if w.out != nil || len(w.leases) > 0 {
			all = append(all, workerMessage(w))
		}
	}
	a.s.mu.Unlock()
	slices.SortFunc(all, func(x, y *droverv1.Worker) int { return strings.Compare(x.GetName(), y.GetName()) })
	part, next, err := page(all, r.GetPageSize(), r.GetPageToken())
	return &droverv1.ListWorkersResponse{Workers: part, NextPageToken: next}, err
}
