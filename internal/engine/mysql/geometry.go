package mysql

import (
	"encoding/binary"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/loss"
)

// geometryTypes are the columns that hold geometries, by the numbers that WKB has for
// what they take; the first takes them all.
var geometryTypes = []string{"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"}

// geometryOf names the geometries of a type by its bare name; empty where it holds none.
func geometryOf(dataType string) string {
	if dataType == "geomcollection" {
		return "geometrycollection"
	}
	if slices.Contains(geometryTypes, dataType) {
		return dataType
	}
	return ""
}

func isGeometry(dataType string) bool { return geometryOf(dataType) != "" }

// Parts of WKB, all of them least byte first.
const (
	// ewkbSRID marks a geometry with a spatial reference system in front.
	ewkbSRID = 0x20000000
	// ewkbDimensions mark geometries with a third and a fourth number for each point.
	ewkbDimensions = 0xc0000000
	// wkbHead is the order of bytes and the type.
	wkbHead = 5
)

// decodeGeometry makes EWKB of the stored form, which is an SRID and WKB. The order of
// the axes stays as it is stored: x, or the longitude, first.
func decodeGeometry(dst, field []byte) ([]byte, error) {
	if len(field) < 4+wkbHead || field[4] != 1 {
		return nil, loss.New(loss.Geometry, "holds a geometry that is not well formed")
	}
	srid, kind := binary.LittleEndian.Uint32(field), binary.LittleEndian.Uint32(field[5:])
	dst = append(dst, 1)
	if srid == 0 {
		return append(dst, field[5:]...), nil
	}
	dst = binary.LittleEndian.AppendUint32(dst, kind|ewkbSRID)
	dst = binary.LittleEndian.AppendUint32(dst, srid)
	return append(dst, field[9:]...), nil
}

// geometryForm makes the stored form of EWKB for a column: an SRID, 0 for none, and WKB.
// What comes from another engine is one that the server can work with: it takes more
// than that, and what a database of its own kind holds it takes as it is.
func geometryForm(d *dialect, c *planv1.ColumnPlan, to columnRow) func(b, v []byte) ([]byte, error) {
	own := isGeometry(dataTypeOf(c.GetSourceType()))
	want := uint32(slices.Index(geometryTypes, geometryOf(to.dataType)))
	return func(b, v []byte) ([]byte, error) {
		if len(v) < wkbHead || v[0] != 1 {
			return b, loss.New(loss.Geometry, "the geometry is not EWKB, least byte first")
		}
		g := geometry{kind: binary.LittleEndian.Uint32(v[1:]), parts: v[wkbHead:]}
		if g.kind&ewkbSRID != 0 && len(g.parts) >= 4 {
			g.srid, g.parts = binary.LittleEndian.Uint32(g.parts), g.parts[4:]
		}
		g.kind &^= ewkbSRID
		if !own {
			if err := g.check(d.target.geographicRange); err != nil {
				return b, err
			}
			if want > 0 && want != g.kind {
				return b, loss.New(loss.Geometry, "a %s cannot be in a column of type %s", strings.ToUpper(geometryTypes[g.kind]), to.dataType)
			}
		}
		b = binary.LittleEndian.AppendUint32(b, g.srid)
		b = binary.LittleEndian.AppendUint32(append(b, 1), g.kind)
		return append(b, g.parts...), nil
	}
}
