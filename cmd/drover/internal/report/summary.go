// Package report words the end of a migration: the two tables, the receipts,
// what was not moved and the verdict, for people and as JSON. It only reads what
// the API told. Read summary.go for the contents, text.go for the form.
package report

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

// SeverityError is the severity of a finding that stops its table.
const SeverityError = "ERROR"

// Summary is a finished (or stopped) migration: the document of --summary.
type Summary struct {
	Migration string    `json:"migration"`
	State     string    `json:"state"`
	Phase     string    `json:"phase,omitempty"`
	Verdict   string    `json:"verdict"`
	Reason    string    `json:"reason,omitempty"`
	Source    Endpoint  `json:"source"`
	Target    Endpoint  `json:"target"`
	Tables    []Table   `json:"tables"`
	Total     Totals    `json:"total"`
	Seconds   Seconds   `json:"seconds"`
	Unmoved   []Unmoved `json:"unmoved"`
	Findings  []Finding `json:"findings"`
}

// Endpoint of a migration, without its password.
type Endpoint struct {
	URL     string `json:"url"`
	Engine  string `json:"engine"`
	Version string `json:"version"`
}

// Totals of all tables.
type Totals struct {
	Tables         int     `json:"tables"`
	TablesComplete int     `json:"tables_complete"`
	TablesBlocked  int     `json:"tables_blocked"`
	TablesSkipped  int     `json:"tables_skipped"`
	Rows           int64   `json:"rows"`
	RowsVerified   int64   `json:"rows_verified"`
	Bytes          int64   `json:"bytes"`
	Ranges         int32   `json:"ranges"`
	RangesVerified int32   `json:"ranges_verified"`
	RangesSkipped  int32   `json:"ranges_skipped"`
	RowsFiltered   int64   `json:"rows_filtered"`
	ValuesTouched  int64   `json:"values_touched"`
	RowsRejected   int64   `json:"rows_rejected"`
	Attempts       int64   `json:"attempts"`
	Elapsed        float64 `json:"elapsed_seconds"`
}

// Seconds of work by step, added up over all workers.
type Seconds struct {
	Schema   float64 `json:"schema"`
	Extract  float64 `json:"extract"`
	Load     float64 `json:"load"`
	Validate float64 `json:"validate"`
}

// Table of a summary.
type Table struct {
	Source         string  `json:"source"`
	Target         string  `json:"target"`
	State          string  `json:"state"`
	Phase          string  `json:"phase,omitempty"`
	Reason         string  `json:"reason,omitempty"`
	ReasonKind     string  `json:"reason_kind,omitempty"`
	Rows           int64   `json:"rows"`
	RowsVerified   int64   `json:"rows_verified"`
	SourceRows     int64   `json:"source_rows"`
	Bytes          int64   `json:"bytes"`
	Ranges         int32   `json:"ranges"`
	RangesVerified int32   `json:"ranges_verified"`
	RangesBlocked  int32   `json:"ranges_blocked"`
	RangesSkipped  int32   `json:"ranges_skipped"`
	RowsFiltered   int64   `json:"rows_filtered"`
	RowsRejected   int64   `json:"rows_rejected"`
	Attempts       int64   `json:"attempts"`
	Mismatches     int64   `json:"mismatches"`
	Duplicates     int64   `json:"duplicates_suppressed"`
	SourceDigest   string  `json:"source_digest"`
	TargetDigest   string  `json:"target_digest"`
	Seconds        Seconds `json:"seconds"`
	// Differences found by failed validations, the last ones.
	Differences []Difference `json:"differences,omitempty"`
	// Touched is what moved by which policy.
	Touched []Touched `json:"touched,omitempty"`
	// FirstReject is the first row that the target refused, and why.
	FirstReject string `json:"first_reject,omitempty"`
}

// Touched counts the values of a column that its policy changed.
type Touched struct {
	Column string `json:"column"`
	Policy string `json:"policy"`
	Values int64  `json:"values"`
}

// Difference is a row that was not the same on both sides.
type Difference struct {
	Type    string   `json:"type"`
	Key     string   `json:"key"`
	Columns []string `json:"columns,omitempty"`
}

