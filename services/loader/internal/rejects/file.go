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
	return filepath.Join(folder(f.Dir, f.Migration, f.UID), fmt.Sprintf("%04d-%s.jsonl", f.Plan.GetNumber(), name[:min(len(name), 100)]))
}

// id names the n-th of a range's rows with a hash.
func (f *File) id(h batch.Hash, n int) string { return fmt.Sprintf("%d/%x/%d", f.Range, h.Bytes(), n) }

// Keep adds refused rows that the file has not yet, and sees them onto the disk.
// before is what the range's ledger has rejected already.
func (f *File) Keep(before batch.Hashes, refused []engine.Reject) error {
	return f.change(func(there map[string]*Entry) ([]Entry, error) {
		var out []Entry
		seen := map[batch.Hash]int{}
		for _, r := range refused {
			id := f.id(r.Hash, before.Count(r.Hash)+seen[r.Hash])
			seen[r.Hash]++
			if known := there[id]; known != nil && known.Done == nil {
				continue
			}
			e := f.entryOf(r, id)
			if r.Large != nil {
				if err := f.writeLarge(e.File, r.Large); err != nil {
					return nil, err
				}
			}
			out = append(out, e)
		}
		return out, nil
	})
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
	var files []string
	err := f.change(func(there map[string]*Entry) ([]Entry, error) {
		var out []Entry
		for id, e := range there {
			if _, ok := left[id]; !ok && e.Range == f.Range && e.Done == nil {
				out = append(out, Entry{ID: id, Done: &now})
				if e.File != "" {
					files = append(files, f.largePath(id))
				}
			}
		}
		return out, nil
	})
	for _, name := range files {
		if err == nil {
			_ = os.Remove(name) // the line says that nobody needs it
		}
	}
	return err
}

// change adds lines to the file, which is this process's alone meanwhile.
func (f *File) change(lines func(there map[string]*Entry) ([]Entry, error)) error {
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
	torn, err := scan(file, func(e *Entry, _ place) error {
		e.Row, e.Columns = nil, nil
		there[e.ID] = e
		return nil
	})
	if err != nil {
		return failed(op, err)
	}
	added, err := lines(there)
	if err != nil {
		return failed(op, err)
	}
	return failed(op, add(file, torn, added))
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
	dir := filepath.Dir(file.Name())
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// place is where a line of a file lies.
type place struct{ at, size int64 }

// scan visits lines; torn tells that the last one has no end.
func scan(r io.Reader, visit func(*Entry, place) error) (torn bool, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	at := int64(0)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		e := &Entry{}
		if json.Unmarshal(line, e) == nil && e.ID != "" {
			if err := visit(e, place{at, int64(len(line))}); err != nil {
				return false, err
			}
		}
		at += int64(len(line))
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
