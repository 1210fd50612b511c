#!lua
-- Appends records and moves a mark: all of it, or nothing.
-- KEYS: meta, marks, numbers, then the stream of each record.
-- ARGV: identity, channel, mark ('', 'set' or 'done'), source, expected position ('' for none), new position, most marks,
-- then shard, count, checksum and payload of each record.
-- Replies 'ok', or the mark that is there instead of the expected one.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return redis.error_reply('LOST another log is there')
end
if ARGV[3] ~= '' then
  local stored = redis.call('HGET', KEYS[2], ARGV[4]) or ''
  if stored ~= ARGV[5] then
    return {stored}
  end
  if ARGV[3] == 'done' then
    redis.call('HDEL', KEYS[2], ARGV[4])
  elseif stored == '' and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[7]) then
    return redis.error_reply('MARKS too many sources are unfinished')
  else
    redis.call('HSET', KEYS[2], ARGV[4], ARGV[6])
  end
end
local news = {}
for i = 4, #KEYS do
  local a = 8 + 4 * (i - 4)
  local shard = ARGV[a]
  local number = redis.call('HINCRBY', KEYS[3], shard, 1)
  local id = redis.call('XADD', KEYS[i], '*', 'n', number, 'c', ARGV[a + 1], 's', ARGV[a + 2], 'p', ARGV[a + 3])
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if tonumber(seq) >= 1048576 then -- the clock was set back for long: go on in the next millisecond before an offset can't hold seq
    redis.call('XSETID', KEYS[i], string.format('%.0f-0', tonumber(ms) + 1))
  end
  news[#news + 1] = shard
end
if #news > 0 then
  redis.call('PUBLISH', ARGV[2], table.concat(news, ','))
end
return 'ok'
