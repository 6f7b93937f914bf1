// Writes a folder as a gzip-compressed tar, as the Cloud Native Buildpacks lifecycle writes layers: one sorted walk,
// normalised headers, archive/tar straight into compress/gzip at its default level, on one thread.
package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The date that the lifecycle gives every entry.
var normalised = time.Date(1980, time.January, 1, 0, 0, 1, 0, time.UTC)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: layer FOLDER OUTPUT")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "layer:", err)
		os.Exit(1)
	}
}

func write(root, output string) error {
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	buffer := bufio.NewWriterSize(file, 1<<18)
	compressor := gzip.NewWriter(buffer)
	archive := tar.NewWriter(compressor)
	copied := make([]byte, 1<<18)
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return add(archive, root, path, entry, copied)
	})
	if err != nil {
		return err
	}
	for _, closing := range []func() error{archive.Close, compressor.Close, buffer.Flush, file.Close} {
		if err := closing(); err != nil {
			return err
		}
	}
	return nil
}

func add(archive *tar.Writer, root, path string, entry fs.DirEntry, copied []byte) error {
	information, err := entry.Info()
	if err != nil {
		return err
	}
	target := ""
	if information.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(path); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(information, target)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	header.Name = filepath.Join("app", relative)
	header.ModTime = normalised
	header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "", ""
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if !information.Mode().IsRegular() {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.CopyBuffer(archive, file, copied)
	return err
}
