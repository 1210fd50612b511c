package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// A segment that is written anew gets a file of its own, of the next edition, whose header is written last: so a file
// whose header is whole is whole. Then the old file is deleted. Of two files of one number the later one counts, if it is
// whole; the earlier one is whole in any case.

// segmentFile is the file of a segment, as it was found.
type segmentFile struct {
	number, edition uint64
	size            int64
}

// segmentFiles picks the files of segments, by number and edition.
func segmentFiles(files []FileInfo) []segmentFile {
	var found []segmentFile
	for _, f := range files {
		if number, edition, ok := segmentNumber(f.Name); ok {
			found = append(found, segmentFile{number, edition, f.Size})
		}
	}
	slices.SortFunc(found, func(a, b segmentFile) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.edition, b.edition))
	})
	return found
}

// latest leaves one file of each number, and deletes the others: what a crash left of a segment that was written anew.
func (l *Log) latest(found []segmentFile) ([]segmentFile, error) {
	var kept []segmentFile
	for _, f := range found {
		if n := len(kept) - 1; n < 0 || kept[n].number != f.number {
			kept = append(kept, f)
			continue
		}
		keep, drop := f, kept[len(kept)-1]
		_, err := l.loader.openSegment(editionPath(l.cfg.Dir, f.number, f.edition), f.number, f.size)
		var corrupt *CorruptError
		if errors.As(err, &corrupt) {
			keep, drop = drop, keep
		} else if err != nil {
			return nil, err
		}
		if err := l.dropEdition(drop); err != nil {
			return nil, err
		}
		kept[len(kept)-1] = keep
	}
	return kept, nil
}

func (l *Log) dropEdition(f segmentFile) error {
	path := editionPath(l.cfg.Dir, f.number, f.edition)
	l.logger.Info("log: what is left of a segment that was written anew is deleted", "file", path)
	if err := l.fs.Remove(path); err != nil {
		return err
	}
	return l.fs.SyncDir(l.cfg.Dir)
}

// sweep deletes the files that were replaced and could not be deleted then.
func (l *Log) sweep() error {
	files, err := l.fs.List(l.cfg.Dir)
	if err != nil {
		return err
	}
	for _, f := range segmentFiles(files) {
		if s := l.numbered(f.number); s != nil && f.edition < s.edition {
			if err := l.dropEdition(f); err != nil {
				return fmt.Errorf("delete an old edition: %w", err)
			}
		}
	}
	return nil
}
