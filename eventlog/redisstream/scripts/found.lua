#!lua
-- Makes the log unless it is there. KEYS: meta. ARGV: a new identity, shards. Replies identity, shards and format as they are.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'shards', ARGV[2], 'format', '1')
end
return redis.call('HMGET', KEYS[1], 'id', 'shards', 'format')
