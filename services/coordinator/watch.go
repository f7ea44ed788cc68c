package coordinator

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

// Watching: at most one message each watchLeast, and a look each watchMost even if
// no event came, for what leases say of rows under way.
const (
	watchLeast = 200 * time.Millisecond
	watchMost  = time.Second
)

// WatchMigration sends what changes.
func (a *migrationServer) WatchMigration(r *droverv1.WatchMigrationRequest, stream grpc.ServerStreamingServer[droverv1.WatchMigrationResponse]) error {
	s, ctx := a.s, stream.Context()
	_, m, err := s.find(ctx, r.GetName())
	if err != nil {
		return err
	}
	sent := map[string]*droverv1.Table{}
	for {
		changed := s.store.WatchMigrations()
		rest := s.atRest(m.UID) // before the message, which then shows it
		msg := s.changes(m.UID, sent)
		if msg == nil {
			return fault.New(fault.NotFound, "coordinator.WatchMigration", "migration %s was deleted", m.Name)
		}
		if err := stream.Send(msg); err != nil {
			return err
		}
		if rest {
			return nil
		}
		look := time.NewTimer(watchMost)
		select {
		case <-ctx.Done():
			look.Stop()
			return nil
		case <-changed:
			look.Stop()
			time.Sleep(watchLeast)
		case <-look.C:
		}
	}
}

// atRest tells whether nothing more will change by itself.
func (s *Service) atRest(uid string) bool {
	m := s.view().Migration(uid)
	s.mu.Lock()
	defer s.mu.Unlock()
	return m != nil && (m.Regressed || m.Stage.Rests()) && !replanning(m, s.runs[uid])
}

// changes writes the migration and the tables that are not as they were sent.
func (s *Service) changes(uid string, sent map[string]*droverv1.Table) *droverv1.WatchMigrationResponse {
	view := s.view()
	m := view.Migration(uid)
	if m == nil {
		return nil
	}
	l, tables := s.live(uid), view.Tables(uid)
	out := &droverv1.WatchMigrationResponse{Migration: migration(m, tables, l), Workers: s.atWork()}
	for _, t := range tables {
		msg := tableMessage(m, t, tables, l)
		if old := sent[msg.GetName()]; old == nil || !proto.Equal(old, msg) {
			sent[msg.GetName()] = msg
			out.Tables = append(out.Tables, msg)
		}
	}
	return out
}

func (s *Service) atWork() *droverv1.Workers {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &droverv1.Workers{}
	for _, l := range s.leases {
		if !l.job.GetBackground() { // those only wait, for as long as they are let
			out.Jobs++
		}
	}
	for _, w := range s.workers {
		if w.out == nil {
			continue
		}
		switch w.role {
		case extractor:
			out.Extractors++
		case loader:
			out.Loaders++
		case validator:
			out.Validators++
		}
	}
	return out
}
