#!lua flags=allow-oom
-- Shows how far a shard is committed, and lets go of the records before the last one that precedes the snapshot.
-- KEYS: meta, stream. ARGV: identity, group, id of the last record committed, id of the first record kept ('' to trim nothing).
-- Replies the number of records trimmed.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return redis.error_reply('LOST another log is there')
end
local last = redis.call('XRANGE', KEYS[2], ARGV[3], ARGV[3])[1]
if not last then
  return 0
end
local set = redis.pcall('XGROUP', 'SETID', KEYS[2], ARGV[2], ARGV[3], 'ENTRIESREAD', last[2][2])
if type(set) == 'table' and set.err then
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[2], ARGV[3], 'ENTRIESREAD', last[2][2])
end
if ARGV[4] == '' then
  return 0
end
return redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[4])
