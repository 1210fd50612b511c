package fold

// arena keeps short texts (event ids of entry events) in one piece of memory without pointers. A text that is replaced
// stays as waste until the arena is rebuilt.
type arena struct {
	buf   []byte
	waste int
}

// textRef is a position in an arena; 0 is the empty text. A text takes two bytes of length and its bytes.
type textRef uint32

func (a *arena) put(s []byte) textRef {
	if len(s) == 0 {
		return 0
	}
	if len(a.buf) == 0 {
		a.buf = append(a.buf, 0)
	}
	ref := textRef(len(a.buf))
	a.buf = append(a.buf, byte(len(s)), byte(len(s)>>8))
	a.buf = append(a.buf, s...)
	return ref
}

func (a *arena) get(r textRef) []byte {
	if r == 0 {
		return nil
	}
	n := textRef(a.buf[r]) | textRef(a.buf[r+1])<<8
	return a.buf[r+2 : r+2+n]
}

func (a *arena) drop(r textRef) { a.waste += len(a.get(r)) + 2 }

// wasteful tells that rebuilding would free more than half.
func (a *arena) wasteful() bool { return a.waste > 1<<16 && 2*a.waste > len(a.buf) }

func (a *arena) bytes() int64 { return int64(cap(a.buf)) }
