package loader

import (
	"io"
	"os"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"

	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
)

// spill is a large batch as its parts come: a file, because memory must not hold it.
// The file has no name once it is open, so nothing is left of it however the loader
// ends.
type spill struct {
	dir    string
	file   *os.File
	joiner batch.Joiner
	size   int64
}

// add appends the next part.
func (s *spill) add(h *streamv1.BatchHeader, body []byte) error {
	if err := s.joiner.Add(h, body); err != nil {
		return err
	}
	return s.write(body)
}

// write appends bytes.
func (s *spill) write(body []byte) error {
	if s.file == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	n, err := s.file.WriteAt(body, s.size)
	s.size += int64(n)
	return s.refused(err)
}

// empty forgets what has come; the file is written over.
func (s *spill) empty() { s.size = 0 }

func (s *spill) open() error {
	file, err := os.CreateTemp(s.dir, "drover-spill-")
	if err != nil {
		return s.refused(err)
	}
	s.file = file
	return s.refused(os.Remove(file.Name()))
}

// refused says what a file that cannot be made or written needs.
func (s *spill) refused(err error) error {
	if err == nil {
		return nil
	}
	dir := s.dir
	if dir == "" {
		dir = os.TempDir()
	}
	return fault.New(fault.Unavailable, "loader.Load", "keep a large row on disk: make room in %s, or name another folder with --spill-dir: %w", dir, err)
}

// body is what has come.
func (s *spill) body() *io.SectionReader { return io.NewSectionReader(s.file, 0, s.size) }

// close gives the disk's room back.
func (s *spill) close() {
	if s.file != nil {
		_ = s.file.Close() // nobody reads it again
	}
}
