package rejects

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// largeName names the file of a large row from the folder of the table's file.
func (f *File) largeName(id string) string {
	folder := strings.TrimSuffix(filepath.Base(f.Path()), ".jsonl") + ".rows"
	return filepath.Join(folder, strings.ReplaceAll(id, "/", "-")+".row")
}

func (f *File) largePath(id string) string {
	return filepath.Join(filepath.Dir(f.Path()), f.largeName(id))
}

// writeLarge sees a large row onto the disk, in a file of its own. What a crash left of
// one is written again.
func (f *File) writeLarge(name string, row *io.SectionReader) error {
	path := filepath.Join(filepath.Dir(f.Path()), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, io.NewSectionReader(row, 0, row.Size()))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
