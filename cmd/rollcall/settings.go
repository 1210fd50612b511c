package main

import "slices"

// setting is one key of the configuration. It lists them all once, for the file, the environment, the flags, `config
// print` and the checks.
type setting struct {
	key     string
	help    string
	example string
	value   value
	lasting bool // the stored figures depend on it
}

// settings gives the keys of c in the order of the documentation.
func settings(c *Config) []setting {
	return slices.Concat(figureSettings(c), logSettings(c), storeSettings(c), sourceSettings(c), cacheSettings(c), archiveSettings(c), limitSettings(c))
}

func figureSettings(c *Config) []setting {
	return []setting{
		{"data", "Directory of the embedded log and store.", "./rollcall-data", (*text)(&c.Data), false},
		{"listen", "Address to serve HTTP on.", ":8080", (*text)(&c.Listen), false},
		{"timezone", "Report time zone.", "UTC", (*text)(&c.Timezone), true},
		{"dimensions", "Dimensions to count by.", "a,b", (*list)(&c.Dimensions), true},
		{"renamed", "Dimensions that were called otherwise before.", "nation=country", (*dict)(&c.Renamed), true},
		{"fields", "Input field of each name.", "time=ts,user_id=uuid", (*dict)(&c.Fields), false},
		{"session_gap", "Longest pause within a session.", "30m", (*duration)(&c.SessionGap), true},
		{"passive_types", "Event types that are not interactive.", "heartbeat", (*list)(&c.PassiveTypes), true},
		{"late_horizon", "How far behind the newest event one may be; 0 for any.", "7d", (*duration)(&c.LateHorizon), false},
		{"max_dimension_values", "Distinct values of a dimension and day; the rest is (other).", "10000", (*number)(&c.MaxDimensionValues), false},
		{"retention.minute", "How long minute cells are kept.", "2d", (*duration)(&c.MinuteRetention), false},
		{"retention.hour", "How long hour cells are kept.", "90d", (*duration)(&c.HourRetention), false},
		{"retention.day", "How long day cells are kept; 0 for ever.", "0", (*duration)(&c.DayRetention), false},
		{"commit_interval", "Longest wait from the log to the store.", "200ms", (*duration)(&c.CommitInterval), false},
		{"state_memory", "Memory for the states of days.", "192MiB", (*size)(&c.StateMemory), false},
		{"roles", "What this process does: intake, aggregate, query.", "intake,query", (*list)(&c.Roles), false},
	}
}

func logSettings(c *Config) []setting {
	return []setting{
		{"log.kind", "Kind of log: embedded, kafka or redis.", "embedded", (*text)(&c.LogKind), false},
		{"log.shards", "Number of shards.", "4", (*number)(&c.LogShards), true},
		{"log.segment_bytes", "Size of a log file.", "256MiB", (*size)(&c.LogSegmentBytes), false},
		{"log.tail_bytes", "Memory for the newest part of the log.", "32MiB", (*size)(&c.LogTailBytes), false},
		{"log.max_bytes", "Most bytes of log on disk; 0 for no limit.", "0", (*size)(&c.LogMaxBytes), false},
		{"log.max_age", "How long folded events stay in the log; 0 for ever.", "0", (*duration)(&c.LogMaxAge), false},
		{"log.brokers", "Kafka: addresses to begin with.", "127.0.0.1:9092", (*list)(&c.Log.Brokers), false},
		{"log.topic", "Kafka: topic of the log.", "rollcall", (*text)(&c.Log.Topic), false},
		{"log.group", "Kafka: consumer group of the aggregators.", "rollcall", (*text)(&c.Log.Group), false},
		{"log.replication", "Kafka: copies of a new topic, 0 for the broker's default. Redis: replicas that must have an event.", "3", (*number)(&c.Log.Replication), false},
		{"log.addr", "Redis Streams: address, as of cache.addr.", "127.0.0.1:6379", (*address)(&c.Log.Addr), false},
		{"log.prefix", "Redis Streams: beginning of all keys.", "rollcall", (*text)(&c.Log.Prefix), false},
		{"log.username", "User at the log's servers.", "rollcall", (*text)(&c.Log.Username), false},
		{"log.password", "Password there; better by its variable, as others may read flags.", "PASSWORD", (*secret)(&c.Log.Password), false},
		{"log.sasl", "Kafka: plain, scram-sha-256 or scram-sha-512.", "scram-sha-512", (*text)(&c.Log.SASL), false},
		{"log.tls", "Talk to the log's servers over TLS.", "true", (*toggle)(&c.Log.TLS), false},
		{"log.tls_ca", "File of certificates (PEM) that sign theirs; turns TLS on.", "ca.pem", (*text)(&c.Log.TLSCA), false},
		{"log.session_timeout", "How long an owner may be silent before its shards move.", "10s", (*duration)(&c.Log.SessionTimeout), false},
		{"log.fetch_bytes", "Memory for what is fetched and not yet folded.", "64MiB", (*size)(&c.Log.FetchBytes), false},
	}
}

