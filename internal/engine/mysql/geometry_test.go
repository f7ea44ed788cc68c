package mysql

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/loss"
)

// Parts of EWKB, least byte first.
const (
	hexOrigin = "00000000000000000000000000000000"
	hexOne    = "000000000000f03f000000000000f03f"
	hexNaN    = "000000000000f87f000000000000f87f"
	hexFar    = "0000000000006940" + "0000000000000000" // 200, 0
)

// What another engine has is refused where the server could not work with it; between
// servers of the family geometries are whatever they are.
func TestGeometryForm_RefusesWhatTheServerCannotWorkWith(t *testing.T) {
	place := columnRow{dataType: "geometry", columnType: "geometry"}
	for name, c := range map[string]struct {
		ewkb string
		says error
	}{
		"empty":                  {"", nil},
		"big endian":             {"00" + "00000001" + hexOrigin, nil},
		"a torn point":           {"0101000000" + hexOrigin[:30], errTornGeometry},
		"a point and more":       {"0101000000" + hexOrigin + "00", errTornGeometry},
		"a torn line":            {"010200000003000000" + hexOrigin + hexOne, errTornGeometry},
		"a line that says much":  {"0102000000ffffffff" + hexOrigin, errTornGeometry},
		"a line of a point":      {"010200000001000000" + hexOrigin, errTooFewPoints},
		"an open ring":           {"01030000000100000004000000" + hexOrigin + hexOne + hexOne + hexOne, errTooFewPoints},
		"an empty polygon":       {"010300000000000000", errEmptyGeometry},
		"an empty point":         {"0101000000" + hexNaN, errEmptyGeometry},
		"points of lines":        {"010400000001000000" + "010200000002000000" + hexOrigin + hexOne, errTornGeometry},
		"an empty part":          {"010700000001000000" + "0101000000" + hexNaN, errEmptyGeometry},
		"a third dimension":      {"0101000080" + hexOrigin + "0000000000000000", errDimensions},
		"one by ISO":             {"01e9030000" + hexOrigin + "0000000000000000", errDimensions},
		"a curve":                {"010800000003000000" + hexOrigin + hexOne + hexOrigin, errOtherGeometry},
		"a longitude beyond 180": {"0101000020e6100000" + hexFar, errOffTheEarth},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := hex.DecodeString(c.ewkb)
			require.NoError(t, err)
			_, err = geometryForm(mysqlDialect, &planv1.ColumnPlan{SourceType: "public.geometry"}, place)(nil, v)
			require.Error(t, err)
			require.Equal(t, loss.Geometry, loss.RuleOf(err))
			if c.says != nil {
				require.Equal(t, c.says, err)
			}
		})
	}
	far, err := hex.DecodeString("0101000020e6100000" + hexFar)
	require.NoError(t, err)
	stored, err := geometryForm(mariadbDialect, &planv1.ColumnPlan{SourceType: "public.geometry"}, place)(nil, far)
	require.NoError(t, err, "MariaDB knows no degrees")
	require.Equal(t, "e61000000101000000"+hexFar, hex.EncodeToString(stored))
	_, err = geometryForm(mysqlDialect, &planv1.ColumnPlan{SourceType: "geometry"}, place)(nil, far)
	require.NoError(t, err, "what the product holds itself")
	_, err = geometryForm(mysqlDialect, &planv1.ColumnPlan{SourceType: "bytea"}, columnRow{dataType: "polygon"})(nil, append([]byte{1, 1, 0, 0, 0}, make([]byte, 16)...))
	require.ErrorContains(t, err, "POINT cannot be in a column of type polygon")
}

// PostGIS's index of a geometry becomes a spatial one where no value may be NULL.
func TestDesign_SpatialIndexOfPostGIS(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		source := foreignTable(&planv1.Column{Name: "at", NativeType: "public.geometry(Point,4326)", Kind: canon.Bytes, Geometry: "point"},
			&planv1.Column{Name: "near", NativeType: "public.geometry(Point,4326)", Kind: canon.Bytes, Geometry: "point", Nullable: true})
		for _, column := range []string{"at", "near"} {
			source.Tables[0].Indexes = append(source.Tables[0].Indexes, &planv1.Index{Name: column + "_idx", Method: "gist", Columns: []*planv1.IndexColumn{{Name: column}},
				Definition: "CREATE INDEX ON t USING gist (" + column + ")"})
		}
		p := designed(t, d, source, engine.DesignRequest{}).GetTables()[0]
		for _, step := range []planv1.Step{planv1.Step_STEP_CREATE, planv1.Step_STEP_INDEXES} {
			require.NoError(t, d.Apply(t.Context(), testMigration, p, step))
		}
		var indexes string
		scan(t, d.db, "SELECT group_concat(INDEX_NAME, ' ', INDEX_TYPE) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't' AND INDEX_NAME <> 'PRIMARY'", &indexes)
		require.Equal(t, "at_idx SPATIAL", indexes)
		var notes []string
		for _, f := range p.GetFindings() {
			notes = append(notes, f.GetCode())
		}
		require.Contains(t, notes, codeIndexNotMoved)
		require.Equal(t, d.dialect.target.spatialNeedsSRID, slices.Contains(notes, codeIndexChanged))
	})
}
