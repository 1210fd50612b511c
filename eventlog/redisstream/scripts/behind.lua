#!lua flags=no-writes
-- Replies how many records of a shard lie behind one: its own if it is kept, else the last before it, else all that are kept.
-- KEYS: meta, stream. ARGV: identity, id of the record.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return redis.error_reply('LOST another log is there')
end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if not last then
  return 0
end
local at = redis.call('XREVRANGE', KEYS[2], ARGV[2], '-', 'COUNT', 1)[1]
if not at then
  return redis.call('XLEN', KEYS[2])
end
return tonumber(last[2][2]) - tonumber(at[2][2])
