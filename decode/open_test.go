package decode

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

func zstandard(s string) []byte {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<16))
	if err != nil {
		panic(err)
	}
	return z.EncodeAll([]byte(s), nil)
}

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          Format
	}{
		{"-", recA, NDJSON}, {"x.json", "\n " + recA, NDJSON}, {"x.ndjson", "oops\n" + recA, NDJSON}, {"x.JSONL", "1", NDJSON},
		{"", "[" + recA + "]", Array}, {"x.json", bom + "\r\n [", Array}, {"x.ndjson", "[1]\n" + recA, Array},
		{"x.csv", recA, CSV}, {"X.CSV", "a,b\n1,2", CSV}, {"-", "user_id,time\n", CSV}, {"x.txt", bom + "user_id", CSV},
		{"", "", NDJSON}, {"x.csv", "", CSV}, {"", " \n", NDJSON}, {"", strings.Repeat(" ", 100<<10) + "[", NDJSON},
	} {
		for pack, data := range map[string][]byte{"": []byte(c.content), ".gz": zipped(c.content), ".zst": zstandard(c.content)} {
			for _, r := range []io.Reader{bytes.NewReader(data), iotest.OneByteReader(bytes.NewReader(data))} {
				in, format, err := Open(r, c.name+pack)
				if err != nil || format != c.want {
					t.Errorf("%s%s %.20q: %s, %v; want %s", c.name, pack, c.content, format, err, c.want)
					continue
				}
				if got, err := io.ReadAll(in); err != nil || string(got) != c.content {
					t.Errorf("%s%s %.20q: reads %.20q, %v", c.name, pack, c.content, got, err)
				}
				if err := in.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, _, err := Open(strings.NewReader("PAR1...."), "x.parquet"); !errors.Is(err, errParquet) {
		t.Errorf("parquet: %v", err)
	}
	if _, _, err := Open(iotest.ErrReader(io.ErrClosedPipe), "x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("failing reader: %v", err)
	}
	if _, _, err := Open(strings.NewReader("\x1f\x8bnonsense"), "x"); err == nil {
		t.Error("a damaged gzip header is opened")
	}
	in, _, err := Open(bytes.NewReader(zipped(recA + "\n" + recB + "\n")[:30]), "x.ndjson.gz")
	if err == nil {
		_, err = io.ReadAll(in)
	}
	if err == nil {
		t.Error("a gzip stream that breaks off is read to its end")
	}
	if s := NDJSON.String() + CSV.String() + Array.String(); s != "ndjsoncsvarray" {
		t.Error(s)
	}
}

func FuzzOpen(f *testing.F) {
	for _, c := range bodyCases {
		f.Add([]byte(c.in), "x.json")
	}
	f.Add(zipped(recA), "x.gz")
	f.Add(zstandard(recA), "x.zst")
	f.Add(zstandard(strings.Repeat("0", 64<<10)), "bomb.zst")
	f.Add([]byte("\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\xff"), "x")
	f.Add([]byte("user_id,time\n1,1"), "x.csv")
	d := newDecoder(f, Config{MaxLine: 4096})
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		in, format, err := Open(bytes.NewReader(data), name)
		if err != nil {
			return
		}
		var got []call
		_ = d.Stream(io.LimitReader(in, 256<<10), format, collect(t, d, &got))
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
