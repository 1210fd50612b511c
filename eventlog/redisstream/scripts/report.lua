#!lua flags=allow-oom
-- Shows how far a shard is committed, and lets go of the records before the last one that precedes the snapshot.
-- KEYS: meta, stream. ARGV: identity, group, last id committed, last id before what must be kept ('' to trim nothing).
-- Replies the number of records trimmed.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return redis.error_reply('LOST another log is there')
end
local last = redis.call('XREVRANGE', KEYS[2], ARGV[3], '-', 'COUNT', 1)[1]
if not last then
  return 0
end
local set = redis.pcall('XGROUP', 'SETID', KEYS[2], ARGV[2], last[1], 'ENTRIESREAD', last[2][2])
if type(set) == 'table' and set.err then
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[2], last[1], 'ENTRIESREAD', last[2][2])
end
local before = ARGV[4] ~= '' and redis.call('XREVRANGE', KEYS[2], ARGV[4], '-', 'COUNT', 1)[1]
if not before then
  return 0
end
return redis.call('XTRIM', KEYS[2], 'MINID', '~', before[1])
