package redisaddr

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Addr is where a Redis is. String hides the passwords.
type Addr struct {
	Hosts    []string // host:port; of the sentinels if Master is set
	Master   string   // name of the master at the sentinels; empty without Sentinel
	Cluster  bool     // it must be a Cluster; a single host without it may be one
	TLS      bool
	Username string
	Password string
	DB       int
}

const (
	maxAddr      = 4096 // bytes
	maxAddrHosts = 64
	maxDB        = 1 << 16
)

// Parse takes
//
//	host, host:port                    one server, or any node of a Cluster
//	host:port,host:port                nodes of a Cluster
//	redis://user:password@host:port/db
//	redis-cluster://user:password@host:port,host:port
//	redis-sentinel://user:password@host:port,host:port/master/db
//
// and rediss://, rediss-cluster:// and rediss-sentinel:// for TLS. Ports are 6379 unless given, 26379 of sentinels. User
// and password are percent-encoded and may be missing. Errors repeat nothing of s, which may hold a password.
func Parse(s string) (Addr, error) {
	if len(s) > maxAddr {
		return Addr{}, fmt.Errorf("redis address of %d bytes: want at most %d", len(s), maxAddr)
	}
	a, err := parseAddr(s)
	if err != nil {
		return Addr{}, fmt.Errorf("redis address: %w", err)
	}
	return a, nil
}

func parseAddr(s string) (a Addr, err error) {
	rest := s
	sentinel := false
	if scheme, after, found := strings.Cut(s, "://"); found {
		if sentinel, err = a.scheme(scheme); err != nil {
			return a, err
		}
		rest = after
	}
	authority, path, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(rest, "?#") || strings.Contains(path, "@") {
		return a, errors.New("takes no ? or #, and a password with one of /?#@:% must be percent-encoded")
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if err := a.user(authority[:at]); err != nil {
			return a, err
		}
		authority = authority[at+1:]
	}
	if err := a.hosts(authority, sentinel); err != nil {
		return a, err
	}
	return a, a.path(path, sentinel)
}

func (a *Addr) scheme(scheme string) (sentinel bool, err error) {
	kind, ok := strings.CutPrefix(scheme, "rediss")
	if a.TLS = ok; !ok {
		kind, ok = strings.CutPrefix(scheme, "redis")
	}
	a.Cluster = kind == "-cluster"
	sentinel = kind == "-sentinel"
	if !ok || kind != "" && !a.Cluster && !sentinel {
		return false, errors.New("begins with an unknown scheme: want redis://, redis-cluster:// or redis-sentinel://, or rediss… for TLS")
	}
	return sentinel, nil
}

func (a *Addr) user(info string) error {
	user, password, _ := strings.Cut(info, ":")
	var err, err2 error
	a.Username, err = url.PathUnescape(user)
	a.Password, err2 = url.PathUnescape(password)
	if err != nil || err2 != nil {
		return errors.New("user or password is not percent-encoded: write % as %25")
	}
	return nil
}

func (a *Addr) hosts(list string, sentinel bool) error {
	hosts := strings.Split(list, ",")
	if len(hosts) > maxAddrHosts {
		return fmt.Errorf("has %d hosts: want at most %d", len(hosts), maxAddrHosts)
	}
	standard := "6379"
	if sentinel {
		standard = "26379"
	}
	for i, host := range hosts {
		full, ok := hostPort(host, standard)
		if !ok {
			return fmt.Errorf("host %d of %d is not host, host:port or [ipv6]:port with a port of 1 to 65535", i+1, len(hosts))
		}
		a.Hosts = append(a.Hosts, full)
	}
	a.Cluster = a.Cluster || len(hosts) > 1 && !sentinel
	return nil
}

func hostPort(s, standard string) (string, bool) {
	host, port := s, standard
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		host = s[1 : len(s)-1]
	} else if strings.Contains(s, ":") {
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", false
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return net.JoinHostPort(host, port), err == nil && n > 0 && validHost(host)
}

func validHost(host string) bool {
	if strings.Contains(host, ":") {
		return net.ParseIP(strings.SplitN(host, "%", 2)[0]) != nil
	}
	for _, r := range host {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_' {
			return false
		}
	}
	return host != ""
}

func (a *Addr) path(path string, sentinel bool) error {
	if sentinel {
		if a.Master, path, _ = strings.Cut(path, "/"); a.Master == "" {
			return errors.New("lacks the name of the master: redis-sentinel://host:port/NAME")
		}
	}
	if path == "" {
		return nil
	}
	db, err := strconv.ParseUint(path, 10, 32)
	if err != nil || db >= maxDB {
		return errors.New("has no number of a database behind the last /")
	}
	if a.DB = int(db); a.Cluster && db > 0 {
		return errors.New("names a database other than 0, and a Cluster has only that")
	}
	return nil
}

// String gives an address that Parse takes, without user and password.
func (a Addr) String() string {
	s := "redis"
	if a.TLS {
		s = "rediss"
	}
	switch {
	case a.Cluster:
		s += "-cluster"
	case a.Master != "":
		s += "-sentinel"
	}
	s += "://" + strings.Join(a.Hosts, ",")
	if a.Master != "" {
		s += "/" + a.Master
	}
	if a.DB > 0 {
		s += "/" + strconv.Itoa(a.DB)
	}
	return s
}
