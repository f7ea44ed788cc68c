package mysql

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// limit is a type of a target's column, the last value that it takes and the first that
// it does not.
type limit struct {
	kind       planv1.Kind
	to         string
	good, lost []byte
	rule       loss.Rule
}

func number(n int64) []byte    { return canon.AppendInt(nil, n) }
func unsigned(n uint64) []byte { return canon.AppendUint(nil, n) }

func moment(kind planv1.Kind, text string) []byte {
	v, err := canon.Parse(kind, text)
	if err != nil {
		panic(err)
	}
	return v
}

var limits = []limit{
	{canon.Int, "tinyint", number(-128), number(128), loss.NumberRange},
	{canon.Int, "tinyint unsigned", number(255), number(-1), loss.NumberRange},
	{canon.Int, "smallint", number(math.MinInt16), number(math.MinInt16 - 1), loss.NumberRange},
	{canon.Int, "mediumint", number(1<<23 - 1), number(1 << 23), loss.NumberRange},
	{canon.Int, "mediumint unsigned", number(1<<24 - 1), number(1 << 24), loss.NumberRange},
	{canon.Int, "int", number(math.MaxInt32), number(math.MaxInt32 + 1), loss.NumberRange},
	{canon.Int, "int unsigned", number(math.MaxUint32), number(math.MaxUint32 + 1), loss.NumberRange},
	{canon.Int, "bigint unsigned", number(math.MaxInt64), number(-1), loss.NumberRange},
	{canon.Uint, "bigint", unsigned(math.MaxInt64), unsigned(math.MaxInt64 + 1), loss.NumberRange},
	{canon.Int, "decimal(3,1)", number(-99), number(100), loss.NumberRange},
	{canon.Int, "year", number(2155), number(2156), loss.NumberRange},
	{canon.Decimal, "decimal(5,2)", []byte("-999.990"), []byte("1000.00"), loss.NumberRange},
	{canon.Decimal, "decimal(5,2)", []byte("0.10"), []byte("0.101"), loss.Digits},
	{canon.Decimal, "decimal(2,2)", []byte("0.99"), []byte("1.00"), loss.NumberRange},
	{canon.Decimal, "decimal(5,2)", []byte("0"), []byte("NaN"), loss.NotFinite},
	{canon.Float64, "double", canon.AppendFloat64(nil, math.MaxFloat64), canon.AppendFloat64(nil, math.Inf(1)), loss.NotFinite},
	{canon.Text, "varchar(3)", []byte("😀éa"), []byte("😀éab"), loss.TooLong},
	{canon.Text, "char(3)", []byte("ééé"), []byte("éééé"), loss.TooLong},
	{canon.Text, "char(3)", []byte("a"), []byte("a "), loss.Padding},
	{canon.Text, "tinytext", []byte(strings.Repeat("a", 255)), []byte(strings.Repeat("é", 128)), loss.TooLong},
	{canon.Text, "text", []byte(strings.Repeat("a", 65_535)), []byte(strings.Repeat("a", 65_536)), loss.TooLong},
	{canon.Text, "enum('x','y')", []byte("x"), []byte("z"), loss.Label},
	{canon.Text, "set('x','y')", []byte("x,y"), []byte("y,x"), loss.Label},
	{canon.Text, "varchar(9) CHARACTER SET latin1", []byte("€Ÿÿ\u0081"), []byte("\u0100"), loss.Charset},
	{canon.Text, "varchar(9) CHARACTER SET latin1", []byte("é"), []byte("\u0080"), loss.Charset},
	{canon.Text, "varchar(9) CHARACTER SET ascii", []byte("\x7f"), []byte("é"), loss.Charset},
	{canon.Text, "varchar(9) CHARACTER SET utf8mb3", []byte("\uffff日"), []byte("😀"), loss.Charset},
	{canon.Bytes, "varbinary(2)", []byte{0, 1}, []byte{0, 1, 2}, loss.TooLong},
	{canon.Bytes, "binary(2)", []byte{0, 1}, []byte{0}, loss.Padding},
	{canon.Bytes, "tinyblob", make([]byte, 255), make([]byte, 256), loss.TooLong},
	{canon.Date, "date", moment(canon.Date, "9999-12-31"), moment(canon.Date, "10000-01-01"), loss.DateRange},
	{canon.Timestamp, "datetime(6)", moment(canon.Timestamp, "9999-12-31 23:59:59.999999"), moment(canon.Timestamp, "infinity"), loss.DateRange},
	{canon.Timestamp, "datetime(3)", moment(canon.Timestamp, "2024-01-01 00:00:00.001"), moment(canon.Timestamp, "2024-01-01 00:00:00.0001"), loss.Fraction},
	{canon.TimestampTZ, "timestamp", moment(canon.TimestampTZ, "2038-01-19 03:14:07+00"), moment(canon.TimestampTZ, "1970-01-01 00:00:00+00"), loss.DateRange},
	{canon.Time, "time", moment(canon.Time, "-838:59:59"), moment(canon.Time, "839:00:00"), loss.TimeOfDay},
	{canon.Bits, "bit(3)", []byte("101"), []byte("1101"), loss.Padding},
}

