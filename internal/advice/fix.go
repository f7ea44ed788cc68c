package advice

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// Settle gives the findings of a design the lines of a spec that settle them, where a
// spec can. Findings that have them keep them.
func Settle(d *planv1.Design) {
	for _, p := range d.GetTables() {
		for _, f := range p.GetFindings() {
			if f.GetFix() == "" {
				f.Fix = Fix(p, f)
			}
		}
	}
}

// Fix gives the lines of a spec that settle a finding about a table, by the finding's
// code; empty where no spec can.
func Fix(p *planv1.TablePlan, f *planv1.Finding) string {
	column := func(rules ...string) string {
		if f.GetColumn() == "" {
			return ""
		}
		return columnRule(p, f.GetColumn(), rules)
	}
	switch f.GetCode() {
	case "TARGET_NOT_EMPTY":
		return "existing: truncate\n# or existing: append"
	case "TARGET_EXISTS", "TARGET_NOT_A_TABLE", "NAME_RESERVED":
		return tableRule(p, "into: "+scalar(p.GetSource().GetName()+"_new"))
	case "NAME_TOO_LONG", "NAME_COLLISION", "NAME_INVALID", "NAME_CHANGED":
		if f.GetColumn() == "" {
			return tableRule(p, "into: "+scalar(shortName(p.GetSource().GetName())))
		}
		return column("{into: " + scalar(shortName(f.GetColumn())) + "}")
	case "NO_TYPE_MAPPING", "TYPE_MISSING":
		return column("{type: "+plainType(p, f.GetColumn())+"}", "{drop: true}")
	case "TYPE_NARROWED", "TEXT_LIMITED":
		return column("{type: " + textType(p) + "}")
	case "IDENTITY_BY_SEQUENCE":
		return column("{type: bigint}")
	case "INDEX_TOO_LONG", "INDEX_ENTRY_TOO_LONG", "INDEX_ENTRY_LONG":
		return shorterIndex(p, f.GetIndex())
	case "CANNOT_SPLIT", "CANNOT_READ", "NO_COLUMNS", "KEY_REQUIRED":
		return tableRule(p, "skip: true")
	case "SCHEMA_MAPPING_NEEDED":
		return "tables:\n  - match: " + scalar(glob(p.GetSource().GetSchema())+".*") + "\n    into: " + scalar("DATABASE.{table}")
	}
	return ""
}

// indexedCharacters is how many characters of a text fit every index of every engine.
const indexedCharacters = 191

// shorterIndex takes the beginnings of texts where that changes nothing but the speed of
// queries, or leaves the index out; nothing is said of a key.
func shorterIndex(p *planv1.TablePlan, name string) string {
	for _, x := range p.GetSource().GetIndexes() {
		switch {
		case x.GetName() != name || x.GetPrimary():
		case x.GetUnique():
			return indexRule(p, name, []string{"{drop: true}"})
		default:
			return indexRule(p, name, []string{fmt.Sprintf("{prefix: %d}", indexedCharacters/len(x.GetColumns())), "{drop: true}"})
		}
	}
	return ""
}

// plainType is a type of the target that keeps every value of a column in the form in
// which it travels.
func plainType(p *planv1.TablePlan, column string) string {
	for _, c := range p.GetSource().GetColumns() {
		if c.GetName() == column && c.GetGeometry() != "" {
			return "bytea" // others have a type for geometries, or for bytes
		}
	}
	return textType(p)
}

// textType is a type of the target that keeps every value as text.
func textType(p *planv1.TablePlan) string {
	switch p.GetTargetEngine() {
	case "mysql", "mariadb":
		return "longtext"
	case "sqlite":
		return "TEXT"
	default:
		return "text"
	}
}

// shortName is a name that fits every engine and differs from the one that did not.
func shortName(name string) string {
	const most = 50
	cut := strings.ToValidUTF8(name[:min(len(name), most)], "")
	return cut + "_2"
}
