package intake

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// Partitioners is a set of the ways in which producers choose the partition of a key.
type Partitioners uint32

// The partitioners known.
const (
	Murmur2 Partitioners = 1 << iota // Java's default; librdkafka's murmur2 and murmur2_random
	CRC32                            // librdkafka's default, consistent_random, and consistent: kcat, Python, Go, C#, PHP
	FNV1a                            // Sarama's default; librdkafka's fnv1a
	noPartitioner
	AllPartitioners = noPartitioner - 1
)

func (p Partitioners) String() string {
	var names []string
	for i, name := range [...]string{"murmur2", "crc32", "fnv1a"} {
		if p>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// explain gives those of p that put key into partition of n.
func (p Partitioners) explain(key []byte, partition, n int) Partitioners {
	left := Partitioners(0)
	for rest := p; rest != 0; rest &= rest - 1 {
		if one := rest & -rest; one.partition(key, n) == partition {
			left |= one
		}
	}
	return left
}

// partition gives the partition of key among n by one partitioner.
func (p Partitioners) partition(key []byte, n int) int {
	switch p {
	case Murmur2:
		return int(murmur2(key)&0x7fffffff) % n
	case CRC32:
		return int(crc32.ChecksumIEEE(key) % uint32(n))
	default:
		return int(magnitude(fnv1a(key)) % uint32(n))
	}
}

// magnitude takes the hash for signed and gives its absolute value, as Sarama does.
func magnitude(h uint32) uint32 {
	if int32(h) < 0 {
		return -h
	}
	return h
}

func fnv1a(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// murmur2 is the hash of org.apache.kafka.common.utils.Utils.
func murmur2(b []byte) uint32 {
	const m = 0x5bd1e995
	h := 0x9747b28c ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		h = h*m ^ (k^k>>24)*m
	}
	tail := uint32(0)
	for i := len(b) - 1; i >= 0; i-- {
		tail = tail<<8 | uint32(b[i])
	}
	if len(b) > 0 {
		h = (h ^ tail) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