// planned is a plan of one column for a limit.
func (l limit) planned(d *dialect) *planv1.TablePlan {
	to, set, _ := strings.Cut(l.to, " CHARACTER SET ")
	return &planv1.TablePlan{TargetEngine: d.name, Encoding: planv1.Encoding_ENCODING_CANONICAL,
		Columns: []*planv1.ColumnPlan{{Target: "v", TargetType: to, Kind: l.kind, Scale: -1, TargetCharset: set}}}
}

func TestCheck_RefusesByRule(t *testing.T) {
	for _, d := range []*dialect{mysqlDialect, mariadbDialect} {
		for i, l := range limits {
			t.Run(fmt.Sprintf("%s/%d %s", d.name, i, l.to), func(t *testing.T) {
				check, err := New().Check(l.planned(d))
				require.NoError(t, err)
				require.NoError(t, check.Check(0, l.good))
				err = check.Check(0, l.lost)
				require.Error(t, err)
				require.Equal(t, l.rule, loss.RuleOf(err), "%v", err)
			})
		}
	}
}

// What the check knows of types and character sets is what the servers do.
func TestCheck_KnowsTheServersLimits(t *testing.T) {
	// Of these a server says nothing: it changes the value.
	silent := []loss.Rule{loss.Padding, loss.Fraction, loss.Label, loss.Digits}
	eachFlavour(t, func(t *testing.T, d *database) {
		for i, l := range limits {
			table := fmt.Sprintf("t%d", i)
			script(t, d, "CREATE TABLE "+table+" (v "+strings.Replace(l.to, "timestamp", "timestamp NULL", 1)+") CHARACTER SET utf8mb4")
			insert := func(v []byte) error {
				check, err := New().Check(l.planned(d.dialect))
				require.NoError(t, err)
				rows := check.(*valueCheck).rowEncoder
				rows.columns[0].check = nil // the server alone
				rows.fields[0] = v
				text, err := rows.appendTuple(nil)
				if err != nil {
					return err
				}
				_, err = d.db.ExecContext(t.Context(), "INSERT INTO "+table+" VALUES "+string(text))
				return err
			}
			require.NoError(t, insert(l.good), "%s takes %q", l.to, l.good)
			if !slices.Contains(silent, l.rule) {
				require.Error(t, insert(l.lost), "%s refuses %.40q", l.to, l.lost)
			}
		}
	})
}

// Where rows come by INSERT, a value is refused that is longer as a constant of SQL than
// the server takes, whatever it is in itself; by LOAD DATA none is.
func TestCheck_ValuesAbovePacket(t *testing.T) {
	const packet = 5000
	plan := limit{kind: canon.Text, to: "longtext"}.planned(mysqlDialect)
	plain, quotes := []byte(strings.Repeat("a", 3000)), []byte(strings.Repeat("'", 3000))
	byLoadData, err := New().Check(plan)
	require.NoError(t, err)
	require.NoError(t, byLoadData.Check(0, quotes))
	_, err = byLoadData.Large(0, packet)
	require.NoError(t, err)

	plan.ConstantLimit = packet
	byInsert, err := New().Check(plan)
	require.NoError(t, err)
	require.NoError(t, byInsert.Check(0, plain))
	require.Equal(t, loss.Packet, loss.RuleOf(byInsert.Check(0, quotes)))
	_, err = byInsert.Large(0, packet)
	require.Equal(t, loss.Packet, loss.RuleOf(err))
	_, err = byInsert.Large(0, packet-packetRoom)
	require.NoError(t, err)
}
