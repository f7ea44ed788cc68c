package rejects

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

// markName is a file that tells a migration's folder from one of the same name on
// another host.
const markName = "folder.id"

// folder is where the files of a migration are.
func folder(dir, migration, uid string) string { return filepath.Join(dir, migration+"-"+uid) }

// MakeFolder makes the folder of a migration's rejected rows, if it is not there, and
// gives its mark. It fails with fault.Denied, or fault.Exhausted, where nothing can be
// written there.
func MakeFolder(dir, migration, uid string) (mark string, err error) {
	const op = "rejects.MakeFolder"
	path := filepath.Join(folder(dir, migration, uid), markName)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", failed(op, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		mark, err := os.ReadFile(path)
		return string(mark), failed(op, err)
	}
	if err != nil {
		return "", failed(op, err)
	}
	mark = rand.Text()
	_, err = file.WriteString(mark)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", failed(op, err)
	}
	return mark, failed(op, errors.Join(syncDir(filepath.Dir(path)), syncDir(dir)))
}

// CheckFolder tells whether the migration's folder on this host is the one that has a
// mark, which all its loaders must share; any will do where the mark is empty. Errors are
// fault.Invalid.
func CheckFolder(dir, migration, uid, mark string) error {
	if mark == "" {
		return nil
	}
	found, err := os.ReadFile(filepath.Join(folder(dir, migration, uid), markName))
	if err == nil && strings.TrimSpace(string(found)) == mark {
		return nil
	}
	host, _ := os.Hostname()
	return fault.New(fault.Invalid, "rejects.CheckFolder", "folder %s of rejects.to is another one on the loader's host %s than where the target was prepared: "+
		"rejected rows need one folder that all loaders share; share it, or run the loaders on one host, and retry. If that folder is lost, "+
		"write %s into %s to go on with this one", dir, host, mark, filepath.Join(folder(dir, migration, uid), markName))
}
