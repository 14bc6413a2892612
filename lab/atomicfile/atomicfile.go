// Package atomicfile writes a file completely or not at all, so that a full disk leaves no truncated file.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write makes data the content of the file at path, as os.WriteFile does, through a temporary file in the same folder
// that it renames. If it returns an error, the temporary file is gone, and the file at path is what it was before, or
// still missing. A file that exists keeps its mode; a new one gets perm before umask. Of a symbolic link it replaces
// the target. What is no regular file, such as /dev/stdout, cannot be replaced, and Write writes to it directly.
//
// Concurrent calls for one path do not mix: the file is that of one of them.
func Write(path string, data []byte, perm fs.FileMode) error {
	return create(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// create is Write of what write writes.
func create(path string, perm fs.FileMode, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	was, err := os.Stat(path)
	switch {
	case err == nil && !was.Mode().IsRegular():
		return direct(path, write)
	case err == nil:
		perm = was.Mode().Perm()
	}
	temporary, err := replacement(path, perm, write)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		if temporary != "" {
			err = errors.Join(err, os.Remove(temporary))
		}
		return fmt.Errorf("%s was not written, and is as it was: %w", path, err)
	}
	return nil
}

// replacement writes a temporary file beside path and returns its name, which is empty if there is no such file.
func replacement(path string, perm fs.FileMode, write func(io.Writer) error) (name string, err error) {
	name = fmt.Sprintf("%s.%016x.tmp", path, rand.Uint64())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return "", err
	}
	err = write(f)
	if err == nil {
		err = f.Sync() // a file system may find out only now that it is full
	}
	return name, errors.Join(err, f.Close())
}

func direct(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
