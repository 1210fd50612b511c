package main

import (
	"runtime"
	"time"

	"rollcall/intake"
)

// Config is the configuration in force. docs/configuration.md explains each key.
type Config struct {
	Data, Listen string

	Timezone           string
	Dimensions         []string          // of the figures
	Renamed            map[string]string // by the names of Dimensions: what those were called before
	Recorded           []string          // that intake records, when those are others; nil else
	Fields             map[string]string
	SessionGap         time.Duration
	PassiveTypes       []string
	Earlier            []earlierRule // for the days before a change of these two
	LateHorizon        time.Duration // 0: unlimited
	MaxDimensionValues int

	CommitInterval                 time.Duration
	StateMemory                    int64 // bytes
	MinuteRetention, HourRetention time.Duration
	DayRetention                   time.Duration // 0: kept for ever
	LogKind                        string
	LogShards                      int
	LogSegmentBytes, LogTailBytes  int64
	LogMaxBytes                    int64         // 0: no limit
	LogMaxAge                      time.Duration // 0: kept for ever
	Roles                          []string
	Log                            serverLogConfig // of kinds kafka and redis
	MySQL                          mysqlConfig
	Turns                          []string // addresses of Redis
	Source                         sourceConfig
	StoreKind, CacheKind           string
	notes                          []string          // what its reader should know
	becoming                       map[string]string // settings of the build that the configuration wants, when it is another; nil else
	goesOver                       bool              // to the active build, whatever it is
	rebuilds                       bool              // reads what is recorded, to make a build of it
	erases                         bool              // rewrites what is there
	CacheMemory                    int64             // bytes
	CachePoll                      time.Duration
	Redis                          redisConfig
	Archive                        archiveConfig
	Verify                         verifyConfig
	MaxCost                        int64 // cells and members of user sets a query may read
	MaxBody, MaxLine               int64 // bytes
	RateLimit                      int   // events a second; 0: no limit
	APIKeys                        []string
	Quarantine                     intake.Bounds
}

// archiveConfig is the archive.
type archiveConfig struct {
	Dir                  string // or s3://bucket/prefix
	UserKey              string // file
	MaxAge, Interval     time.Duration
	Endpoint, Region     string // of S3
	AccessKey, SecretKey string
}

// verifyConfig is the verification of closed days in the background.
type verifyConfig struct {
	Background bool
	Interval   time.Duration
	Share      int // percent of a core
}

// redisConfig is the second level of the cache, of kind redis.
type redisConfig struct {
	Addr                               string // see redisaddr.Parse
	Username, Password                 string // over those in Addr
	SentinelUsername, SentinelPassword string
	TLSCA, Prefix                      string
	TTL, Timeout                       time.Duration
	MaxValueBytes                      int64
}

// serverLogConfig is a log on servers, kinds kafka and redis.
type serverLogConfig struct {
	Brokers                  []string
	Topic, Group, Addr       string
	Prefix                   string
	SASL, Username, Password string
	TLS                      bool
	TLSCA                    string
	Replication              int
	SessionTimeout           time.Duration
	FetchBytes               int64
}

// mysqlConfig is a store of kind mysql.
type mysqlConfig struct {
	DSN, TLSCA       string
	Migrate          bool
	MaxOpenConns     int
	StatementTimeout time.Duration
}

// sourceConfig is what others write and is taken in.
type sourceConfig struct {
	Kind, Format, Rekey      string
	Brokers                  []string
	Topic, Group             string
	Addr, Stream, Sequence   string
	Channels                 []string
	Field                    string
	Registry                 string
	RegistryUsername         string
	RegistryPassword         string
	MessageTime              bool
	RefuseSchemas            []string // ids
	SASL, Username, Password string
	TLS                      bool
	TLSCA                    string
}

func defaults() Config {
	return Config{
		Data: "./rollcall-data", Listen: ":8080",
		Timezone: "UTC", Fields: map[string]string{}, SessionGap: 30 * time.Minute, MaxDimensionValues: 10_000,
		CommitInterval: 200 * time.Millisecond, StateMemory: 192 << 20,
		MinuteRetention: 2 * day, HourRetention: 90 * day,
		Roles:   []string{roleIntake, roleAggregate, roleQuery},
		Log:     serverLogConfig{Brokers: []string{"127.0.0.1:9092"}, Topic: "rollcall", Group: "rollcall", Addr: "127.0.0.1:6379", Prefix: "rollcall", SessionTimeout: 10 * time.Second, FetchBytes: 64 << 20},
		MySQL:   mysqlConfig{Migrate: true, MaxOpenConns: 16, StatementTimeout: 30 * time.Second},
		Source:  sourceConfig{Format: "json", Rekey: "auto", Group: "rollcall-source", Brokers: []string{"127.0.0.1:9092"}, Addr: "127.0.0.1:6379"},
		LogKind: kindEmbedded, LogShards: 4, LogSegmentBytes: 256 << 20, LogTailBytes: 32 << 20,
		StoreKind: kindSQLite, CacheKind: "memory", CacheMemory: 256 << 20, CachePoll: time.Second,
		Redis:   redisConfig{Addr: "127.0.0.1:6379", Prefix: "rollcall", TTL: time.Hour, Timeout: 100 * time.Millisecond, MaxValueBytes: 8 << 20},
		Archive: archiveConfig{Interval: time.Minute},
		Verify:  verifyConfig{Background: true, Interval: 6 * time.Hour, Share: 10},
		MaxCost: 2_000_000_000,
		MaxBody: 16 << 20, MaxLine: 1 << 20,
		Quarantine: intake.Bounds{Letters: 1_000_000, Age: 90 * day},
	}
}

const day = 24 * time.Hour

// workers is how many goroutines decode a file.
func workers() int { return max(runtime.GOMAXPROCS(0), 1) }