func storeSettings(c *Config) []setting {
	return []setting{
		{"store.kind", "Kind of store: sqlite or mysql.", "sqlite", (*text)(&c.StoreKind), false},
		{"store.dsn", "MySQL: mysql://user:password@host:3306/database, or user:password@tcp(host:3306)/database.", "mysql://rollcall@127.0.0.1:3306/rollcall", (*dsn)(&c.MySQL.DSN), false},
		{"store.migrate", "MySQL: make or update the tables at the start; else rollcall migrate does.", "false", (*toggle)(&c.MySQL.Migrate), false},
		{"store.max_open_conns", "MySQL: most connections of this process.", "16", (*number)(&c.MySQL.MaxOpenConns), false},
		{"store.statement_timeout", "MySQL: longest statement.", "30s", (*duration)(&c.MySQL.StatementTimeout), false},
		{"store.tls_ca", "MySQL: file of certificates (PEM) that sign the server's; turns TLS on.", "ca.pem", (*text)(&c.MySQL.TLSCA), false},
		{"store.turns", "Redis addresses whose lock lets aggregators write in turn; none for no turns.", "127.0.0.1:6379", (*addresses)(&c.Turns), false},
	}
}

func sourceSettings(c *Config) []setting {
	return []setting{
		{"source.kind", "What others write to be taken in: kafka, redis_stream or redis_pubsub.", "kafka", (*text)(&c.Source.Kind), false},
		{"source.format", "Form of its messages: json, avro or protobuf; rollcall for the log of another Rollcall.", "json", (*text)(&c.Source.Format), false},
		{"source.registry", "Schema registry of avro and protobuf.", "http://127.0.0.1:8081", (*text)(&c.Source.Registry), false},
		{"source.registry_username", "User at the registry.", "rollcall", (*text)(&c.Source.RegistryUsername), false},
		{"source.registry_password", "Password there; better by its variable.", "PASSWORD", (*secret)(&c.Source.RegistryPassword), false},
		{"source.refuse_schemas", "Schema ids whose messages go to quarantine, as the registry has lost them.", "17,18", (*list)(&c.Source.RefuseSchemas), false},
		{"source.message_time", "Give an event without a time that of its message.", "true", (*toggle)(&c.Source.MessageTime), false},
		{"source.rekey", "Kafka: whether events are keyed anew: auto, always or never.", "auto", (*text)(&c.Source.Rekey), false},
		{"source.brokers", "Kafka: addresses to begin with.", "127.0.0.1:9092", (*list)(&c.Source.Brokers), false},
		{"source.topic", "Kafka: topic.", "user-activity", (*text)(&c.Source.Topic), false},
		{"source.group", "Kafka: consumer group.", "rollcall-source", (*text)(&c.Source.Group), false},
		{"source.addr", "Redis: address, as of cache.addr.", "127.0.0.1:6379", (*address)(&c.Source.Addr), false},
		{"source.stream", "Redis: stream.", "events", (*text)(&c.Source.Stream), false},
		{"source.field", "Redis: field of an entry that holds an event in JSON.", "event", (*text)(&c.Source.Field), false},
		{"source.channels", "Redis: channels to listen to, or patterns.", "events.*", (*list)(&c.Source.Channels), false},
		{"source.sequence", "Redis Pub/Sub: field that rises by one, to see gaps by.", "seq", (*text)(&c.Source.Sequence), false},
		{"source.username", "User at the source.", "rollcall", (*text)(&c.Source.Username), false},
		{"source.password", "Password there; better by its variable.", "PASSWORD", (*secret)(&c.Source.Password), false},
		{"source.sasl", "Kafka: plain, scram-sha-256 or scram-sha-512.", "scram-sha-512", (*text)(&c.Source.SASL), false},
		{"source.tls", "Talk to the source over TLS.", "true", (*toggle)(&c.Source.TLS), false},
		{"source.tls_ca", "File of certificates (PEM) that sign its; turns TLS on.", "ca.pem", (*text)(&c.Source.TLSCA), false},
	}
}

