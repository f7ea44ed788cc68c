package worker

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/telemetry"
)

// attributes name a job in log lines.
func attributes(job *workerv1.Job) []any {
	list := []any{telemetry.KeyMigration, job.GetMigrationName(), telemetry.KeyJob, job.GetTitle(), telemetry.KeyLease, job.GetLease()}
	if t := tableOf(job); t != "" {
		list = append(list, telemetry.KeyTable, t)
	}
	if n := rangeOf(job); n != 0 {
		list = append(list, telemetry.KeyRange, n)
	}
	if w, ok := work(job).(interface{ GetAttempt() uint64 }); ok {
		list = append(list, telemetry.KeyAttempt, w.GetAttempt())
	}
	return list
}

// work is the message of a job's kind: an ExtractRange, a LoadRange …
func work(job *workerv1.Job) any {
	m := job.ProtoReflect()
	set := m.WhichOneof(m.Descriptor().Oneofs().ByName("work"))
	if set == nil {
		return nil
	}
	return m.Get(set).Message().Interface()
}

// tableOf names a job's table as the source does; empty where it has none.
func tableOf(job *workerv1.Job) string {
	w, ok := work(job).(interface{ GetTable() *planv1.TablePlan })
	if !ok || w.GetTable() == nil {
		return ""
	}
	t := w.GetTable().GetSource()
	if t.GetSchema() == "" {
		return t.GetName()
	}
	return t.GetSchema() + "." + t.GetName()
}

// rangeOf is the number of a job's range; 0 where it has none.
func rangeOf(job *workerv1.Job) uint32 {
	w, ok := work(job).(interface{ GetRange() *planv1.Range })
	if !ok {
		return 0
	}
	return w.GetRange().GetNumber()
}
