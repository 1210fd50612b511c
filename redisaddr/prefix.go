package redisaddr

import "fmt"

const maxPrefix = 64 // bytes

// CheckPrefix tells what is wrong with a prefix of keys. It refuses braces above all: a hash tag would put every key into
// one slot of a Cluster, and that is for the packages to decide.
func CheckPrefix(prefix string) error {
	for _, r := range prefix {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.' && r != ':' {
			return fmt.Errorf("prefix %q: want letters, digits and _-.: only", prefix)
		}
	}
	if len(prefix) > maxPrefix {
		return fmt.Errorf("prefix of %d bytes: want at most %d", len(prefix), maxPrefix)
	}
	return nil
}