func cacheSettings(c *Config) []setting {
	return []setting{
		{"cache.kind", "Kind of cache: memory, or redis behind it.", "memory", (*text)(&c.CacheKind), false},
		{"cache.memory", "Memory for blocks and answers.", "256MiB", (*size)(&c.CacheMemory), false},
		{"cache.poll", "How old an answer may be when an announcement is lost.", "1s", (*duration)(&c.CachePoll), false},
		{"cache.addr", "Redis: host:port, or redis://, redis-cluster://, redis-sentinel:// (rediss… for TLS).", "127.0.0.1:6379", (*address)(&c.Redis.Addr), false},
		{"cache.username", "User at Redis.", "rollcall", (*text)(&c.Redis.Username), false},
		{"cache.password", "Password at Redis; better by its variable, as others may read flags.", "PASSWORD", (*secret)(&c.Redis.Password), false},
		{"cache.sentinel_username", "User at the sentinels.", "rollcall", (*text)(&c.Redis.SentinelUsername), false},
		{"cache.sentinel_password", "Password at the sentinels.", "PASSWORD", (*secret)(&c.Redis.SentinelPassword), false},
		{"cache.tls_ca", "File of certificates (PEM) that sign Redis's; turns TLS on.", "ca.pem", (*text)(&c.Redis.TLSCA), false},
		{"cache.prefix", "Beginning of all keys in Redis.", "rollcall", (*text)(&c.Redis.Prefix), false},
		{"cache.ttl", "How long a block stays in Redis.", "1h", (*duration)(&c.Redis.TTL), false},
		{"cache.timeout", "Longest wait for Redis.", "100ms", (*duration)(&c.Redis.Timeout), false},
		{"cache.max_value_bytes", "Largest block kept in Redis.", "8MiB", (*size)(&c.Redis.MaxValueBytes), false},
	}
}

func archiveSettings(c *Config) []setting {
	return []setting{
		{"archive.dir", "Directory for the events as Parquet files, or s3://bucket/prefix; none for no archive.", "./rollcall-archive", (*text)(&c.Archive.Dir), false},
		{"archive.interval", "Rhythm in which events are added to it.", "1m", (*duration)(&c.Archive.Interval), false},
		{"archive.max_age", "Age at which its days go; 0 keeps them for ever.", "0", (*duration)(&c.Archive.MaxAge), false},
		{"archive.user_key", "File with a key: user ids are archived as their hashes under it.", "user.key", (*text)(&c.Archive.UserKey), false},
		{"archive.endpoint", "S3: URL of the server; none for AWS.", "http://127.0.0.1:9000", (*text)(&c.Archive.Endpoint), false},
		{"archive.region", "S3: region.", "us-east-1", (*text)(&c.Archive.Region), false},
		{"archive.access_key", "S3: access key; none for AWS_ACCESS_KEY_ID, the credentials file or the machine's role.", "ACCESSKEY", (*text)(&c.Archive.AccessKey), false},
		{"archive.secret_key", "S3: secret key; better by its variable.", "SECRET", (*secret)(&c.Archive.SecretKey), false},
		{"verify.background", "Verify closed days while serving.", "false", (*toggle)(&c.Verify.Background), false},
		{"verify.interval", "Shortest time from one such verification to the next.", "6h", (*duration)(&c.Verify.Interval), false},
		{"verify.share", "Percent of one core that it may take.", "10", (*number)(&c.Verify.Share), false},
	}
}

func limitSettings(c *Config) []setting {
	return []setting{
		{"query.max_cost", "Most cells and user-set entries a query may read; 0 for any.", "2000000000", (*count)(&c.MaxCost), false},
		{"max_body", "Largest HTTP body, packed or not.", "16MiB", (*size)(&c.MaxBody), false},
		{"max_line", "Largest single event.", "1MiB", (*size)(&c.MaxLine), false},
		{"quarantine.max_letters", "Most entries of the quarantine, the newest; 0 for any.", "1000000", (*count)(&c.Quarantine.Letters), false},
		{"quarantine.max_age", "How long the quarantine keeps an entry; 0 for ever.", "90d", (*duration)(&c.Quarantine.Age), false},
		{"rate_limit", "Most events a second over HTTP; 0 for no limit.", "0", (*number)(&c.RateLimit), false},
		{"api_keys", "Keys that may post events; none for open.", "k1,k2", (*secrets)(&c.APIKeys), false},
	}
}
