#!lua flags=no-writes
-- Replies the ids of the first and the last record of a shard, or nothing.
-- KEYS: meta, stream. ARGV: identity.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return redis.error_reply('LOST another log is there')
end
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if not first then
  return {}
end
return {first[1], redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1][1]}
