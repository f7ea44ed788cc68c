package mysql

import (
	"encoding/binary"
	"math"

	"github.com/drover-db/drover/internal/loss"
)

// geometry is one that another engine gave: its type and what stands behind it in WKB.
type geometry struct {
	srid, kind uint32
	parts      []byte
}

// wgs84 is the spatial reference system of longitudes and latitudes.
const wgs84 = 4326

const keepsEWKB = ": cast the column to longblob to keep its EWKB"

var (
	errTornGeometry  = loss.New(loss.Geometry, "the geometry is not well formed")
	errDimensions    = loss.New(loss.Geometry, "the geometry has more than two dimensions, which the server does not keep"+keepsEWKB)
	errOtherGeometry = loss.New(loss.Geometry, "the geometry is of a type that the server does not have, as those with curves"+keepsEWKB)
	errEmptyGeometry = loss.New(loss.Geometry, "the geometry is empty, and the server has no empty one but GEOMETRYCOLLECTION EMPTY"+keepsEWKB)
	errTooFewPoints  = loss.New(loss.Geometry, "the geometry has a line of less than two points, or a ring that does not end where it begins"+keepsEWKB)
	errNotAPlace     = loss.New(loss.Geometry, "the geometry has NaN or an infinity for a coordinate, which the server cannot work with"+keepsEWKB)
	errOffTheEarth   = loss.New(loss.Geometry, "the geometry has a longitude beyond 180 or a latitude beyond 90 degrees, which the server cannot work with"+keepsEWKB)
)

// check sees that the server has such a geometry and can work with it. MySQL holds
// places beyond the range of longitudes and latitudes, but has no function for them.
func (g geometry) check(geographicRange bool) error {
	w := wkbReader{rest: g.parts, bounded: geographicRange && g.srid == wgs84}
	if err := w.geometry(g.kind); err != nil {
		return err
	}
	if len(w.rest) > 0 {
		return errTornGeometry
	}
	return nil
}

// wkbReader walks through WKB, least byte first.
type wkbReader struct {
	rest []byte
	// bounded says that x and y are degrees.
	bounded bool
}

// geometry reads what stands behind a type.
func (w *wkbReader) geometry(kind uint32) error {
	const firstWithDimensions = 1001 // ISO's numbers of those with z, m or both
	switch {
	case kind&ewkbDimensions != 0 || kind >= firstWithDimensions:
		return errDimensions
	case kind == 0 || int(kind) >= len(geometryTypes):
		return errOtherGeometry
	}
	if kind == 1 {
		x, y, err := w.point()
		if err == nil && math.IsNaN(x) && math.IsNaN(y) {
			return errEmptyGeometry // as EWKB writes it
		}
		return w.place(x, y, err)
	}
	n, err := w.count()
	switch name := geometryTypes[kind]; {
	case err != nil:
		return err
	case n == 0 && name != "geometrycollection":
		return errEmptyGeometry
	case name == "linestring":
		return w.line(n, false)
	case name == "polygon":
		return w.rings(n)
	default:
		return w.members(kind, n)
	}
}

// members reads the parts of a collection: kind 4 has those of kind 1, and so on.
func (w *wkbReader) members(kind, n uint32) error {
	for range n {
		if len(w.rest) < wkbHead || w.rest[0] != 1 {
			return errTornGeometry
		}
		part := binary.LittleEndian.Uint32(w.rest[1:])
		w.rest = w.rest[wkbHead:]
		if kind < 7 && part&^ewkbDimensions != kind-3 {
			return errTornGeometry
		}
		if err := w.geometry(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *wkbReader) rings(n uint32) error {
	for range n {
		points, err := w.count()
		if err != nil {
			return err
		}
		if err := w.line(points, true); err != nil {
			return err
		}
	}
	return nil
}

// line reads n points; those of a ring end where they begin.
func (w *wkbReader) line(n uint32, ring bool) error {
	least := uint32(2)
	if ring {
		least = 4
	}
	if n < least {
		return errTooFewPoints
	}
	var firstX, firstY, x, y float64
	for i := range n {
		var err error
		x, y, err = w.point()
		if err := w.place(x, y, err); err != nil {
			return err
		}
		if i == 0 {
			firstX, firstY = x, y
		}
	}
	if ring && (x != firstX || y != firstY) {
		return errTooFewPoints
	}
	return nil
}

// place sees that a point is somewhere.
func (w *wkbReader) place(x, y float64, err error) error {
	finite := func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
	switch {
	case err != nil:
		return err
	case !finite(x) || !finite(y):
		return errNotAPlace
	case w.bounded && (math.Abs(x) > 180 || math.Abs(y) > 90):
		return errOffTheEarth
	}
	return nil
}

func (w *wkbReader) count() (uint32, error) {
	if len(w.rest) < 4 {
		return 0, errTornGeometry
	}
	n := binary.LittleEndian.Uint32(w.rest)
	w.rest = w.rest[4:]
	return n, nil
}

func (w *wkbReader) point() (x, y float64, err error) {
	if len(w.rest) < 16 {
		return 0, 0, errTornGeometry
	}
	x, y = math.Float64frombits(binary.LittleEndian.Uint64(w.rest)), math.Float64frombits(binary.LittleEndian.Uint64(w.rest[8:]))
	w.rest = w.rest[16:]
	return x, y, nil
}
