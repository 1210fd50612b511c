package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/eventlog"
	"rollcall/eventlog/logtest"
)

var errBroken = errors.New("broken")

// oneFault makes operation n fail, and a write leave keep bytes behind.
func oneFault(n, keep int, err error) logtest.Fault {
	return func(op logtest.Op) (int, error) {
		if op.Number == n {
			return min(keep, max(op.Size-1, 0)), err
		}
		return op.Size, nil
	}
}

// TestDiskFull: whichever write or creation meets a full disk, its Append gets ErrFull and leaves nothing, and the next
// one works.
func TestDiskFull(t *testing.T) {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		for n := range 60 {
			refused := faultOnce(t, n, n*7%120, full, logtest.Write, logtest.Create)
			if refused != nil && !errors.Is(refused, eventlog.ErrFull) {
				t.Errorf("operation %d: got %v, want ErrFull", n, refused)
			}
		}
	}
}

// faultOnce makes one operation of these kinds fail during 12 appends, and checks that the log goes on, then and after it
// was opened again, as if the refused one had not been. It gives the error of the refused Append.
func faultOnce(t *testing.T, n, keep int, fault error, kinds ...logtest.Kind) (refused error) {
	t.Helper()
	d := logtest.NewDisk()
	l := onDisk(t, d, small)
	fail := oneFault(d.Ops()+n, keep, fault)
	d.SetFault(func(op logtest.Op) (int, error) {
		if slices.Contains(kinds, op.Kind) {
			return fail(op)
		}
		return op.Size, nil
	})
	var want []string
	for i := range 12 {
		r := rec(0, "%d %s", i, strings.Repeat("x", i*20))
		if err := put(l, r); err != nil {
			refused = errors.Join(refused, err)
		} else {
			want = append(want, string(r.Payload))
		}
	}
	check := func() {
		t.Helper()
		all, err := contents(l)
		must(t, err)
		must(t, l.Verify(t.Context()))
		if !slices.Equal(all[0], want) {
			t.Fatalf("operation %d: %d records, want %d", n, len(all[0]), len(want))
		}
	}
	check()
	must(t, l.Close())
	l = onDisk(t, d, small)
	check()
	must(t, l.Close())
	return refused
}

// TestFailure: after any other failure of a write or sync the log refuses everything until it is opened again, and can
// be read. Then all that was acknowledged is there.
func TestFailure(t *testing.T) {
	faults := map[string]func(op logtest.Op) (int, error){
		"write":                  onKind(logtest.Write, 10, errBroken),
		"short write":            onKind(logtest.Write, 10, nil),
		"sync":                   onKind(logtest.Sync, 0, errBroken),
		"sync on a full disk":    onKind(logtest.Sync, 0, syscall.ENOSPC),
		"undo of a full disk":    either(onKind(logtest.Write, 10, syscall.ENOSPC), onKind(logtest.Truncate, 0, errBroken)),
		"undo can't be synced":   either(onKind(logtest.Write, 10, syscall.ENOSPC), onKind(logtest.Sync, 0, errBroken)),
		"creation":               onKind(logtest.Create, 0, errBroken),
		"sync of the directory":  onKind(logtest.SyncDir, 0, errBroken),
		"directory without room": onKind(logtest.SyncDir, 0, syscall.ENOSPC),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			d := logtest.NewDisk()
			l := onDisk(t, d, small)
			must(t, put(l, rec(0, "before %0150d", 0)))
			d.SetFault(fault)
			err := fillUntilRefused(l)
			if !errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, eventlog.ErrFull) {
				t.Fatalf("got %v, want ErrUnavailable", err)
			}
			if name == "short write" && !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("got %v, want ErrShortWrite", err)
			}
			d.SetFault(nil)
			if err := put(l, rec(0, "after")); !errors.Is(err, eventlog.ErrUnavailable) {
				t.Errorf("the next Append got %v", err)
			}
			if l.Stats().Failed == nil {
				t.Error("Stats does not tell the failure")
			}
			before, err := contents(l)
			must(t, err)
			must(t, l.Close())
			l = onDisk(t, d, small)
			must(t, put(l, rec(0, "again")))
			after, err := contents(l)
			must(t, err)
			if n := len(before[0]); n < 1 || !slices.Equal(before[0], after[0][:n]) {
				t.Errorf("had %d records, has %d", n, len(after[0]))
			}
		})
	}
}

func fillUntilRefused(l *eventlog.Log) (err error) {
	for i := 0; err == nil && i < 20; i++ {
		err = put(l, rec(0, "more %d %0150d", i, 0))
	}
	return err
}

func onKind(kind logtest.Kind, keep int, err error) logtest.Fault {
	return func(op logtest.Op) (int, error) {
		if op.Kind == kind {
			return keep, err
		}
		return op.Size, nil
	}
}

func either(a, b logtest.Fault) logtest.Fault {
	return func(op logtest.Op) (int, error) {
		if keep, err := a(op); err != nil {
			return keep, err
		}
		return b(op)
	}
}

// TestFailureRefusesAll: the writers of the failed frame, those gathered behind it and those that wait for room all
// get the error.
func TestFailureRefusesAll(t *testing.T) {
	d := logtest.NewDisk()
	l := onDisk(t, d, eventlog.Config{FrameBytes: 300})
	d.SetFault(onKind(logtest.Sync, 0, errBroken))
	errs := make(chan error)
	for i := range 40 {
		go func() { errs <- put(l, rec(0, "%d %0100d", i, 0)) }()
	}
	for range 40 {
		if err := <-errs; !errors.Is(err, eventlog.ErrUnavailable) || !errors.Is(err, errBroken) {
			t.Errorf("got %v", err)
		}
	}
}

func TestOpenFails(t *testing.T) {
	for n := 1; n <= 4; n++ {
		d := logtest.NewDisk()
		d.SetFault(oneFault(n, 0, errBroken))
		if _, err := eventlog.Open(small, eventlog.Deps{FS: d}); !errors.Is(err, errBroken) {
			t.Errorf("operation %d: got %v", n, err)
		}
		l := onDisk(t, d, small) // the lock was given free
		must(t, put(l, rec(0, "x")))
		must(t, l.Close())
	}
}

func ExampleCorruptError() {
	fmt.Println(&eventlog.CorruptError{File: "log/1.seg", Offset: 77, Reason: "the frame's content does not match its checksum"})
	// Output: log/1.seg: byte 77: the frame's content does not match its checksum
}

// TestLostEnd: a reader that has read more than the log holds gets an error; it must not wait for other records to take
// the offsets it has read.
func TestLostEnd(t *testing.T) {
	d := logtest.NewDisk()
	l := onDisk(t, d, small)
	must(t, put(l, rec(0, "a")))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := l.Fetch(ctx, 0, 2, 0, 1, nil); !errors.Is(err, eventlog.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
}