// Unmoved is an object that stayed behind.
type Unmoved struct {
	Object string `json:"object"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// Definition is the source's, for whoever moves it by hand.
	Definition string `json:"definition,omitempty"`
}

// Finding of the plan.
type Finding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Table    string `json:"table,omitempty"`
	Column   string `json:"column,omitempty"`
	Message  string `json:"message"`
	// Fix is lines of a spec that settle it.
	Fix string `json:"fix,omitempty"`
	// Rows it is about and the keys of the first, where the data was scanned.
	Rows int64    `json:"rows,omitempty"`
	Keys []string `json:"keys,omitempty"`
}

// New makes the summary of a snapshot. findings are those of the tables' plans.
func New(s progress.Snapshot, findings []*planv1.Finding) *Summary {
	m := s.Migration
	out := &Summary{
		Migration: strings.TrimPrefix(m.GetName(), "migrations/"),
		State:     progress.StateName(m.GetState()),
		Phase:     progress.Phase(m),
		Reason:    m.GetReason(),
		Source:    Endpoint{URL: m.GetSpec().GetSource().GetUrl(), Engine: m.GetSourceEngine(), Version: m.GetSourceVersion()},
		Target:    Endpoint{URL: m.GetSpec().GetTarget().GetUrl(), Engine: m.GetTargetEngine(), Version: m.GetTargetVersion()},
		Tables:    []Table{},
		Seconds:   seconds(m.GetCounters()),
		Unmoved:   []Unmoved{},
		Findings:  []Finding{},
	}
	for _, t := range s.Tables {
		out.Tables = append(out.Tables, table(t))
	}
	out.Total = totals(out.Tables, m, s)
	for _, u := range m.GetUnmoved() {
		out.Unmoved = append(out.Unmoved, Unmoved{Object: u.GetObject(), Name: u.GetName(), Reason: u.GetReason(), Definition: u.GetDefinition()})
	}
	for _, f := range append(m.GetFindings(), findings...) {
		out.Findings = append(out.Findings, NewFinding(f))
	}
	out.Verdict = verdict(out)
	return out
}

// NewFinding converts one finding.
func NewFinding(f *planv1.Finding) Finding {
	return Finding{Severity: strings.TrimPrefix(f.GetSeverity().String(), "SEVERITY_"), Code: f.GetCode(),
		Table: f.GetTable(), Column: f.GetColumn(), Message: f.GetMessage(), Fix: f.GetFix(), Rows: f.GetRows(), Keys: f.GetKeys()}
}

func seconds(c *droverv1.Counters) Seconds {
	return Seconds{Schema: c.GetSchemaSeconds(), Extract: c.GetExtractSeconds(), Load: c.GetLoadSeconds(), Validate: c.GetValidateSeconds()}
}

// table converts one table.
func table(t *droverv1.Table) Table {
	c := t.GetCounters()
	out := Table{
		Source: t.GetSource(), Target: t.GetTarget(),
		State: progress.StateName(t.GetState()), Phase: t.GetPhase(), Reason: t.GetReason(), ReasonKind: t.GetReasonKind(),
		Rows: c.GetRowsLoaded(), RowsVerified: c.GetRowsVerified(), SourceRows: t.GetSourceRows(), Bytes: c.GetBytesLoaded(),
		Ranges: c.GetRanges(), RangesVerified: c.GetRangesVerified(), RangesBlocked: c.GetRangesBlocked(),
		RangesSkipped: t.GetRangesSkipped(), RowsFiltered: c.GetRowsFiltered(), RowsRejected: c.GetRowsRejected(), FirstReject: t.GetFirstReject(),
		Attempts:   int64(c.GetRanges()) + c.GetRetries(),
		Mismatches: c.GetMismatches(), Duplicates: c.GetDuplicatesSuppressed(),
		SourceDigest: t.GetSourceDigest(), TargetDigest: t.GetTargetDigest(),
		Seconds: seconds(c),
	}
	for _, d := range t.GetDifferences() {
		out.Differences = append(out.Differences, Difference{
			Type: strings.ToLower(strings.TrimPrefix(d.GetType().String(), "TYPE_")), Key: d.GetKey(), Columns: d.GetColumns()})
	}
	for _, v := range t.GetTouched() {
		out.Touched = append(out.Touched, Touched{Column: v.GetColumn(), Policy: v.GetPolicy(), Values: v.GetValues()})
	}
	return out
}

// totals adds the tables up.
func totals(tables []Table, m *droverv1.Migration, s progress.Snapshot) Totals {
	out := Totals{Tables: len(tables), TablesComplete: int(m.GetTablesComplete()), TablesBlocked: int(m.GetTablesBlocked()),
		TablesSkipped: int(m.GetTablesSkipped()), Elapsed: s.Elapsed.Seconds()}
	for _, t := range tables {
		out.Rows += t.Rows
		out.RowsVerified += t.RowsVerified
		out.Bytes += t.Bytes
		out.Ranges += t.Ranges
		out.RangesVerified += t.RangesVerified
		out.RangesSkipped += t.RangesSkipped
		out.RowsFiltered += t.RowsFiltered
		out.RowsRejected += t.RowsRejected
		out.Attempts += t.Attempts
		for _, v := range t.Touched {
			out.ValuesTouched += v.Values
		}
	}
	return out
}
