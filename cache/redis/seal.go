package redis

import (
	"encoding/binary"
	"hash/crc32"
)

// A value is a byte for the format, the CRC32C of key and blob in 4 bytes, little-endian, and the blob.
const (
	format   = 1
	sealSize = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key string, blob []byte) uint32 {
	var buf [128]byte
	return crc32.Update(crc32.Checksum(append(buf[:0], key...), castagnoli), castagnoli, blob)
}

// appendSealed appends the value of a blob under its full key.
func appendSealed(dst []byte, key string, blob []byte) []byte {
	dst = append(dst, format)
	dst = binary.LittleEndian.AppendUint32(dst, checksum(key, blob))
	return append(dst, blob...)
}

// unseal gives the blob within value, without a copy; false if the value was not sealed under this key, is damaged, or
// holds more than limit bytes.
func unseal(key string, value []byte, limit int) ([]byte, bool) {
	if len(value) < sealSize || value[0] != format || len(value)-sealSize > limit {
		return nil, false
	}
	blob := value[sealSize:]
	return blob, binary.LittleEndian.Uint32(value[1:]) == checksum(key, blob)
}
