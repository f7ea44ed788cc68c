package rejects

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// File is the file of a table, as one range's writer sees it.
type File struct {
	// Dir is the folder of the spec, Migration and UID say whose rows are kept.
	Dir, Migration, UID string
	Plan                *planv1.TablePlan
	Range               uint32
	Attempt             uint64
}

// Path is the file's name.
func (f *File) Path() string {
	name := url.PathEscape(engine.Label(f.Plan, engine.SourceSide))
	return filepath.Join(f.Dir, f.Migration+"-"+f.UID, fmt.Sprintf("%04d-%s.jsonl", f.Plan.GetNumber(), name[:min(len(name), 100)]))
}

// id names the n-th of a range's rows with a hash.
func (f *File) id(h batch.Hash, n int) string { return fmt.Sprintf("%d/%x/%d", f.Range, h.Bytes(), n) }

// Keep adds refused rows that the file has not yet, and sees them onto the disk.
// before is what the range's ledger has rejected already.
func (f *File) Keep(before batch.Hashes, refused []engine.Reject) error {
	return f.change(func(there map[string]*Entry) []Entry {
		var out []Entry
		seen := map[batch.Hash]int{}
		for _, r := range refused {
			id := f.id(r.Hash, before.Count(r.Hash)+seen[r.Hash])
			seen[r.Hash]++
			if known := there[id]; known == nil || known.Done != nil {
				out = append(out, f.entryOf(r, id))
			}
		}
		return out
	})
}

// Find gives the rows of the file that the range's ledger has among the rejected ones;
// missing is how many of those are not in the file.
func (f *File) Find(rejected batch.Hashes) (rows [][]byte, missing int, err error) {
	want := f.ids(rejected)
	if len(want) == 0 {
		return nil, 0, nil
	}
	err = f.read(func(e *Entry) error {
		if _, ok := want[e.ID]; !ok || e.Done != nil {
			return nil
		}
		if e.Encoding != encodingName(f.Plan) || e.Schema != schema(f.Plan) {
			return fault.New(fault.Changed, "rejects.Find", "row %s of %s was rejected by another plan of its table, and does not fit this one", e.Key, f.Path())
		}
		if batch.HashRow(e.Row) != want[e.ID] {
			return nil // somebody has changed the line: it is not the row any more
		}
		delete(want, e.ID)
		rows = append(rows, e.Row)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return rows, len(want), err
}

// ids are those of rejected rows, with their hashes.
func (f *File) ids(rejected batch.Hashes) map[string]batch.Hash {
	out := map[string]batch.Hash{}
	seen := map[batch.Hash]int{}
	for _, h := range rejected {
		out[f.id(h, seen[h])] = h
		seen[h]++
	}
	return out
}

// Settle marks the range's entries as done that the ledger does not have among the
// rejected rows any more.
func (f *File) Settle(rejected batch.Hashes) error {
	left := f.ids(rejected)
	now := time.Now().UTC().Truncate(time.Millisecond)
	return f.change(func(there map[string]*Entry) []Entry {
		var out []Entry
		for id, e := range there {
			if _, ok := left[id]; !ok && e.Range == f.Range && e.Done == nil {
				out = append(out, Entry{ID: id, Done: &now})
			}
		}
		return out
	})
}

// change adds lines to the file, which is this process's alone meanwhile.
func (f *File) change(lines func(there map[string]*Entry) []Entry) error {
	const op = "rejects.Keep"
	path := f.Path()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return failed(op, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return failed(op, err)
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return failed(op, err)
	}
	there := map[string]*Entry{}
	torn, err := scan(file, func(e *Entry) error {
		e.Row, e.Columns = nil, nil
		there[e.ID] = e
		return nil
	})
	if err != nil {
		return failed(op, err)
	}
	return failed(op, add(file, torn, lines(there)))
}

// add writes lines and syncs them, and the folder that the file may be new in.
func add(file *os.File, torn bool, lines []Entry) error {
	if len(lines) == 0 {
		return nil
	}
	var b bytes.Buffer
	if torn {
		b.WriteByte('\n')
	}
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, e := range lines {
		if err := encoder.Encode(e); err != nil {
			return err
		}
	}
	if _, err := file.Write(b.Bytes()); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	folder := filepath.Dir(file.Name())
	return errors.Join(syncDir(folder), syncDir(filepath.Dir(folder)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// read visits the file's entries but for those that are done.
func (f *File) read(visit func(*Entry) error) error {
	file, err := os.Open(f.Path())
	if err != nil {
		return failed("rejects.Find", err)
	}
	defer file.Close()
	done := map[string]bool{}
	if _, err := scan(file, func(e *Entry) error { done[e.ID] = e.Done != nil; return nil }); err != nil {
		return failed("rejects.Find", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return failed("rejects.Find", err)
	}
	_, err = scan(file, func(e *Entry) error {
		if done[e.ID] {
			return nil
		}
		return visit(e)
	})
	return failed("rejects.Find", err)
}

// scan visits lines; torn tells that the last one has no end.
func scan(r io.Reader, visit func(*Entry) error) (torn bool, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		e := &Entry{}
		if json.Unmarshal(line, e) == nil && e.ID != "" {
			if err := visit(e); err != nil {
				return false, err
			}
		}
		if err != nil {
			return len(line) > 0, nil
		}
	}
}

// failed says on which host a file could not be written or read.
func failed(op string, err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kind := fault.Denied
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		kind = fault.Exhausted
	}
	host, _ := os.Hostname()
	return fault.New(kind, op, "keep rejected rows on the loader's host %s: %w", host, err)
}
