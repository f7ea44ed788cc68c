package postgres

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/loss"
)

// Check makes the check of a plan's values from the types that the plan names. Of types
// that are not built in the server knows more: it may refuse a text that passes here.
func (postgresEngine) Check(p *planv1.TablePlan) (engine.ValueCheck, error) {
	out := &valueCheck{&tupleEncoder{plan: p}}
	for _, c := range p.GetColumns() {
		out.types = append(out.types, storedTypeOf(c.GetTargetType()))
	}
	out.prepare()
	return out, nil
}

// valueCheck encodes values as a writer does and keeps nothing of them.
type valueCheck struct{ *tupleEncoder }

// Check takes one value. What has no encoder goes as text.
func (c *valueCheck) Check(column int, v []byte) (err error) {
	if err := c.check(column, v); err != nil {
		return err
	}
	kind := c.plan.GetColumns()[column].GetKind()
	if oid := c.types[column].oid; kind == canon.JSON && (oid == oidJSON || oid == oidJSONB) && !json.Valid(v) {
		// A writer leaves it to the server, which must read it anyway.
		return errJSON
	}
	if c.encoders[column] != nil {
		c.scratch, err = c.encoders[column](c.scratch[:0], v)
		return err
	}
	if kind == canon.Text {
		return checkText(v)
	}
	c.scratch, err = appendCopyText(c.scratch[:0], kind, v)
	return err
}

// Large takes values that a writer passes on as they are. Whether a text is JSON only a
// look at the whole tells; of one that nobody holds the server is left to say so.
func (c *valueCheck) Large(column int, size int64) (func([]byte) error, error) {
	kind, oid := c.plan.GetColumns()[column].GetKind(), c.types[column].oid
	switch {
	case size >= largestField:
		return nil, errTooLong
	case !c.passes(column), kind == canon.JSON && (oid == oidJSON || oid == oidJSONB) && size <= batch.MaxRow:
		return nil, nil
	case kind == canon.Bytes:
		return func([]byte) error { return nil }, nil
	}
	return checkText, nil
}

var errJSON = loss.New(loss.JSON, "the text is not JSON")

// namedTypes are the built-in types as format_type writes them, without modifiers.
var namedTypes = map[string]uint32{
	"boolean": oidBool, "bytea": oidBytea, "name": oidName, "bigint": oidInt8, "smallint": oidInt2, "integer": oidInt4, "text": oidText, "oid": oidOid,
	"json": oidJSON, "jsonb": oidJSONB, "real": oidFloat4, "double precision": oidFloat8, "character": oidBpchar, "character varying": oidVarchar,
	"date": oidDate, "time without time zone": oidTime, "time with time zone": oidTimeTZ, "timestamp without time zone": oidTimestamp,
	"timestamp with time zone": oidTimestampTZ, "interval": oidInterval, "bit": oidBit, "bit varying": oidVarbit, "numeric": oidNumeric, "uuid": oidUUID,
}

// storedTypeOf reads a type as a plan names it: "numeric(12,2)", "timestamp(3) without
// time zone". A type that is not built in has neither OID nor modifier; geometries of
// PostGIS are known by their name.
func storedTypeOf(name string) storedType {
	base, modifiers := name, []int32(nil)
	if open := strings.IndexByte(name, '('); open >= 0 {
		if shut := strings.IndexByte(name[open:], ')'); shut > 0 {
			base = name[:open] + name[open+shut+1:]
			for part := range strings.SplitSeq(name[open+1:open+shut], ",") {
				n, _ := strconv.ParseInt(strings.TrimSpace(part), 10, 32)
				modifiers = append(modifiers, int32(n))
			}
		}
	}
	if strings.HasPrefix(base, "interval ") {
		base = "interval"
	}
	out := storedType{oid: namedTypes[base], typmod: typmod{fraction: -1}}
	out.spatial = out.oid == 0 && slices.Contains(spatialTypes, base[strings.LastIndexByte(base, '.')+1:])
	switch {
	case len(modifiers) == 0:
		if out.oid == oidBit || out.oid == oidBpchar {
			out.length = 1
		}
	case out.oid == oidNumeric:
		out.precision, out.scale = modifiers[0], append(modifiers, 0)[1]
	case out.oid == oidVarchar, out.oid == oidBpchar, out.oid == oidBit, out.oid == oidVarbit:
		out.length = int64(modifiers[0])
	default:
		out.fraction = modifiers[0]
	}
	return out
}
