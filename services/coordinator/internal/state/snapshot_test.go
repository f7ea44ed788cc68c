package state

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/batch"
)

// fill gives every field of a struct a value that is not its zero one, and no two
// fields of a kind the same.
func fill(v reflect.Value, n *int) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Unix(int64(*n), int64(*n)).UTC()
		return
	case *batch.Digest:
		x.Add([]byte{byte(*n)})
		return
	case *batch.Hashes:
		*x = batch.Hashes{batch.HashRow([]byte{byte(*n)})}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if m, ok := v.Interface().(proto.Message); ok {
			fillMessage(m, *n)
			return
		}
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString("text " + string(rune('a'+*n%26)) + string(rune('a'+*n/26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n % 200))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 4)
	default:
		panic("no way to fill a " + v.Type().String())
	}
}

// fillMessage sets the first scalar field there is: the message itself is proto's to keep.
func fillMessage(m proto.Message, n int) {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.IsList() || f.IsMap() || f.Message() != nil || f.Enum() != nil {
			continue
		}
		v := reflect.ValueOf(m).Elem().FieldByNameFunc(func(name string) bool { return sameName(name, string(f.Name())) })
		if v.IsValid() && v.Kind() != reflect.Pointer {
			count := n
			fill(v, &count)
			return
		}
	}
}

func sameName(goName, name string) bool {
	i := 0
	for _, c := range name {
		if c == '_' {
			continue
		}
		if i >= len(goName) || (rune(goName[i]) != c && rune(goName[i])+'a'-'A' != c) {
			return false
		}
		i++
	}
	return i == len(goName)
}

var exact = cmp.Options{protocmp.Transform(), cmp.AllowUnexported(batch.Digest{})}

// full is a store in which no field of anything is empty.
func full(t *testing.T, uid string) *Store {
	t.Helper()
	s, n := New(), 0
	txn := s.Replay(uid)
	insert := func(table string, obj any, identify func()) {
		fill(reflect.ValueOf(obj).Elem(), &n)
		identify()
		require.NoError(t, txn.insert(table, obj))
	}
	m := &Migration{}
	insert(tableMigrations, m, func() { m.UID = uid })
	for table := range uint32(2) {
		t := &Table{}
		insert(tableTables, t, func() { t.Migration, t.Number = uid, table+1 })
		for number := range uint32(rangesPerRecord + 3) {
			r := &Range{}
			insert(tableRanges, r, func() {
				r.Migration, r.Table, r.Number, r.State = uid, table+1, number+1, RangeState(number%6)
				r.Plan.Number = number + 1
			})
		}
		v, c := &Verification{}, &Check{}
		insert(tableVerifications, v, func() { v.Migration, v.Number = uid, table+1 })
		insert(tableChecks, c, func() { c.Migration, c.Verification = uid, table+1 })
	}
	require.NoError(t, txn.Commit())
	return s
}

func records(t *testing.T, s *Store, uid string) (out []*journalv1.SnapshotRecord) {
	t.Helper()
	require.NoError(t, s.View().Records(uid, func(r *journalv1.SnapshotRecord) error {
		raw, err := proto.Marshal(r)
		require.NoError(t, err)
		copied := &journalv1.SnapshotRecord{}
		require.NoError(t, proto.Unmarshal(raw, copied))
		out = append(out, copied)
		return nil
	}))
	return out
}

func restored(t *testing.T, uid string, list []*journalv1.SnapshotRecord) *Store {
	t.Helper()
	s := New()
	require.NoError(t, s.Restore(uid, func() (*journalv1.SnapshotRecord, error) {
		if len(list) == 0 {
			return nil, nil
		}
		r := list[0]
		list = list[1:]
		return r, nil
	}))
	return s
}

// same compares everything of a migration in two stores.
func same(t *testing.T, uid string, want, got *Store) {
	t.Helper()
	a, b := want.View(), got.View()
	require.Empty(t, cmp.Diff(a.Migration(uid), b.Migration(uid), exact), "a field of Migration that snapshot.proto and snapshot_migration.go lack?")
	require.Empty(t, cmp.Diff(a.Tables(uid), b.Tables(uid), exact), "a field of Table that snapshot.proto and snapshot_table.go lack?")
	require.Empty(t, cmp.Diff(a.Verifications(uid), b.Verifications(uid), exact), "a field of Verification that snapshot.proto lacks?")
	ranges := func(v View) (out []*Range) {
		for _, table := range v.Tables(uid) {
			v.Ranges(uid, table.Number, func(r *Range) bool { out = append(out, r); return true })
		}
		return out
	}
	require.Empty(t, cmp.Diff(ranges(a), ranges(b), exact), "a field of Range that snapshot.proto and snapshot_table.go lack?")
	checks := func(v View) (out []*Check) {
		for _, x := range v.Verifications(uid) {
			v.Checks(uid, x.Number, func(c *Check) bool { out = append(out, c); return true })
		}
		return out
	}
	require.Empty(t, cmp.Diff(checks(a), checks(b), exact), "a field of Check that snapshot.proto lacks?")
}

// Every field of everything comes back from a snapshot, whatever is added later.
func TestSnapshot_HoldsEveryField(t *testing.T) {
	const uid = "01M"
	s := full(t, uid)
	list := records(t, s, uid)
	require.Greater(t, len(list), 8)
	same(t, uid, s, restored(t, uid, list))
}

// What is cut off, or of another migration, changes nothing.
func TestRestore_AllOrNothing(t *testing.T) {
	s := full(t, "01M")
	list := records(t, full(t, "01X"), "01X")
	err := s.Restore("01M", func() (*journalv1.SnapshotRecord, error) {
		r := list[0]
		list = list[1:]
		return r, nil
	})
	require.ErrorContains(t, err, "snapshot is of migration 01X")
	same(t, "01M", full(t, "01M"), s)
}
