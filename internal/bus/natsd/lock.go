package natsd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/drover-db/drover/internal/fault"
)

// lockName is the file in the store directory whose lock a running server holds;
// it says who that is.
const lockName = "drover.lock"

type dirLock struct{ file *os.File }

// lockDir takes a directory for this server. The lock goes with the process, so a
// killed server leaves none behind.
func lockDir(dir string) (*dirLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Exists, "natsd.Start",
				"use %s: another server has it open (%s); stop that one or choose another directory", dir, holder(f))
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	host, _ := os.Hostname()
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), host)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &dirLock{file: f}, nil
}

// holder reads who holds a lock.
func holder(f *os.File) string {
	var b [256]byte
	n, _ := f.ReadAt(b[:], 0)
	if s := bytes.TrimSpace(b[:n]); len(s) > 0 {
		return string(s)
	}
	return "unknown process"
}

func (l *dirLock) release() { _ = l.file.Close() }

// freeBytes is how much an ordinary user can still write below dir.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // of 32 bits on some systems
}

// usedBytes is how much the files below dir hold; what cannot be read counts for nothing.
func usedBytes(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if i, err := d.Info(); err == nil {
				n += i.Size()
			}
		}
		return nil
	})
	return n
}
