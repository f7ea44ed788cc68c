package rejects

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Row is a rejected row that was found. Its bytes stay on the disk until somebody reads
// them.
type Row struct {
	Hash batch.Hash
	file *File
	// line is where the row lies; large the file of a row that memory must not hold.
	line  place
	large string
}

// IsLarge tells whether memory must not hold the row.
func (r Row) IsLarge() bool { return r.large != "" }

// Read reads a row that memory may hold.
func (r Row) Read() ([]byte, error) {
	file, err := os.Open(r.file.Path())
	if err != nil {
		return nil, failed("rejects.Read", err)
	}
	defer file.Close()
	line := make([]byte, r.line.size)
	if _, err := file.ReadAt(line, r.line.at); err != nil {
		return nil, failed("rejects.Read", err)
	}
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil || batch.HashRow(e.Row) != r.Hash {
		return nil, r.file.changed()
	}
	return e.Row, nil
}

// Open gives a large row; the caller closes it.
func (r Row) Open() (io.Closer, *io.SectionReader, error) {
	file, err := os.Open(r.large)
	if err != nil {
		return nil, nil, failed("rejects.Open", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, failed("rejects.Open", errors.Join(err, file.Close()))
	}
	return file, io.NewSectionReader(file, 0, info.Size()), nil
}

// isWhole tells whether a large row's file has the row.
func (r Row) isWhole() (bool, error) {
	file, row, err := r.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	sum, err := engine.HashLarge(row)
	return err == nil && sum == r.Hash, err
}

func (f *File) changed() error {
	return fault.New(fault.Changed, "rejects.Read", "somebody changed %s while its rows were read", f.Path())
}

// Find gives the rows of the file that the range's ledger has among the rejected ones;
// missing are those of them that are not in the file.
func (f *File) Find(rejected batch.Hashes) (rows []Row, missing batch.Hashes, err error) {
	want := f.ids(rejected)
	if len(want) == 0 {
		return nil, nil, nil
	}
	err = f.read(func(e *Entry, at place) error {
		hash, ok := want[e.ID]
		if !ok || e.Done != nil {
			return nil
		}
		if e.Encoding != encodingName(f.Plan) || e.Schema != schema(f.Plan) {
			return fault.New(fault.Changed, "rejects.Find", "row %s of %s was rejected by another plan of its table, and does not fit this one", e.Key, f.Path())
		}
		row, there := Row{Hash: hash, file: f, line: at}, false
		if e.File != "" {
			row.large = f.largePath(e.ID)
			there, err = row.isWhole()
		} else {
			there = batch.HashRow(e.Row) == hash
		}
		if err != nil || !there {
			return err // somebody has changed the line: it is not the row any more
		}
		delete(want, e.ID)
		rows = append(rows, row)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, hash := range want {
		missing = append(missing, hash)
	}
	return rows, missing, err
}

// read visits the file's entries but for those that are done.
func (f *File) read(visit func(*Entry, place) error) error {
	file, err := os.Open(f.Path())
	if err != nil {
		return failed("rejects.Find", err)
	}
	defer file.Close()
	done := map[string]bool{}
	if _, err := scan(file, func(e *Entry, _ place) error { done[e.ID] = e.Done != nil; return nil }); err != nil {
		return failed("rejects.Find", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return failed("rejects.Find", err)
	}
	_, err = scan(file, func(e *Entry, at place) error {
		if done[e.ID] {
			return nil
		}
		return visit(e, at)
	})
	return failed("rejects.Find", err)
}
